"""`relay permission`: who of a file may be mailed and why not, and whose permission ends soon (clauses 3.1, 3.4)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from config.schema import Settings
from policies.address import Address
from policies.chain import Decision, decide
from policies.facts import Account as Sender
from policies.facts import MailingList, Recipient, Stream
from policies.registry import build
from policies.verdict import Accept, Defer, Reject
from relay.adapters.clock import SystemClock
from relay.adapters.store.engine import Engine
from relay.adapters.store.expiring import expiring as permissions_that_end
from relay.adapters.store.lists import Lists
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.cli.arguments import Account, List, name
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_note, print_table
from relay.cli.row_report import writing
from relay.cli.session import act, recogniser, with_store
from relay.permission.csv_file import FileFault
from relay.permission.suppression_file import addresses

app = typer.Typer(help="Who may be mailed.")

PART = 200
REPORT = ("row", "email", "verdict", "rule", "why")
Report = Annotated[Path | None, typer.Option(metavar="OUT.csv", help="One row an address.")]
Row = tuple[int, str, str, str, str]
_VERDICTS = {Reject: "refused", Defer: "not yet"}


@app.command()
def check(
    ctx: typer.Context,
    account: Account,
    list_name: List,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)],
    report: Report = None,
    json: Json = False,
) -> None:
    """Judge every address of a file as RCPT would right now; nothing is sent, nothing changes."""
    try:
        rows = asyncio.run(_checked(invocation(ctx).settings, account, list_name, file))
    except FileFault as fault:
        raise Failure(str(fault), Exit.USAGE) from None
    with writing(report, REPORT) as write:
        for row in rows:
            write(row)
    may = sum(row[2] == "accepted" for row in rows)
    rules = Counter(row[3] for row in rows if row[3])
    if json:
        shown = [dict(zip(REPORT, row, strict=True)) for row in rows]
        print_json({"rows": len(rows), "may": may, "rules": dict(sorted(rules.items())), "addresses": shown})
        return
    print_line(f"{may} of {len(rows)} addresses may be mailed by {account} on {list_name}")
    print_table(("rule", "addresses"), rules.most_common()) if rules else None
    for row in rows[:20] if report is None else ():
        if row[3]:
            print_line(f"{row[1]}: {row[3]}: {row[4]}")


@app.command()
def expiring(
    ctx: typer.Context,
    account: Account,
    list_name: Annotated[str | None, typer.Argument(metavar="[LIST]", parser=name)] = None,
    within: Annotated[int, typer.Option(min=1, max=3650, metavar="DAYS", help="How far to look ahead.")] = 90,
    report: Report = None,
    json: Json = False,
) -> None:
    """Whose permission reaches the age limit and when: time to ask them again by double opt-in."""
    now = act("").at
    max_age = timedelta(days=invocation(ctx).settings.imports.max_age_days)
    by_month, total = Counter[tuple[str, str]](), Counter[str]()

    async def work(engine: Engine) -> None:
        lists = [list_name] if list_name else [one.name for one in await Lists(engine).of(account)]
        with writing(report, ("email", "list", "expires_at")) as write:
            until = now + timedelta(days=within)
            async for one in permissions_that_end(engine, account, lists, max_age, now, until):
                by_month[(f"{one.expires_at:%Y-%m}", one.list_name)] += 1
                total[one.list_name] += 1
                write((one.email, one.list_name, one.expires_at))

    with_store(ctx, work)
    rows = [(month, listed, count) for (month, listed), count in sorted(by_month.items())]
    if json:
        print_json([dict(zip(("month", "list", "addresses"), row, strict=True)) for row in rows])
        return
    print_line(f"{total.total()} permissions end within {within} days")
    print_table(("month", "list", "addresses"), rows) if rows else None
    if total and report is None:
        print_note("--report OUT.csv writes the addresses")


async def _checked(settings: Settings, account_name: str, list_name: str, file: Path) -> list[Row]:
    doubt = timedelta(seconds=settings.delivery.in_doubt_after)
    store = open_mail_store(settings.store.url, SystemClock(), doubt, recognise=recogniser(settings))
    try:
        account = await store.directory.account_named(account_name)
        if account is None:
            raise Failure(f"no account is named {account_name}")
        mailing_list = account.list_named(list_name)
        if mailing_list is None:
            raise Failure(f"{account_name} has no list {list_name}")
        numbered: Iterator[tuple[int, tuple[str, Address | None]]] = enumerate(addresses(file), 1)
        rows: list[Row] = []
        while part := list(islice(numbered, PART)):
            rows += await _judged(settings, store, account, mailing_list, part)
        return rows
    finally:
        await store.close()


async def _judged(
    settings: Settings,
    store: MailStore,
    account: Sender,
    mailing_list: MailingList,
    part: list[tuple[int, tuple[str, Address | None]]],
) -> list[Row]:
    known = [address for _, (_, address) in part if address is not None]
    listed = (mailing_list.list_id, mailing_list.name, Stream.MARKETING)
    facts = dict(zip(known, await store.permissions.recipients(account, *listed, known), strict=True))
    rules = build(settings).recipient
    rows: list[Row] = []
    for number, (typed, address) in part:
        if address is None:
            rows.append((number, typed, "refused", "address.malformed", "this is no mailbox"))
            continue
        own = account.owns(address.domain) or address.key == account.email.key
        recipient = Recipient(address, own, account.name, account.standing, account.pending_because)
        rows.append(_row(number, typed, decide(rules, recipient, facts[address])))
    return rows


def _row(number: int, typed: str, decision: Decision) -> Row:
    verdict = decision.verdict
    if isinstance(verdict, Accept):
        return number, typed, "accepted", "", ""
    why = verdict.why if isinstance(verdict, (Reject, Defer)) else ""
    return number, typed, _VERDICTS.get(type(verdict), "held"), decision.rule or "", why
