"""`relay list`: mailing lists, imports into them, and their export (clauses 2.3, 3.2, 6.2)."""

from __future__ import annotations

import csv
import sys
from typing import Annotated

import typer

from policies.facts import Confirm
from relay.adapters.store.engine import Engine
from relay.adapters.store.lists import ListedAddress, ListRecord, Lists
from relay.cli.arguments import Account, List, one_line
from relay.cli.invocation import By, Json
from relay.cli.list_batches import batch, batches, quarantine, release
from relay.cli.list_import import import_
from relay.cli.output import print_json, print_line, print_table
from relay.cli.row_report import spreadsheet_cell
from relay.cli.session import act, with_store

app = typer.Typer(help="Mailing lists.")

EXPORT = tuple(ListedAddress.__slots__)

app.command("import")(import_)
app.command("batches")(batches)
app.command("batch")(batch)
app.command("release")(release)
app.command("quarantine")(quarantine)


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    list_name: List,
    confirm: Annotated[Confirm, typer.Option(help="How it takes subscribers.")] = Confirm.DOUBLE,
    title: Annotated[
        str | None, typer.Option(parser=one_line, metavar="TEXT", help="What recipients know it by.")
    ] = None,
    *,
    by: By,
    json: Json = False,
) -> None:
    """A new, empty list; double opt-in unless staff make it single."""
    record = with_store(ctx, lambda engine: Lists(engine).add(account, list_name, confirm, title or "", act(by)))
    if json:
        print_json(_json(record, {}))
    else:
        print_line(f"{account}/{record.name}: {record.confirm} opt-in")


@app.command()
def show(ctx: typer.Context, account: Account, list_name: List, json: Json = False) -> None:
    """One list, and how many addresses have which status."""
    record, counts = with_store(ctx, lambda engine: Lists(engine).show(account, list_name))
    if json:
        print_json(_json(record, counts))
        return
    print_line(f"{account}/{record.name}: {record.confirm} opt-in")
    print_table(("status", "addresses"), sorted(counts.items()))


@app.command("list")
def list_(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """An account's lists."""
    records = with_store(ctx, lambda engine: Lists(engine).of(account))
    if json:
        print_json([_json(one, None) for one in records])
    else:
        rows = [(one.name, one.confirm, one.title or None, f"{one.created_at:%Y-%m-%d}") for one in records]
        print_table(("name", "opt-in", "title", "created"), rows)


@app.command()
def export(ctx: typer.Context, account: Account, list_name: List) -> None:
    """Everybody on a list as CSV, with status, evidence and batch; whoever said no stands there with that."""
    writer = csv.writer(sys.stdout, lineterminator="\n")

    async def work(engine: Engine) -> None:
        writer.writerow(EXPORT)
        async for one in Lists(engine).export(account, list_name):
            writer.writerow([spreadsheet_cell(getattr(one, column)) for column in EXPORT])

    with_store(ctx, work)


def _json(record: ListRecord, counts: dict[str, int] | None) -> dict[str, object]:
    shown: dict[str, object] = {
        "name": record.name,
        "title": record.title or None,
        "confirm": record.confirm,
        "created_at": record.created_at.isoformat(),
    }
    return shown if counts is None else shown | {"subscribers": sum(counts.values()), "by_status": counts}
