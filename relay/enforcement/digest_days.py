"""When an owner is told of refusals: the first at once, then once a day; pure functions of times.

An account is quiet until its first refusal, which is told at once. From then on refusals are gathered, and told when
the day's hour comes. After a whole day without any the account is quiet again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from relay.ports.notices import Told

LOOK_BACK = timedelta(days=1)
"""Older refusals of an account that was never told are not told of."""


@dataclass(frozen=True, slots=True)
class DigestDays:
    """Days that begin and end at one hour of the clock on the wall; 23 or 25 hours long where clocks are changed."""

    hour: int
    timezone: str

    def end_after(self, at: datetime) -> datetime:
        """The first end of a day after a time."""
        return next(end for end in self._ends(at, (-1, 0, 1, 2)) if end > at)

    def end_before(self, at: datetime) -> datetime:
        """The last end of a day at a time or before it."""
        return next(end for end in self._ends(at, (1, 0, -1, -2)) if end <= at)

    def _ends(self, at: datetime, days: tuple[int, ...]) -> list[datetime]:
        zone = ZoneInfo(self.timezone)
        today = at.astimezone(zone).date()
        local = [datetime.combine(today + timedelta(days=day), time(self.hour), zone) for day in days]
        return [one.astimezone(UTC) for one in local]

    def never_told(self, account_id: int, now: datetime) -> Told:
        """An account of which nothing is known yet."""
        return Told(account_id, 0, now - LOOK_BACK, now - LOOK_BACK, None)

    def after_first(self, told: Told, ref: str, at: datetime, now: datetime) -> Told:
        """The refusal `ref` of that time is told at once; everything else waits for the end of the day."""
        return replace(told, turn=told.turn + 1, at=at, due_at=self.end_after(now), first_ref=ref)

    def after_digest(self, told: Told, end: datetime) -> Told:
        """The day up to `end` was told."""
        return replace(told, turn=told.turn + 1, until=end, at=end, due_at=self.end_after(end), first_ref="")

    def after_nothing(self, told: Told, end: datetime) -> Told:
        """Nothing was refused up to `end`: quiet again where that was a whole day."""
        quiet = told.at <= self.end_before(end - timedelta(microseconds=1))
        due_at = None if quiet else self.end_after(end)
        return replace(told, turn=told.turn + 1, until=end, due_at=due_at, first_ref="")
