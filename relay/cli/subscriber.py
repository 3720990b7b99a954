"""`relay subscriber`: one person on a list, and the evidence kept of their permission (clauses 2.3, 3.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from config.schema import Settings
from policies.address import Address
from policies.facts import SubscriptionStatus
from relay.adapters.dns import DnsResolver
from relay.adapters.store.engine import Engine
from relay.adapters.store.evidence import Evidence
from relay.adapters.store.imports import Imports
from relay.adapters.store.subscribers import Request, Subscribers
from relay.cli.address_check import check_address
from relay.cli.arguments import Account, List, Mailbox, name, one_line
from relay.cli.confirmation_mail import WORDS, Invitation, ask
from relay.cli.evidence_bundle import bundle
from relay.cli.invocation import By, Json, invocation
from relay.cli.output import Failure, print_json, print_line, print_note, print_table
from relay.cli.session import act, with_store
from relay.permission.questions import Asked
from relay.ports import TxtAnswer

app = typer.Typer(help="Subscribers.")


class Spoken(StrEnum):
    """A language we write in."""

    EN = "en"
    ID = "id"


Language = Annotated[
    Spoken | None, typer.Option(help="Of the confirmation mail; default: [platform] language.", show_default=False)
]


def date(text: str) -> datetime:
    """An ISO 8601 date or time, UTC where no offset is given."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date: write 2026-01-31") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


ConsentDate = Annotated[datetime | None, typer.Option(parser=date, metavar="DATE", help="When the person agreed.")]
ConsentSource = Annotated[str | None, typer.Option(parser=one_line, metavar="TEXT", help="Where the person agreed.")]


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    list_name: List,
    address: Mailbox,
    consented_at: ConsentDate = None,
    source: ConsentSource = None,
    person: Annotated[str | None, typer.Option("--name", parser=one_line, metavar="TEXT")] = None,
    language: Language = None,
    *,
    by: By,
    json: Json = False,
) -> None:
    """Put an address on a list. On a double opt-in list the person is asked by mail and pending until the yes."""
    who, settings = act(by), invocation(ctx).settings
    if consented_at is not None and consented_at > who.at:
        raise Failure("the consent date lies in the future")

    async def work(engine: Engine) -> tuple[SubscriptionStatus, Asked | None]:
        checked = await check_address(engine, settings, (account, list_name), address, who)
        claims = (person or "", consented_at, source or "", "")
        request = Request(address, *claims, checked.reason, checked.joining)
        status = await Subscribers(engine).add(account, list_name, request, who)
        if checked.reason and status is SubscriptionStatus.REFUSED:
            raise Failure(f"{address} is refused ({checked.reason}): {checked.how}")
        if status is not SubscriptionStatus.PENDING:
            return status, None
        spoken = language or settings.platform.language
        more = (person or "", source or "", consented_at)
        return status, await ask(engine, settings, Invitation(account, list_name, address, by, spoken, *more))

    status, asked = with_store(ctx, work)
    if json:
        shown = {"account": account, "list": list_name, "address": str(address), "status": status}
        print_json({**shown, "confirmation": asked})
    else:
        print_line(f"{address} is {status} on {account}/{list_name}")
    if asked is not None:
        print_note(WORDS[asked])
    _advise(status, consented_at, source, settings, who.at)


@app.command("ask")
def ask_(
    ctx: typer.Context, account: Account, list_name: List, address: Mailbox, language: Language = None, *, by: By
) -> None:
    """Send the confirmation mail, again or for the first time; limits hold as on the sign-up form."""
    settings = invocation(ctx).settings
    invitation = Invitation(account, list_name, address, by, language or settings.platform.language)

    async def work(engine: Engine) -> Asked:
        await _refuse_unknown_domain(address, settings)
        await Imports(engine).target(account, list_name)
        return await ask(engine, settings, invitation)

    asked = with_store(ctx, work)
    if asked is not Asked.SENT:
        raise Failure(WORDS[asked])
    print_line(WORDS[asked])


@app.command()
def show(
    ctx: typer.Context,
    account: Account,
    address: Mailbox,
    list_name: Annotated[
        str | None, typer.Option("--list", parser=name, metavar="LIST", help="Only this list.")
    ] = None,
    json: Json = False,
) -> None:
    """The evidence bundle: what permission there is, what it rests on, what was withdrawn."""
    record = with_store(ctx, lambda engine: Evidence(engine).show(account, address))
    max_age = timedelta(days=invocation(ctx).settings.imports.max_age_days)
    shown = bundle(record, list_name or "", max_age)
    if json:
        print_json(shown.json())
        return
    for one in shown.records:
        rows = [(field.replace("_", " "), str(value)) for field, value in one.items() if value not in (None, "")]
        print_table(("field", "value"), rows)
        print_line("")


async def _refuse_unknown_domain(address: Address, settings: Settings) -> None:
    """A domain that takes no mail has nobody who agreed; one that could not be looked up may have."""
    if not settings.dns.check_domains:
        return
    resolver = DnsResolver(settings.dns.servers, settings.dns.timeout)
    if await resolver.takes_mail(address.domain) is TxtAnswer.ABSENT:
        raise Failure(f"{address.domain} takes no mail (DNS has neither MX nor address)")


def _advise(
    status: SubscriptionStatus, consented_at: datetime | None, source: str | None, settings: Settings, now: datetime
) -> None:
    """What still stands between this address and its first mail."""
    max_age = timedelta(days=settings.imports.max_age_days)
    if status is SubscriptionStatus.PENDING:
        print_note("not to be mailed before the person confirms (consent.unconfirmed)")
    elif status is SubscriptionStatus.SUBSCRIBED and (consented_at is None or not source):
        print_note("not to be mailed without --consented-at and --source (consent.missing)")
    elif consented_at is not None and now - consented_at >= max_age:
        print_note(f"not to be mailed: permission is over {max_age.days} days old (consent.expired)")
