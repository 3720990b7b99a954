"""What becomes of a copy after a try (RELIABILITY.md §E4): one function for the first try and for every retry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from config.schema import Delivery
from relay.ports import CopyState, Delivered, InDoubt, Outcome, Phase, Postponed, Refused, SpooledCopy

FINAL = frozenset({CopyState.SENT, CopyState.FAILED, CopyState.CANCELLED, CopyState.QUARANTINED})
UNDELIVERED = frozenset({CopyState.FAILED, CopyState.CANCELLED})
"""Told to the sender by a DSN in the very transaction that keeps the state (§E6)."""
GONE = frozenset({CopyState.SENT, CopyState.IN_DOUBT, CopyState.QUARANTINED})
"""May have reached the recipient: from here on only 250 is a safe answer."""


TRIES_BEFORE_EXPIRY = 8
"""With the usual settings two hours' worth."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a copy is tried again."""

    clocks: Delivery
    random: Callable[[], float]
    """Numbers in [0, 1): up to a tenth is added, so that copies do not come back all at once."""

    def next_attempt(self, attempts: int, now: datetime) -> datetime:
        """After so many attempts; doubling from retry_first to retry_max."""
        wait = min(self.clocks.retry_max, self.clocks.retry_first * 2.0 ** min(attempts - 1, 30))
        return now + timedelta(seconds=wait * (1 + 0.1 * self.random()))

    def after_doubt(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self.clocks.in_doubt_after)

    def expired(self, copy: SpooledCopy, expires_at: datetime, now: datetime) -> bool:
        """Its time is over and it was tried as often as a copy is in its first hours.

        A clock that jumps ahead, and a relay that was off for days, make no copy fail that was hardly tried (row 70).
        """
        return now >= expires_at and copy.attempts >= self._tries_needed()

    def _tries_needed(self) -> int:
        tries, waited = 1, self.clocks.retry_first
        while waited < self.clocks.expire_after and tries < TRIES_BEFORE_EXPIRY:
            tries += 1
            waited += min(self.clocks.retry_max, self.clocks.retry_first * 2.0 ** (tries - 1))
        return tries

    def expiry(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self.clocks.expire_after)

    def advance(self, copy: SpooledCopy, outcome: Outcome, now: datetime) -> SpooledCopy:
        """The copy's row after this outcome."""
        tried = replace(copy, attempts=copy.attempts + 1, smarthost=outcome.smarthost, next_attempt_at=None)
        match outcome:
            case Delivered(reply=reply):
                return replace(tried, state=CopyState.SENT, code=250, reply=reply, phase=Phase.AFTER_DOT.value)
            case Refused(code=code, enhanced=enhanced, text=text, phase=phase):
                said = f"{enhanced} {text}".strip()
                return replace(tried, state=CopyState.FAILED, code=code, reply=said, phase=phase.value)
            case Postponed(code=code, enhanced=enhanced, error=error, phase=phase):
                # In doubt stays in doubt until a definite reply: an earlier try may have been taken.
                return replace(
                    tried,
                    state=CopyState.IN_DOUBT if copy.in_doubt else CopyState.PENDING,
                    code=code,
                    reply=f"{enhanced} {error}".strip(),
                    phase=phase.value,
                    next_attempt_at=self.next_attempt(tried.attempts, now),
                )
            case InDoubt(error=error):
                return self._doubted(replace(tried, code=0, reply=error, phase=Phase.AFTER_DOT.value), now)

    def _doubted(self, copy: SpooledCopy, now: datetime) -> SpooledCopy:
        doubts = copy.in_doubt + 1
        if doubts >= self.clocks.in_doubt_tries:
            return replace(copy, state=CopyState.QUARANTINED, in_doubt=doubts)
        return replace(copy, state=CopyState.IN_DOUBT, in_doubt=doubts, next_attempt_at=self.after_doubt(now))


def failed(copy: SpooledCopy, code: int, said: str, state: CopyState = CopyState.FAILED) -> SpooledCopy:
    """The copy given up by ourselves: expired, suppressed, suspended or quarantined."""
    return replace(copy, state=state, code=code, reply=said, next_attempt_at=None)
