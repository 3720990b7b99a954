"""A plain import: every row of a file judged, kept with its verdict and its batch (clauses 3.1 to 3.4, 6.2, 6.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from policies.imports.row import DUPLICATE, Row, RowJudge
from relay.permission.csv_file import CsvFile

CHUNK = 1000
"""Rows a transaction: short enough that mail is not kept waiting for the store."""


class Batch(Protocol):
    """The store's side of one import; every call is one transaction."""

    async def take(self, rows: Sequence[Row]) -> list[Row]:
        """Keep the rows; each comes back, refused where a 'no' stands against it that no import lifts."""

    async def finish(self, summary: Summary) -> None:
        """The import ran to its end."""


@dataclass(slots=True)
class Summary:
    """What became of a file."""

    rows: int = 0
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Refused rows by reason."""

    @property
    def verdict(self) -> str:
        """accepted, accepted in part, or refused."""
        if self.accepted == 0:
            return "refused"
        return "accepted" if self.accepted == self.rows else "accepted in part"

    def count(self, row: Row) -> None:
        self.rows += 1
        if row.reason:
            self.reasons[row.reason] += 1
        else:
            self.accepted += 1


async def run(file: CsvFile, judge: RowJudge, batch: Batch, report: Callable[[Row], None]) -> Summary:
    """Import a file to its end, `report` told of every row in order."""
    summary = Summary()
    for chunk in _chunks(_judged(file, judge)):
        for row in await batch.take(chunk):
            summary.count(row)
            report(row)
    await batch.finish(summary)
    return summary


def _judged(file: CsvFile, judge: RowJudge) -> Iterator[Row]:
    seen: set[str] = set()
    for one in file.rows():
        row = judge.judge(one.number, one.cells, one.fault)
        key = row.address.key if row.address is not None and not row.reason else ""
        if key in seen:
            row = row.refused(DUPLICATE, "the address stands in the file before")
        elif key:
            seen.add(key)
        yield row


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        yield chunk
