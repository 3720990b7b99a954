"""`relay suppress`: addresses that are not to be mailed; a person's own 'no' is not lifted here (clause 3.1)."""

from __future__ import annotations

from typing import Annotated

import typer

from policies.address import Address
from relay.adapters.store.suppressions import SuppressionRecord, Suppressions
from relay.cli.arguments import AnyReason, Reason, mailbox, name
from relay.cli.invocation import By, Json
from relay.cli.output import Exit, Failure, print_json, print_line, print_table
from relay.cli.session import act, with_store
from relay.cli.suppress_import import EVERY_ACCOUNT, import_

app = typer.Typer(help="Suppressed addresses.")

Words = Annotated[list[str], typer.Argument(metavar="ACCOUNT ADDR")]
AllAccounts = Annotated[bool, typer.Option("--all-accounts", help="For every account; ACCOUNT may be left out.")]
ListName = Annotated[
    str | None, typer.Option("--list", parser=name, metavar="LIST", help="Only this list; default: everything.")
]


@app.command()
def add(
    ctx: typer.Context,
    words: Words,
    all_accounts: AllAccounts = False,
    list_name: ListName = None,
    reason: AnyReason = None,
    *,
    by: By,
) -> None:
    """Send nothing to an address any more."""
    account, address = _account_and_address(words, all_accounts, list_name)
    new = with_store(
        ctx, lambda engine: Suppressions(engine).add(account, address, list_name or "", reason or "", act(by))
    )
    print_line(f"{address} is suppressed" if new else f"{address} was suppressed already")


@app.command()
def remove(
    ctx: typer.Context,
    words: Words,
    reason: Reason,
    all_accounts: AllAccounts = False,
    list_name: ListName = None,
    *,
    by: By,
) -> None:
    """Lift what staff added. What the person said stays: only a new double opt-in lifts that."""
    account, address = _account_and_address(words, all_accounts, list_name)
    with_store(ctx, lambda engine: Suppressions(engine).remove(account, address, list_name or "", reason, act(by)))
    print_line(f"{address} is not suppressed by staff any more")


app.command("import")(import_)


@app.command("list")
def list_(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="ACCOUNT [ADDR]")] = None,
    all_accounts: AllAccounts = False,
    json: Json = False,
) -> None:
    """Suppressions of an account, or all that concern one address; lifted ones too."""
    account, address = _account_or_address(words or [], all_accounts)
    records = with_store(ctx, lambda engine: Suppressions(engine).of(account, address))
    if json:
        print_json([shape(one) for one in records])
        return
    columns = ("address", "scope", "reason", "at", "way", "by", "lifted")
    print_table(columns, [_row(one) for one in records])


def _account_and_address(words: list[str], all_accounts: bool, list_name: str | None) -> tuple[str, Address]:
    if all_accounts and list_name:
        raise Failure("--all-accounts and --list exclude each other", Exit.USAGE)
    if len(words) == 2:
        return EVERY_ACCOUNT if all_accounts else name(words[0]), mailbox(words[1])
    if len(words) == 1 and all_accounts:
        return EVERY_ACCOUNT, mailbox(words[0])
    raise Failure("give ACCOUNT ADDR, or --all-accounts ADDR", Exit.USAGE)


def _account_or_address(words: list[str], all_accounts: bool) -> tuple[str, Address | None]:
    if all_accounts and len(words) < 2:
        return EVERY_ACCOUNT, mailbox(words[0]) if words else None
    if len(words) in (1, 2):
        return EVERY_ACCOUNT if all_accounts else name(words[0]), mailbox(words[1]) if len(words) == 2 else None
    raise Failure("give ACCOUNT, ACCOUNT ADDR, or --all-accounts", Exit.USAGE)


def _row(one: SuppressionRecord) -> tuple[str | None, ...]:
    scope = "all accounts" if one.all_accounts else f"list {one.list_name}" if one.list_name else "all lists"
    lifted = f"{one.lifted_at:%Y-%m-%d} {one.lifted_how}" if one.lifted_at else None
    return (one.address, scope, one.reason, f"{one.at:%Y-%m-%d %H:%M:%S}", one.way, one.actor, lifted)


def shape(one: SuppressionRecord) -> dict[str, str | bool | None]:
    """As --json shows it."""
    return {
        "address": one.address,
        "list": one.list_name or None,
        "all_accounts": one.all_accounts,
        "reason": one.reason,
        "at": one.at.isoformat(),
        "way": one.way,
        "by": one.actor or None,
        "client": one.client or None,
        "lifted_at": one.lifted_at.isoformat() if one.lifted_at else None,
        "lifted_how": one.lifted_how or None,
    }
