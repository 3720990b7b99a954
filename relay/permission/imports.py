"""An import: every row of a file judged, kept with its verdict and its batch (clauses 3.1 to 3.4, 6.2, 6.3).

It runs in chunks, each one transaction that also says how far it came. Killed, the same command goes on from there;
until its end none of its addresses is worth anything (`consent.quarantined`), so there is never half an import.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from policies.imports.batch import NOT_SCORED, Counts, Limits, Score, verdict
from policies.imports.patterns import Patterns
from policies.imports.row import DUPLICATE, NO_MAIL, SIGNAL_OF, Row, RowJudge
from relay.permission.csv_file import CsvFile
from relay.permission.domains import DomainChecks

CHUNK = 1000
"""Rows a transaction: short enough that mail is not kept waiting for the store."""

OVERLAP = "overlap"
"""Accepted addresses that other accounts have as well: shown to staff, decides nothing."""

Report = Callable[[Row], None]


@dataclass(slots=True)
class Summary:
    """What became of a file so far."""

    rows: int = 0
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Refused rows by reason."""
    signals: Counter[str] = field(default_factory=Counter)
    """Rows by what else they say of the batch; OVERLAP too."""
    score: Score = NOT_SCORED
    """The arithmetic, once it ran to its end."""

    @property
    def counts(self) -> Counts:
        """What the batch is scored by."""
        signals = Counter(self.signals)
        for reason, count in self.reasons.items():
            if reason in SIGNAL_OF:
                signals[SIGNAL_OF[reason]] += count
        return Counts(self.rows, self.accepted, dict(signals))

    @property
    def verdict(self) -> str:
        """accepted, accepted in part, held for review, or refused."""
        return verdict(self.counts, self.score.held)

    def count(self, row: Row) -> None:
        self.rows += 1
        self.signals.update(row.marks)
        if row.reason:
            self.reasons[row.reason] += 1
        else:
            self.accepted += 1

    def copy(self) -> Summary:
        """One that may be counted on and thrown away."""
        return Summary(self.rows, self.accepted, Counter(self.reasons), Counter(self.signals), self.score)


class Batch(Protocol):
    """The store's side of one import; every call is one transaction."""

    @property
    def summary(self) -> Summary:
        """What is kept already: rows of an earlier run, and those taken since."""

    async def refused(self) -> Mapping[int, tuple[str, str]]:
        """(reason, suggestion) of the rows refused so far, by number."""

    async def take(self, rows: Sequence[Row]) -> list[Row]:
        """Keep the rows; each comes back, refused where a 'no' stands against it that no import lifts."""

    async def finish(self, score: Score) -> None:
        """The import ran to its end."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that rows and batches are judged by."""

    judge: RowJudge
    limits: Limits
    traps: frozenset[str]
    domains: DomainChecks


async def run(
    file: CsvFile, inspection: Inspection, batch: Batch, report: Report, progress: Callable[[int], None]
) -> Summary:
    """Import a file to its end; `report` is told of every row in order, `progress` of how many there were."""
    rows = _judged(file, inspection)
    await asyncio.to_thread(_catch_up, rows, batch.summary.rows, await batch.refused(), report)
    progress(batch.summary.rows)
    chunk = await _next(rows, inspection.domains)
    while chunk:
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(batch.take(chunk))
            reading = group.create_task(_next(rows, inspection.domains))
        for row in taking.result():
            report(row)
        progress(batch.summary.rows)
        chunk = reading.result()
    await batch.finish(inspection.limits.score(batch.summary.counts))
    return batch.summary


def _catch_up(rows: Iterator[Row], count: int, refused: Mapping[int, tuple[str, str]], report: Report) -> None:
    """Past the rows an earlier run kept, with the verdicts they got then."""
    for row in islice(rows, count):
        told = refused.get(row.number)
        report(row.accepted() if told is None else row.refused(*told))


async def _next(rows: Iterator[Row], domains: DomainChecks) -> list[Row]:
    """The next chunk, with what DNS says of it."""
    chunk = await asyncio.to_thread(lambda: list(islice(rows, CHUNK)))
    dead = await domains.dead({row.address.domain for row in chunk if row.address is not None and not row.reason})
    if not dead:
        return chunk
    return [_alive(row, dead) for row in chunk]


def _alive(row: Row, dead: frozenset[str]) -> Row:
    if row.reason or row.address is None or row.address.domain not in dead:
        return row
    return row.refused(NO_MAIL, f"{row.address.domain} takes no mail (DNS has neither MX nor address)")


def _judged(file: CsvFile, inspection: Inspection) -> Iterator[Row]:
    """Every row with what it says itself: the same at every reading, so that a second run goes on as the first."""
    patterns = Patterns(inspection.traps)
    seen: set[int] = set()
    for one in file.rows():
        row = inspection.judge.judge(one.number, one.cells, one.fault)
        address = row.address
        if address is not None:
            row = row.marked(patterns.marks(address))
        if address is not None and not row.reason:
            key = hash(address.key)
            row = row.refused(DUPLICATE, "the address stands in the file before") if key in seen else row
            seen.add(key)
        yield row
