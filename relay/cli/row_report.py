"""CSV files that a command writes: a verdict a row, or addresses."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from policies.imports.row import Row
from relay.cli.output import Exit, Failure

REPORT = ("row", "email", "verdict", "reason", "suggestion")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | datetime | None


@contextmanager
def reporting(path: Path | None) -> Iterator[Callable[[Row], None]]:
    """Where row verdicts go; nowhere without a path."""
    with writing(path, REPORT) as write:
        yield lambda row: write(
            (row.number, row.email, "refused" if row.reason else "accepted", row.reason, row.suggestion)
        )


@contextmanager
def writing(path: Path | None, header: Sequence[str]) -> Iterator[Callable[[Sequence[Cell]], None]]:
    """Rows below a header; Failure 2 where the file cannot be written."""
    if path is None:
        yield lambda cells: None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            yield lambda cells: writer.writerow([spreadsheet_cell(cell) for cell in cells])
    except OSError as fault:
        raise Failure(f"{path}: {fault.strerror}", Exit.USAGE) from None


def spreadsheet_cell(value: Cell) -> str | int:
    """A CSV cell; texts that a spreadsheet would run get a quote before them."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
