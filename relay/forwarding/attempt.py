"""One queued message, tried again: each due copy asked about, rendered, delivered, then all committed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from policies.facts import Account
from relay.forwarding.deliveries import Deliveries, in_words
from relay.forwarding.office import Office
from relay.forwarding.recheck import Halted
from relay.forwarding.states import FINAL, failed
from relay.ports import (
    POISON_TRIES,
    Claimed,
    CopyState,
    Delivered,
    Outcome,
    Outgoing,
    OwnMail,
    SpooledCopy,
    SpooledMessage,
    StaleLease,
    StoreUnavailable,
)

Renderer = Callable[[SpooledMessage, SpooledCopy], Callable[[bool], bytes]]
"""Makes a copy's octets again, the same as the first time, from the received bytes and the recipes."""

HELD_FOR = timedelta(seconds=5)
"""Until a copy that a suspension stopped is looked at again, once its account may send; until then it is not due."""


class NotWanted(Exception):
    """Permission or standing says no right before the dot. Not an error, but it must cross `deliver`."""


class Attempt:
    """A claimed message on its way."""

    def __init__(
        self, office: Office, claimed: Claimed, render: Renderer, account: Account | None, turn: asyncio.Semaphore
    ) -> None:
        """`turn` bounds the copies under way over all messages."""
        self._office = office
        self._lease = claimed.lease
        self._message = claimed.message
        self._rows = {copy.ordinal: copy for copy in claimed.copies}
        self._render = render
        self._email = str(account.email) if account else ""
        self._turn = turn
        self._crashes = 0
        """Of the message, this try's included; none where all octets could be made."""
        self._lines = Deliveries.of_queued(
            office.journal, office.clock, claimed.message, account.name if account else ""
        )

    async def run(self, timeout: float) -> None:
        """Try what is due and commit states, DSNs and the lease's end; StaleLease where another took over."""
        now = self._office.clock.now()
        due = [
            copy
            for copy in self._rows.values()
            if copy.state not in FINAL and copy.next_attempt_at is not None and copy.next_attempt_at <= now
        ]
        results = await asyncio.gather(*(self._one(copy, timeout) for copy in due), return_exceptions=True)
        faults = [one for one in results if isinstance(one, BaseException)]
        for fault in faults:
            if not isinstance(fault, StoreUnavailable):
                raise fault
        ended = [self._rows[copy.ordinal] for copy in due]
        await self._office.spool.finish(self._lease, list(self._rows.values()), self._dsns(ended), self._crashes)

    # ------------------------------------------------------------ one copy

    async def _one(self, copy: SpooledCopy, timeout: float) -> None:
        async with self._turn:
            office = self._office
            if copy.in_doubt >= office.timetable.clocks.in_doubt_tries:
                said = f"{copy.in_doubt} times its fate was unknown"
                self._end(copy, failed(copy, 0, said, CopyState.QUARANTINED), said, office.clock.monotonic())
            elif office.timetable.expired(copy, self._message.expires_at, office.clock.now()):
                self._expire(copy)
            else:
                await self._deliver(copy, timeout)

    async def _deliver(self, copy: SpooledCopy, timeout: float) -> None:
        started = self._office.clock.monotonic()
        try:
            outcome = await self._office.smarthosts.deliver(self._outgoing(copy), timeout)
        except NotWanted as no:
            self._end(copy, failed(copy, 0, f"5.7.1 not sent: {no}", CopyState.CANCELLED), str(no), started)
        except Halted as halt:
            held = replace(copy, next_attempt_at=self._office.clock.now() + HELD_FOR)
            self._end(copy, held, f"{halt}: it waits for the decision", started)
        except (StoreUnavailable, StaleLease):
            self._rows[copy.ordinal] = copy
            raise
        except Exception as fault:  # noqa: BLE001 - a poison message must not stop the queue
            self._poisoned(copy, fault, started)
        else:
            self._note(copy, outcome, started)

    def _outgoing(self, copy: SpooledCopy) -> Outgoing:
        message = self._message
        render = self._render(message, copy) if message.recipe else lambda _eight_bit: message.raw
        return Outgoing(copy.reverse_path, copy.recipient, render, permit=partial(self._permit, copy))

    async def _permit(self, copy: SpooledCopy) -> None:
        if self._message.recipe:
            reason = await self._office.recheck.queued(self._message, copy)
            if reason:
                raise NotWanted(reason)
        sending = replace(copy, state=CopyState.SENDING)
        await self._office.spool.update(self._lease, [sending])

    def _note(self, copy: SpooledCopy, outcome: Outcome, started: float) -> None:
        office = self._office
        row = office.timetable.advance(copy, outcome, office.clock.now())
        if isinstance(outcome, Delivered):
            self._rows[copy.ordinal] = row
            self._lines.done_queued(row, outcome, started)
        else:
            self._end(copy, row, in_words(outcome), started)

    def _poisoned(self, copy: SpooledCopy, fault: Exception, started: float) -> None:
        """Set aside for a person the third time in a row (RELIABILITY.md row 64)."""
        tried = replace(
            copy, attempts=copy.attempts + 1, phase="render", reply=f"{type(fault).__name__} in rendering"
        )
        self._crashes = self._message.crashes + 1
        if self._crashes >= POISON_TRIES:
            row = failed(tried, 0, tried.reply, CopyState.QUARANTINED)
        else:
            now = self._office.clock.now()
            row = replace(tried, next_attempt_at=self._office.timetable.next_attempt(tried.attempts, now))
        self._end(copy, row, tried.reply, started)

    def _expire(self, copy: SpooledCopy) -> None:
        """Given up: the sender is told; what is in doubt is never called failed, a person looks at it."""
        days = self._office.timetable.clocks.expire_after / 86_400
        said = f"5.4.7 not delivered within {days:g} days; last: {copy.code or ''} {copy.reply}".strip()
        state = CopyState.QUARANTINED if copy.in_doubt else CopyState.FAILED
        self._end(copy, failed(copy, copy.code, said, state), said, self._office.clock.monotonic())

    def _end(self, copy: SpooledCopy, row: SpooledCopy, error: str, started: float) -> None:
        self._rows[copy.ordinal] = row
        self._lines.not_done(row.recipient, row, error, started)

    # ------------------------------------------------------------ what the sender is told

    def _dsns(self, ended: list[SpooledCopy]) -> list[OwnMail]:
        reports, message = self._office.reports, self._message
        undelivered = [row for row in ended if row.state in (CopyState.FAILED, CopyState.CANCELLED)]
        if message.purpose == "dsn" and undelivered and self._email and undelivered[0].recipient != self._email:
            return [reports.readdressed(message, self._email)]
        return reports.due(message, ended)
