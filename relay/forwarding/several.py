"""Several copies, one answer: write ahead, deliver inline, answer by a deadline (RELIABILITY.md §E3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from policies.verdict import Reply
from relay.forwarding.answers import CONSENT_RULES, SILENCE
from relay.forwarding.copies import Copy, Letter, spooled_copy, spooled_message
from relay.forwarding.deliveries import Deliveries, in_words
from relay.forwarding.office import Office
from relay.forwarding.recheck import Halted, Stopped
from relay.forwarding.repeats import KeptAnswer
from relay.forwarding.states import GONE, UNDELIVERED, failed
from relay.ports import CopyState, Delivered, Lease, Outcome, SpooledCopy, StaleLease, StoreUnavailable
from relay.transaction import Transaction

LEASE_MARGIN = 40.0
"""Seconds that a message stays ours after the deadline, for its last commit."""


class Several:
    """One message with more than one copy, from commit A to the reply."""

    def __init__(
        self,
        office: Office,
        tx: Transaction,
        copies: Sequence[Copy],
        letter: Letter,
        lines: Deliveries,
        left_out: Sequence[SpooledCopy] = (),
    ) -> None:
        self._office = office
        self._tx = tx
        self._copies = copies
        self._lines = lines
        self._left_out = left_out
        """Told to the sender with the failures; no copies of theirs exist."""
        now = office.clock.now()
        self._message = spooled_message(tx, copies, letter, office.timetable.expiry(now))
        self._rows = [spooled_copy(tx.ref, place, copy, now) for place, copy in enumerate(copies)]
        self._unsaved: set[int] = set()
        """Places of rows that changed since they were last committed; a failure waits for commit B and its DSN."""
        self._no: Stopped | None = None
        """The newest refusal that came between RCPT and a dot."""
        self._halt: Halted | None = None
        """The account may not send any more."""
        self._fault = ""
        """Our own: nothing more is sent."""

    async def answer(self) -> Reply:
        """Commit A, deliver, commit B, and only then the reply."""
        clocks = self._office.timetable.clocks
        deadline = asyncio.get_running_loop().time() + clocks.inline_deadline
        until = self._office.clock.now() + timedelta(seconds=clocks.inline_deadline + LEASE_MARGIN)
        try:
            lease = await self._office.spool.commit(self._message, self._rows, until)
        except StoreUnavailable as fault:
            self._lines.trouble("the store could not keep the message")
            return self._office.answers.not_kept(self._tx.ref, fault)
        await self._deliver_all(lease, deadline)
        return await self._close(lease)

    # ------------------------------------------------------------ delivering

    async def _deliver_all(self, lease: Lease, deadline: float) -> None:
        places = iter(range(len(self._rows)))
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._office.timetable.clocks.parallel_copies, len(self._rows))):
                group.create_task(self._work(places, lease, deadline))

    async def _work(self, places: Iterator[int], lease: Lease, deadline: float) -> None:
        """One of the parallel hands; what is not begun by the deadline belongs to the queue."""
        for place in places:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or self._fault or self._halt:
                return
            await self._deliver(place, lease, left)

    async def _deliver(self, place: int, lease: Lease, timeout: float) -> None:
        outgoing = replace(self._copies[place].outgoing(), permit=partial(self._permit, place, lease))
        started = self._office.clock.monotonic()
        try:
            outcome = await self._office.smarthosts.deliver(outgoing, timeout)
        except Stopped as stop:
            self._stopped(place, stop)
        except Halted as halt:
            self._halted(place, halt)
        except (StoreUnavailable, StaleLease) as fault:
            self._give_up(place, str(fault) or type(fault).__name__)
        except Exception as fault:  # noqa: BLE001 - other copies may have gone: 451 is no answer any more
            self._give_up(place, f"{type(fault).__name__} while the copy was made")
        else:
            self._note(place, outcome, started)

    async def _permit(self, place: int, lease: Lease) -> None:
        """Right before the body: is it still wanted, is the message still ours; then SENDING, durable."""
        copy, tx = self._copies[place], self._tx
        await self._office.recheck.standing(tx.account.account_id)
        if not copy.own:
            list_id = self._message.list_id
            reason = await self._office.recheck.suppression(tx.account.account_id, list_id, tx.stream, copy.address)
            if reason is not None:
                raise Stopped(reason)
        self._set(place, replace(self._rows[place], state=CopyState.SENDING))
        saved = sorted(one for one in self._unsaved if self._rows[one].state not in UNDELIVERED)
        self._unsaved.difference_update(saved)
        await self._office.spool.update(lease, [self._rows[one] for one in saved])

    def _note(self, place: int, outcome: Outcome, started: float) -> None:
        copy, office = self._copies[place], self._office
        before = replace(self._rows[place], state=CopyState.PENDING)
        self._set(place, office.timetable.advance(before, outcome, office.clock.now()))
        if isinstance(outcome, Delivered):
            self._lines.done(copy.address, copy.recipe.contact_id, outcome, started)
        else:
            self._lines.not_done(copy.recipe.recipient, self._rows[place], in_words(outcome), started)

    def _stopped(self, place: int, stop: Stopped) -> None:
        rule, detail, words = CONSENT_RULES[stop.reason]
        recipient, self._no = self._rows[place].recipient, stop
        self._set(place, failed(self._rows[place], 550, f"5.{detail} {recipient} {words}", CopyState.CANCELLED))
        self._lines.stopped(recipient, rule, f"{words} after RCPT")

    def _halted(self, place: int, halt: Halted) -> None:
        """This copy and those not begun stay as they are: the queue holds them where some have gone."""
        self._halt = halt
        self._lines.stopped(self._rows[place].recipient, f"standing.{halt.standing.value}", f"{halt} since MAIL")

    def _give_up(self, place: int, why: str) -> None:
        """Our own fault before the body: this copy is not sent now, nor is any other."""
        self._fault = why
        self._set(place, replace(self._rows[place], state=CopyState.PENDING))
        self._lines.trouble(why, self._rows[place].recipient)

    def _set(self, place: int, row: SpooledCopy) -> None:
        self._rows[place] = row
        self._unsaved.add(place)

    # ------------------------------------------------------------ answering

    async def _close(self, lease: Lease) -> Reply:
        """Decide by §E2 and commit it; silence where something went and cannot be noted."""
        gone = any(row.state in GONE for row in self._rows)
        try:
            if gone or self._may_queue():
                return await self._promise(lease)
            await self._office.spool.discard(lease)
        except (StoreUnavailable, StaleLease) as fault:
            self._lines.trouble(f"the answer could not be noted: {fault or type(fault).__name__}")
            return SILENCE if gone else self._office.answers.not_kept(self._tx.ref, fault)
        return self._nothing_kept()

    def _may_queue(self) -> bool:
        """Nothing went yet: the queue may have it where the listener says so and a copy may still succeed."""
        waiting = any(row.state is CopyState.PENDING for row in self._rows)
        return waiting and not self._fault and not self._halt and self._tx.session.on_unavailable == "queue"

    async def _promise(self, lease: Lease) -> Reply:
        ref, count = self._tx.ref, len(self._rows)
        sent = sum(row.state is CopyState.SENT for row in self._rows)
        answers = self._office.answers
        reply = answers.accepted(ref, count) if sent == count else answers.queued(ref, count, sent)
        if self._left_out:
            reply = answers.partly(ref, count, count + len(self._left_out), sent == count)
        ended = [*self._rows, *self._left_out]
        dsns = self._office.reports.due(self._message, ended)
        await self._office.spool.answer(lease, str(reply), self._rows, dsns)
        self._tx.session.unread.append(KeptAnswer(self._office.spool, self._message.account_id, ref))
        if sent != count or dsns:
            self._office.queued()
        return reply

    def _nothing_kept(self) -> Reply:
        answers, ref = self._office.answers, self._tx.ref
        if self._fault:
            return answers.internal(ref)
        if self._halt is not None:
            return answers.halted(ref, self._tx.account.name, self._halt.standing)
        if self._no is not None and all(row.state is CopyState.CANCELLED for row in self._rows):
            return answers.stopped(ref, self._rows[0].recipient, self._no.reason)
        return answers.none_sent(ref, self._rows)
