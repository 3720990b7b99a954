"""`relay list`: mailing lists, plain imports into them, and their export (clauses 2.3, 3.2, 6.2)."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from config.lists import lines
from config.schema import Settings
from policies.facts import Confirm
from policies.imports.row import Row, RowJudge
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import Act
from relay.adapters.store.imports import Imports, Rehearsal, StoredBatch, Target
from relay.adapters.store.lists import ListedAddress, ListRecord, Lists
from relay.cli.arguments import Account, List, one_line
from relay.cli.invocation import By, Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_note, print_table
from relay.cli.session import act, with_store
from relay.permission.csv_file import CsvFile, FileFault, open_csv
from relay.permission.imports import Summary, run

app = typer.Typer(help="Mailing lists.")

REPORT = ("row", "email", "verdict", "reason", "suggestion")
EXPORT = tuple(ListedAddress.__slots__)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
            writer.writerow([_cell(getattr(one, column)) for column in EXPORT])

    with_store(ctx, work)


@app.command("import")
def import_(
    ctx: typer.Context,
    account: Account,
    list_name: List,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False, readable=True)],
    source: Annotated[str, typer.Option(parser=one_line, metavar="TEXT", help="Where these people gave permission.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row, keep nothing.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="A verdict a row.")] = None,
    *,
    by: By,
    json: Json = False,
) -> None:
    """Judge every row of a file and keep it with its verdict; no import lifts a 'no'."""
    try:
        opened = open_csv(file)
    except FileFault as fault:
        raise Failure(str(fault), Exit.USAGE) from None
    who, settings = act(by), invocation(ctx).settings

    async def work(engine: Engine) -> tuple[int | None, Summary, Confirm]:
        target = await Imports(engine).target(account, list_name)
        batch = await _batch(engine, target, source, opened, who, dry_run)
        judge = _judge(target, source, who, settings)
        with _reporting(report) as tell:
            summary = await run(opened, judge, batch, tell)
        return (batch.batch_id if isinstance(batch, StoredBatch) else None), summary, target.confirm

    batch_id, summary, confirm = with_store(ctx, work)
    if opened.encoding == "cp1252":
        print_note("the file is not UTF-8: read as windows-1252")
    if confirm is Confirm.DOUBLE and summary.accepted:
        print_note("a double opt-in list: nobody here may be mailed before confirming (consent.unconfirmed)")
    _print_summary(batch_id, summary, json)


async def _batch(
    engine: Engine, target: Target, source: str, file: CsvFile, who: Act, dry_run: bool
) -> StoredBatch | Rehearsal:
    if dry_run:
        return Imports(engine).rehearse(target)
    return await Imports(engine).begin(target, source, file.sha256, who)


def _judge(target: Target, source: str, who: Act, settings: Settings) -> RowJudge:
    return RowJudge(
        source,
        who.at,
        timedelta(days=settings.imports.max_age_days),
        frozenset(lines("role_names.txt")),
        target.domains,
    )


@contextmanager
def _reporting(path: Path | None) -> Iterator[Callable[[Row], None]]:
    """Where row verdicts go; nowhere without a path."""
    if path is None:
        yield lambda row: None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(REPORT)
            yield lambda row: writer.writerow(
                (row.number, _cell(row.email), "refused" if row.reason else "accepted", row.reason, row.suggestion)
            )
    except OSError as fault:
        raise Failure(f"{path}: {fault.strerror}", Exit.USAGE) from None


def _cell(value: str | int | datetime | None) -> str | int:
    """A CSV cell; texts that a spreadsheet would run get a quote before them."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _print_summary(batch_id: int | None, summary: Summary, json: bool) -> None:
    if json:
        print_json(
            {
                "batch": batch_id,
                "rows": summary.rows,
                "accepted": summary.accepted,
                "verdict": summary.verdict,
                "reasons": dict(sorted(summary.reasons.items())),
            }
        )
        return
    kept = f"batch {batch_id}" if batch_id is not None else "nothing kept"
    print_line(f"{summary.verdict}: {summary.accepted} of {summary.rows} rows ({kept})")
    if summary.reasons:
        print_table(("refused by", "rows"), summary.reasons.most_common())


def _json(record: ListRecord, counts: dict[str, int] | None) -> dict[str, object]:
    shown: dict[str, object] = {
        "name": record.name,
        "title": record.title or None,
        "confirm": record.confirm,
        "created_at": record.created_at.isoformat(),
    }
    return shown if counts is None else shown | {"subscribers": sum(counts.values()), "by_status": counts}
