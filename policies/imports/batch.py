"""Clauses 3.2, 3.3 and 6.2: a whole import at the door, how it is let in day by day, and when it is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
_GOLDEN, _WORD = 0x9E3779B97F4A7C15, 1 << 64
"""Multiples of the golden ratio: any share of rows picked by them lies evenly over the file, whatever its order."""


class BatchState(StrEnum):
    """What an import batch is worth to its addresses."""

    RUNNING = "running"
    """Not read to its end: never half an import."""
    OPEN = "open"
    HELD = "held"
    """A person must look at it first."""
    QUARANTINED = "quarantined"
    """It was let in and turned out bad."""


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """What a rule may know of the batch an address came with; ones that stand in nobody's way are not told."""

    batch_id: int
    state: BatchState
    ramp_from: datetime | None
    """Since when it is let in; None: without a ramp."""
    accepted: int
    """Addresses in all."""
    row: int
    """Where in its file the address stands."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """How many addresses of a big batch may be mailed on which day: a first share, doubled daily."""

    percent: float
    """Of the batch, on the first day."""
    first_day: int
    """Addresses on the first day at most."""

    def released(self, accepted: int, begun_at: datetime, now: datetime) -> int:
        """How many of the batch's addresses may be mailed by now."""
        days = max(0, (now - begun_at) // _DAY)
        first = self._first(accepted)
        return accepted if days > 40 else min(accepted, first << days)

    def over_at(self, accepted: int, begun_at: datetime) -> datetime:
        """When all of the batch may be mailed."""
        days, released = 0, self._first(accepted)
        while released < accepted:
            days, released = days + 1, released * 2
        return begun_at + days * _DAY

    def _first(self, accepted: int) -> int:
        return max(1, min(int(accepted * self.percent / 100), self.first_day))

    def takes(self, batch: ImportBatch, now: datetime) -> bool:
        """Whether this address is among those released by now."""
        if batch.ramp_from is None:
            return True
        released = self.released(batch.accepted, batch.ramp_from, now)
        return released >= batch.accepted or batch.row * _GOLDEN % _WORD * batch.accepted < released * _WORD


# ---------------------------------------------------------------- a batch at the door

SIGNALS = ("roles", "dead domains", "disposable", "duplicates", "typos", "traps", "machine-like")
"""What a batch is scored by, in the order it is shown."""


@dataclass(slots=True)
class Counts:
    """What was counted of a batch so far."""

    rows: int = 0
    accepted: int = 0
    signals: dict[str, int] = field(default_factory=dict)
    """Rows by signal."""


@dataclass(frozen=True, slots=True)
class Share:
    """One signal's arithmetic."""

    signal: str
    count: int
    rows: int
    limit: float
    """Percent of the rows from which a person must look."""

    @property
    def percent(self) -> float:
        return 100 * self.count / self.rows if self.rows else 0.0

    @property
    def over(self) -> bool:
        return self.count > 0 and self.percent >= self.limit

    def __str__(self) -> str:
        words = f"{self.signal}: {self.count} of {self.rows} rows = {self.percent:.2f} %"
        return f"{words}, at or over {self.limit:g} %" if self.over else f"{words}, under {self.limit:g} %"


@dataclass(frozen=True, slots=True)
class Score:
    """The arithmetic of a batch and what follows from it."""

    shares: tuple[Share, ...]
    scored: bool
    """False: too small to tell, shares are recorded only."""

    @property
    def held(self) -> bool:
        return self.scored and any(share.over for share in self.shares)

    @property
    def why(self) -> str:
        """The shares that are over their limits, in words."""
        return "; ".join(str(share) for share in self.shares if share.over)


NOT_SCORED = Score((), False)


def verdict(counts: Counts, held: bool) -> str:
    """accepted, accepted in part, held for review, or refused where nothing was left."""
    if counts.accepted == 0:
        return "refused"
    if held:
        return "held for review"
    return "accepted" if counts.accepted == counts.rows else "accepted in part"


@dataclass(frozen=True, slots=True)
class Limits:
    """From which size a batch is scored, and the percent of its rows by signal from which it is held."""

    min_rows: int
    percent: Mapping[str, float]

    def score(self, counts: Counts) -> Score:
        shares = [Share(name, counts.signals.get(name, 0), counts.rows, self.percent[name]) for name in SIGNALS]
        return Score(tuple(shares), counts.rows >= self.min_rows)


# ---------------------------------------------------------------- a batch in use


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What came of a batch so far."""

    rows: int
    released: int
    """Addresses that may be mailed by now."""
    complaints: int
    bounces: int
    opt_outs: int


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is too much to come of a batch; percent of the addresses released so far."""

    min_rows: int
    complaints: float
    bounces: float
    opt_outs: float
    people: int = 3
    """Fewer than so many are chance."""

    def broken_by(self, came: Aftermath) -> str:
        """Why the batch must be stopped, as arithmetic; empty: it need not."""
        if came.rows < self.min_rows:
            return ""
        counted = (
            ("complaints", came.complaints, self.complaints),
            ("bounces", came.bounces, self.bounces),
            ("opt-outs", came.opt_outs, self.opt_outs),
        )
        over = [
            f"{name}: {count} of {came.released} addresses = {100 * count / came.released:.2f} %, limit {limit:g} %"
            for name, count, limit in counted
            if came.released and count >= self.people and 100 * count / came.released >= limit
        ]
        return "; ".join(over)
