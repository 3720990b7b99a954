"""`relay account`: customers, what they registered, and their standing (clauses 1.1, 1.2, 7.3)."""

from __future__ import annotations

from typing import Annotated

import typer

from policies.address import Address
from relay.adapters.store.accounts import AccountChange, AccountRecord, Accounts, NewAccount
from relay.adapters.store.standings import AccountStandings
from relay.cli.arguments import Account, AnyReason, Reason, country, mailbox, one_line, several_lines
from relay.cli.invocation import By, Json
from relay.cli.output import Exit, Failure, print_json, print_line, print_note, print_table
from relay.cli.session import act, with_store
from relay.enforcement.standing import Move, Standings, missing

app = typer.Typer(help="Accounts: registration and standing.")

Organisation = Annotated[str, typer.Option(parser=one_line, metavar="TEXT", help="As it stands in the footer.")]
Email = Annotated[Address, typer.Option(parser=mailbox, metavar="ADDR", help="Where notices go.")]
PostalAddress = Annotated[
    str | None,
    typer.Option(parser=several_lines, metavar="TEXT", help="Stands in every footer (clause 5.1)."),
]
Country = Annotated[str, typer.Option(parser=country, metavar="CC", help="ISO 3166 code.")]
Industry = Annotated[str, typer.Option(parser=one_line, metavar="TEXT", help="As declared at onboarding.")]
AcceptPolicy = Annotated[bool, typer.Option("--accept-policy", help="The policy was accepted on paper.")]


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    organisation: Organisation,
    email: Email,
    country: Country,
    industry: Industry,
    postal_address: PostalAddress = None,
    accept_policy: AcceptPolicy = False,
    *,
    by: By,
    json: Json = False,
) -> None:
    """Register an account; pending until the policy is accepted and a postal address registered."""
    accepted = _on_paper(by) if accept_policy else ""
    new = NewAccount(account, organisation, email, country, industry, postal_address or "", accepted)
    _print_account(with_store(ctx, lambda engine: Accounts(engine).add(new, act(by))), json)


@app.command()
def show(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """One account."""
    _print_account(with_store(ctx, lambda engine: Accounts(engine).show(account)), json)


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """All accounts."""
    records = with_store(ctx, lambda engine: Accounts(engine).all())
    if json:
        print_json([_json(record) for record in records])
        return
    columns = ("name", "organisation", "email", "standing", "domains", "lists")
    rows = [
        (one.name, one.organisation, one.email, one.standings.effective, " ".join(one.domains), " ".join(one.lists))
        for one in records
    ]
    print_table(columns, rows)


@app.command("set")
def set_(
    ctx: typer.Context,
    account: Account,
    organisation: Annotated[str | None, typer.Option(parser=one_line, metavar="TEXT")] = None,
    email: Annotated[Address | None, typer.Option(parser=mailbox, metavar="ADDR")] = None,
    postal_address: PostalAddress = None,
    country: Annotated[str | None, typer.Option(parser=country, metavar="CC")] = None,
    industry: Annotated[str | None, typer.Option(parser=one_line, metavar="TEXT")] = None,
    per_day: Annotated[int | None, typer.Option(min=0, metavar="N", help="Copies a day; 0: no cap.")] = None,
    sealed_mail: Annotated[
        bool | None,
        typer.Option("--sealed-mail/--no-sealed-mail", help="Mail that only its reader can open may leave."),
    ] = None,
    accept_policy: AcceptPolicy = False,
    *,
    by: By,
    json: Json = False,
) -> None:
    """Change what an account registered, or record that it accepted the policy."""
    accepted = _on_paper(by) if accept_policy else ""
    change = AccountChange(organisation, email, postal_address, country, industry, per_day, sealed_mail, accepted)
    if change == AccountChange():
        raise Failure("nothing to change: name at least one option", Exit.USAGE)
    _print_account(with_store(ctx, lambda engine: Accounts(engine).change(account, change, act(by))), json)


@app.command()
def approve(ctx: typer.Context, account: Account, reason: AnyReason = None, *, by: By) -> None:
    """Record that a person looked at the account and found it in order."""
    why = reason or "looked at and in order"
    _print_standing(account, with_store(ctx, lambda engine: AccountStandings(engine).approve(account, why, act(by))))


@app.command()
def warn(ctx: typer.Context, account: Account, reason: Reason, *, by: By) -> None:
    """Warn an account."""
    _move(ctx, account, Move.WARN, reason, by)


@app.command()
def suspend(ctx: typer.Context, account: Account, reason: Reason, *, by: By) -> None:
    """Stop an account's mail until it is reinstated."""
    _move(ctx, account, Move.SUSPEND, reason, by)


@app.command()
def reinstate(ctx: typer.Context, account: Account, reason: Reason, *, by: By) -> None:
    """Set both the system's and the staff's status to active."""
    _move(ctx, account, Move.REINSTATE, reason, by)


@app.command()
def deactivate(ctx: typer.Context, account: Account, reason: Reason, *, by: By) -> None:
    """Close an account."""
    _move(ctx, account, Move.DEACTIVATE, reason, by)


@app.command()
def history(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """Every step of an account's standing, with who, when and why."""
    changes = with_store(ctx, lambda engine: AccountStandings(engine).history(account))
    if json:
        print_json(changes)
        return
    columns = ("at", "side", "before", "after", "by", "reason", "ref")
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M:%S}", one.side, one.before, one.after, one.actor, one.reason, one.ref)
        for one in changes
    ]
    print_table(columns, rows)


def _move(ctx: typer.Context, account: str, move: Move, reason: str, by: str) -> None:
    moved = with_store(ctx, lambda engine: AccountStandings(engine).move(account, move, reason, act(by)))
    _print_standing(account, moved)


def _on_paper(by: str) -> str:
    return f"on paper, recorded by {by}"


def _print_standing(account: str, standings: Standings) -> None:
    print_line(f"{account} is {standings.effective} (system: {standings.system}, staff: {standings.staff})")


def _print_account(record: AccountRecord, json: bool) -> None:
    if json:
        print_json(_json(record))
        return
    rows = [(name.replace("_", " "), _cell(value)) for name, value in _json(record).items()]
    rows += [("postal address", record.postal_address.replace("\n", ", "))]
    rows += [("sealed mail", "may leave, with header fields only")] if record.sealed_mail else []
    print_table(("field", "value"), rows)
    owed = missing(record.policy_version, record.postal_address)
    if owed:
        print_note(f"{record.name} may write to its own addresses only: {owed}")


def _cell(value: str | int | list[str] | None) -> str:
    return " ".join(value) if isinstance(value, list) else "-" if value in (None, "") else str(value)


def _json(record: AccountRecord) -> dict[str, str | list[str] | None]:
    """The keys of INTERFACE.md §1, no others."""
    return {
        "name": record.name,
        "organisation": record.organisation,
        "email": record.email,
        "country": record.country,
        "industry": record.industry,
        "standing": record.standings.effective,
        "standing_system": record.standings.system,
        "standing_staff": record.standings.staff,
        "policy_version": record.policy_version or None,
        "domains": list(record.domains),
        "lists": list(record.lists),
    }
