"""The one answer for all copies of a message: the only place that says 250 for mail sent or queued (DESIGN.md §4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from policies.verdict import Reply
from relay.forwarding.answers import CONSENT_RULES, SILENCE
from relay.forwarding.copies import Copy, Letter, fingerprint, spooled_copy, spooled_message
from relay.forwarding.deliveries import Deliveries, in_words
from relay.forwarding.office import Office
from relay.forwarding.recheck import Halted, Stopped
from relay.forwarding.repeats import KeptAnswer, Repeats, SentAnswer
from relay.forwarding.several import LEASE_MARGIN, Several
from relay.ports import CopyState, Delivered, InDoubt, Postponed, Refused, SpooledCopy, StoreUnavailable
from relay.transaction import Transaction


class Commit:
    """Answers each message in a task of its own, which no session can cancel (RELIABILITY.md finding 1)."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._running: set[asyncio.Task[Reply]] = set()
        self._repeats = Repeats(office.spool, office.journal, office.clock, office.answers)

    async def settle(
        self, tx: Transaction, copies: Sequence[Copy], letter: Letter, left_out: Sequence[SpooledCopy] = ()
    ) -> Reply:
        """Forward every copy and say what became of them; at least one copy.

        `left_out` are recipients the message goes without: a 2xx says so, and a DSN kept with it lists them.
        """
        if not copies:
            raise ValueError("a message is settled for at least one copy")
        key = fingerprint(tx, copies, letter)
        task = asyncio.create_task(self._settle_once(tx, copies, letter, left_out, key))
        self._repeats.begin(key, tx.session, task)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        """Until every message in hand has its answer (shutdown)."""
        while self._running:
            await asyncio.wait(self._running)

    async def _settle_once(
        self, tx: Transaction, copies: Sequence[Copy], letter: Letter, left_out: Sequence[SpooledCopy], key: str
    ) -> Reply:
        """The answer of an earlier try that may not have been read, else a new one."""
        lines = self._lines(tx, letter)
        try:
            said = await self._repeats.answer(tx, key)
        except StoreUnavailable:
            lines.trouble("the store could not be asked for an earlier try")
            return self._office.answers.internal(tx.ref)
        if said is not None:
            return said
        reply = await self._settle(tx, copies, letter, left_out, key, lines)
        if reply.silent:
            clocks = self._office.timetable.clocks
            self._repeats.undecided(key, clocks.inline_deadline + LEASE_MARGIN)
        return reply

    async def _settle(
        self,
        tx: Transaction,
        copies: Sequence[Copy],
        letter: Letter,
        left_out: Sequence[SpooledCopy],
        key: str,
        lines: Deliveries,
    ) -> Reply:
        if len(copies) == 1 and not left_out:
            return await Single(self._office, tx, copies[0], letter, lines, key).answer()
        return await Several(self._office, tx, copies, letter, lines, left_out).answer()

    def _lines(self, tx: Transaction, letter: Letter) -> Deliveries:
        office, campaign = self._office, letter.recipe.campaign
        return Deliveries.of(office.journal, office.clock, tx, len(letter.raw), letter.message_id, campaign)


@dataclass(slots=True)
class Single:
    """One copy: a pure proxy. Nothing is stored before the smarthost answered, so nothing can be lost."""

    office: Office
    tx: Transaction
    copy: Copy
    letter: Letter
    lines: Deliveries
    key: str
    """The message's fingerprint."""

    async def answer(self) -> Reply:
        office, tx, copy = self.office, self.tx, self.copy
        started = office.clock.monotonic()
        try:
            await self._ask_again()
        except Stopped as stop:
            rule, _, words = CONSENT_RULES[stop.reason]
            self.lines.stopped(copy.recipe.recipient, rule, f"{words} after RCPT")
            return office.answers.stopped(tx.ref, copy.recipe.recipient, stop.reason)
        except Halted as halt:
            self.lines.stopped(copy.recipe.recipient, f"standing.{halt.standing.value}", f"{halt} since MAIL")
            return office.answers.halted(tx.ref, tx.account.name, halt.standing)
        except StoreUnavailable:
            self.lines.trouble("the store could not be asked for permission", copy.recipe.recipient)
            return office.answers.internal(tx.ref)
        outcome = await office.smarthosts.deliver(copy.outgoing(), office.timetable.clocks.inline_deadline)
        if isinstance(outcome, Delivered):
            self.lines.done(copy.address, copy.recipe.contact_id, outcome, started)
            if "SUCCESS" in copy.notify:
                await self._report_success(outcome)
            return self._accepted()
        return await self._not_taken(outcome, started)

    def _accepted(self) -> Reply:
        """250, which the store will keep if the client does not read it."""
        office, tx = self.office, self.tx
        reply = office.answers.accepted(tx.ref, 1)
        message_id, recipe = self.letter.message_id, self.copy.recipe
        tx.session.unread.append(
            SentAnswer(office.spool, office.journal, office.clock, tx, self.key, message_id, recipe, reply)
        )
        return reply

    async def _ask_again(self) -> None:
        tx, list_id = self.tx, self.lines.list_id
        await self.office.recheck.standing(tx.account.account_id)
        if self.copy.own:
            return
        reason = await self.office.recheck.suppression(tx.account.account_id, list_id, tx.stream, self.copy.address)
        if reason is not None:
            raise Stopped(reason)

    async def _report_success(self, outcome: Delivered) -> None:
        """The DSN that NOTIFY=SUCCESS asks for; without a store there is none, the mail has gone all the same."""
        office, now = self.office, self.office.clock.now()
        row = office.timetable.advance(spooled_copy(self.tx.ref, 0, self.copy, now), outcome, now)
        message = spooled_message(self.tx, [self.copy], self.letter, now)
        try:
            await office.spool.insert_own(office.reports.due(message, [row]))
        except StoreUnavailable:
            self.lines.trouble("the store could not keep a report of success", row.recipient)

    async def _not_taken(self, outcome: Refused | Postponed | InDoubt, started: float) -> Reply:
        office, ref, recipient = self.office, self.tx.ref, self.copy.recipe.recipient
        now = office.clock.now()
        copy = office.timetable.advance(spooled_copy(ref, 0, self.copy, now), outcome, now)
        self.lines.not_done(recipient, copy, in_words(outcome), started)
        if copy.state is CopyState.FAILED:
            return office.answers.none_sent(ref, [copy])
        if copy.state is CopyState.PENDING and self.tx.session.on_unavailable == "defer":
            return office.answers.none_sent(ref, [copy])
        reply = office.answers.queued(ref, 1, 0)
        message = spooled_message(self.tx, [self.copy], self.letter, office.timetable.expiry(now))
        try:
            await office.spool.commit(replace(message, answer=str(reply)), [copy], None)
        except StoreUnavailable as fault:
            self.lines.trouble("the store could not keep the message", recipient)
            return office.answers.not_kept(ref, fault) if copy.state is CopyState.PENDING else SILENCE
        self.tx.session.unread.append(KeptAnswer(office.spool, message.account_id, ref))
        office.queued()
        return reply
