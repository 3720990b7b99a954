"""A message offered again by a client that may not have seen its answer (RELIABILITY.md §E5, row 68)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from policies.verdict import Reply
from relay.forwarding.answers import Answers
from relay.message.recipe import CopyRecipe
from relay.ports import Clock, CopyState, Event, Journal, Spool, SpooledCopy, SpooledMessage, StoreUnavailable
from relay.transaction import Session, Transaction

REMEMBERED = timedelta(hours=48)
"""How long an answer that was perhaps not read answers the same message again."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that stands in the spool, unread until its client goes on."""

    spool: Spool
    account_id: int
    ref: str

    async def read(self) -> None:
        await self.spool.seen(self.account_id, self.ref)

    async def lost(self) -> None:
        """The spool has it."""


@dataclass(slots=True)
class SentAnswer:
    """The answer for one copy that passed through: kept only where its client went without reading it."""

    spool: Spool
    journal: Journal
    clock: Clock
    tx: Transaction
    key: str
    """The message's fingerprint."""
    message_id: str
    copy: CopyRecipe
    reply: Reply

    async def read(self) -> None:
        """Nothing is kept of it."""

    async def lost(self) -> None:
        """Without the store the client's next try is sent again; the journal says so."""
        try:
            await self.spool.remember(self._message(), [self._copy()])
        except StoreUnavailable as fault:
            fields = {"error": f"an answer that was not read could not be kept: {fault}"}
            now = self.clock.now()
            self.journal.write(
                Event("service.delivery", self.tx.ref, now, "error", self.tx.account.account_id, fields=fields)
            )

    def _message(self) -> SpooledMessage:
        """What is remembered of it: no octets, for nothing is sent again."""
        tx = self.tx
        return SpooledMessage(
            ref=tx.ref,
            account_id=tx.account.account_id,
            raw=b"",
            recipe="",
            reverse_path=str(tx.mail.reverse_path) if tx.mail.reverse_path else "",
            received_at=tx.started_at,
            expires_at=tx.started_at + REMEMBERED,
            fingerprint=self.key,
            list_id=tx.mailing_list.list_id if tx.mailing_list else 0,
            message_id=self.message_id,
            answer=str(self.reply),
        )

    def _copy(self) -> SpooledCopy:
        copy = self.copy
        return SpooledCopy(self.tx.ref, 0, copy.recipient, "", copy.reverse_path, CopyState.SENT, 1, code=250)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A message of a session that this process is settling."""

    session: Session
    settling: asyncio.Task[Reply]


class Repeats:
    """Finds the earlier try: under way in this process, or answered and kept by the spool."""

    def __init__(self, spool: Spool, journal: Journal, clock: Clock, answers: Answers) -> None:
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._answers = answers
        self._under_way: dict[str, list[_UnderWay]] = {}
        self._undecided: dict[str, float] = {}
        """Messages that got no answer because it could not be kept, and when recovery has dealt with them."""

    def begin(self, key: str, session: Session, settling: asyncio.Task[Reply]) -> None:
        """This message is under way until its task ends."""
        one = _UnderWay(session, settling)
        self._under_way.setdefault(key, []).append(one)
        settling.add_done_callback(lambda _: self._end(key, one))

    def _end(self, key: str, one: _UnderWay) -> None:
        self._under_way[key].remove(one)
        if not self._under_way[key]:
            del self._under_way[key]

    def undecided(self, key: str, seconds: float) -> None:
        """Something may have gone, and the spool will know only after so many seconds (§E3 step 4)."""
        now = self._clock.monotonic()
        self._undecided = {one: until for one, until in self._undecided.items() if until > now}
        self._undecided[key] = now + seconds

    def _left_behind(self, key: str) -> asyncio.Task[Reply] | None:
        """The same message under way for a client that has gone; its reply is this one's too."""
        return next((one.settling for one in self._under_way.get(key, ()) if one.session.left), None)

    async def answer(self, tx: Transaction, key: str) -> Reply | None:
        """What to say instead of sending; None: this message is new. StoreUnavailable."""
        settling = self._left_behind(key)
        if settling is not None and settling is not asyncio.current_task():
            return self._told(tx, await asyncio.shield(settling))
        if key in self._undecided and self._clock.monotonic() < self._undecided[key]:
            return self._answers.undecided(tx.ref)
        since = self._clock.now() - REMEMBERED
        said = await self._spool.finished_answer(tx.account.account_id, key, since)
        if said is None:
            return None
        code, enhanced, text = said.split(" ", 2)
        return self._told(tx, Reply(int(code), enhanced, text))

    def _told(self, tx: Transaction, reply: Reply) -> Reply:
        """The answer of the earlier try, which is unread until this client goes on."""
        first = reply.text.partition(" ")[0]
        if reply.code == 250:
            tx.session.unread.append(KeptAnswer(self._spool, tx.account.account_id, first))
        account = tx.account
        fields = {"first": first, "reply": str(reply), "client": tx.session.client}
        self._journal.write(
            Event("service.repeated", tx.ref, self._clock.now(), "info", account.account_id, account.name, fields)
        )
        return reply
