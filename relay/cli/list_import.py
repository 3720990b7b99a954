"""`relay list import`: a customer's file judged row by row and as a whole (clauses 3.1 to 3.4, 6.2, 6.3)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from config.schema import Settings
from policies.facts import Confirm
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import Act
from relay.adapters.store.import_running import StoredBatch
from relay.adapters.store.import_target import Target
from relay.adapters.store.imports import Imports, Rehearsal
from relay.cli.arguments import Account, List, one_line
from relay.cli.invocation import By, Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_note, print_table
from relay.cli.row_report import reporting
from relay.cli.session import act, with_store
from relay.inspecting import inspection, terms
from relay.permission.csv_file import CsvFile, FileFault, open_csv
from relay.permission.imports import Inspection, Summary, run

File = Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False, readable=True)]
Report = Annotated[Path | None, typer.Option(metavar="OUT.csv", help="A verdict a row.")]


@dataclass(frozen=True, slots=True)
class _Done:
    """One import as it ended."""

    batch_id: int | None
    """None: a dry run."""
    summary: Summary
    confirm: Confirm
    unknown_domains: int
    goes_on: int
    """Rows that an earlier run had kept already."""


def import_(
    ctx: typer.Context,
    account: Account,
    list_name: List,
    file: File,
    source: Annotated[str, typer.Option(parser=one_line, metavar="TEXT", help="Where these people gave permission.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row, keep nothing.")] = False,
    report: Report = None,
    *,
    by: By,
    json: Json = False,
) -> None:
    """Judge every row of a file and keep it with its verdict; no import lifts a 'no'.

    Broken off, the same command goes on where it was; until its end no address of the file may be mailed.
    """
    opened = opened_csv(file)
    settings = invocation(ctx).settings

    async def work(engine: Engine) -> _Done:
        imports = Imports(engine, terms(settings.imports))
        target = await imports.target(account, list_name)
        batch = await _batch(imports, target, source, opened, act(by), dry_run)
        judged_by = inspecting(settings, source, batch.begun, target)
        goes_on = batch.summary.rows
        with reporting(report) as tell, _progress(opened, json) as progress:
            summary = await run(opened, judged_by, batch, tell, progress)
        batch_id = batch.batch_id if isinstance(batch, StoredBatch) else None
        return _Done(batch_id, summary, target.confirm, judged_by.domains.unknown, goes_on)

    done = with_store(ctx, work)
    _advise(opened, done)
    _print_summary(done, json)


def opened_csv(file: Path) -> CsvFile:
    """The file looked over; Failure 2 where it cannot be read."""
    try:
        return open_csv(file)
    except FileFault as fault:
        raise Failure(str(fault), Exit.USAGE) from None


def inspecting(settings: Settings, source: str, begun: Act, target: Target) -> Inspection:
    """What rows are judged by; Failure 78 where the trap file cannot be read."""
    try:
        return inspection(settings, source, begun.at, target.domains)
    except (OSError, UnicodeError) as fault:
        raise Failure(f"[imports] traps: {settings.imports.traps}: {fault}", Exit.CONFIG) from None


async def _batch(
    imports: Imports, target: Target, source: str, file: CsvFile, who: Act, dry_run: bool
) -> StoredBatch | Rehearsal:
    if dry_run:
        return imports.rehearse(target, who)
    return await imports.begin(target, source, file.sha256, who)


@contextmanager
def _progress(file: CsvFile, json: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; nothing where nobody looks."""
    if json or not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=max(1, file.lines))
        yield lambda rows: bar.update(task, completed=rows)


def _advise(file: CsvFile, done: _Done) -> None:
    """What the person ought to know besides."""
    if file.encoding == "cp1252":
        print_note("the file is not UTF-8: read as windows-1252")
    if done.goes_on:
        print_note(f"went on after row {done.goes_on}: {done.goes_on} rows were kept by an earlier run")
    if done.unknown_domains:
        print_note(f"{done.unknown_domains} domains could not be looked up; that is held against nobody")
    if done.confirm is Confirm.DOUBLE and done.summary.accepted:
        print_note("a double opt-in list: nobody here may be mailed before confirming (consent.unconfirmed)")
    if done.summary.score.held:
        print_note("held for review: nobody here may be mailed before a person released it (consent.quarantined)")


def _print_summary(done: _Done, json: bool) -> None:
    summary = done.summary
    if json:
        print_json(
            {
                "batch": done.batch_id,
                "rows": summary.rows,
                "accepted": summary.accepted,
                "verdict": summary.verdict,
                "reasons": dict(sorted(summary.reasons.items())),
            }
        )
        return
    kept = f"batch {done.batch_id}" if done.batch_id is not None else "nothing kept"
    print_line(f"{summary.verdict}: {summary.accepted} of {summary.rows} rows ({kept})")
    if summary.reasons:
        print_table(("refused by", "rows"), summary.reasons.most_common())
    for share in summary.score.shares if summary.score.scored else ():
        print_line(str(share), "red" if share.over else "")
