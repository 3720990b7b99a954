"""`relay suppress import`: what people said on the platform a customer comes from (clauses 3.1, 5.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from policies.address import Address
from policies.facts import SuppressionReason
from policies.imports.suppression_export import Platform
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import Act
from relay.adapters.store.suppressions import Suppressions
from relay.cli.arguments import name
from relay.cli.invocation import By, Json
from relay.cli.output import Exit, Failure, print_json, print_line, print_table
from relay.cli.session import act, with_store
from relay.permission.csv_file import FileFault
from relay.permission.suppression_file import ExportedRow, read_export

EVERY_ACCOUNT = ""
PART = 1000
"""Rows a transaction; a file read twice changes nothing, so a killed run is just started again."""

Said = tuple[Address, SuppressionReason, datetime]


def import_(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="[ACCOUNT] FILE")],
    platform: Annotated[Platform, typer.Option("--from", help="Whose export it is.")],
    list_name: Annotated[
        str | None, typer.Option("--list", parser=name, metavar="LIST", help="Only this list; default: everything.")
    ] = None,
    *,
    by: By,
    json: Json = False,
) -> None:
    """Keep every 'no' of another platform's export; without ACCOUNT it holds for every account."""
    account, file = _account_and_file(words, list_name)
    who, why_not = act(by), Counter[str]()

    async def work(engine: Engine) -> tuple[int, int]:
        rows, kept = read_export(file, platform), 0
        taken = 0
        while part := list(islice(rows, PART)):
            said = list(_said(part, who, why_not))
            taken += len(said)
            kept += await Suppressions(engine).take(account, list_name or "", said, who.by)
        return taken, kept

    try:
        taken, kept = with_store(ctx, work)
    except FileFault as fault:
        raise Failure(str(fault), Exit.USAGE) from None
    if json:
        print_json({"rows": taken + why_not.total(), "taken": taken, "new": kept, "left_out": dict(why_not)})
        return
    print_line(f"{taken} of {taken + why_not.total()} rows say no; {kept} of them were not known")
    if why_not:
        print_table(("left out", "rows"), why_not.most_common())


def _account_and_file(words: list[str], list_name: str | None) -> tuple[str, Path]:
    if len(words) not in (1, 2):
        raise Failure("give FILE, or ACCOUNT FILE", Exit.USAGE)
    account = name(words[0]) if len(words) == 2 else EVERY_ACCOUNT
    if list_name and not account:
        raise Failure("--list needs ACCOUNT", Exit.USAGE)
    return account, Path(words[-1])


def _said(part: list[ExportedRow], who: Act, why_not: Counter[str]) -> Iterator[Said]:
    """Rows that say something; a time that has not come, or none, is now."""
    for row in part:
        if row.address is None or row.said.reason is None:
            why_not[row.said.why.partition(":")[0]] += 1
            continue
        at = row.said.at
        yield row.address, row.said.reason, who.at if at is None or at > who.at else at
