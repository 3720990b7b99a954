"""The spool's promises kept in memory: leases, fences, one transaction per call; it can be stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from relay.ports import (
    Claimed,
    CopyState,
    Lease,
    OwnMail,
    Recovered,
    SpooledCopy,
    SpooledMessage,
    StaleLease,
    StoreFull,
    StoreUnavailable,
)

FINAL = {CopyState.SENT, CopyState.FAILED, CopyState.CANCELLED, CopyState.QUARANTINED}
EFFECTS = {CopyState.SENT, CopyState.SENDING, CopyState.IN_DOUBT}


@dataclass
class Entry:
    message: SpooledMessage
    copies: dict[int, SpooledCopy]
    fence: int = 0
    until: datetime | None = None
    final_at: datetime | None = None


class MemorySpool:
    """Implements relay.ports.Spool; `stopped` makes every call fail, `stop_at` some."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.stopped = False
        self.full = False
        self.stop_at: set[str] = set()
        """Names of methods that fail."""
        self.writes: list[str] = []
        self.answers: dict[str, str] = {}
        self.read: set[str] = set()
        """REFs of messages whose answers were seen."""

    def _enter(self, name: str) -> None:
        if self.stopped or name in self.stop_at:
            raise StoreUnavailable("the store is stopped")
        self.writes.append(name)

    def _owned(self, lease: Lease) -> Entry:
        entry = self.entries.get(lease.ref)
        if entry is None or entry.fence != lease.fence:
            raise StaleLease(lease.ref)
        return entry

    def copies(self, ref: str) -> list[SpooledCopy]:
        return [copy for _, copy in sorted(self.entries[ref].copies.items())]

    async def commit(
        self, message: SpooledMessage, copies: Sequence[SpooledCopy], lease_until: datetime | None
    ) -> Lease:
        self._enter("commit")
        if self.full:
            raise StoreFull("the store is full")
        assert message.ref not in self.entries
        entry = Entry(message, {copy.ordinal: copy for copy in copies}, 1, lease_until)
        self.entries[message.ref] = entry
        if message.answer:
            self.answers[message.ref] = message.answer
        return Lease(message.ref, 1, lease_until or message.received_at)

    async def update(self, lease: Lease, copies: Sequence[SpooledCopy]) -> None:
        self._enter("update")
        self._owned(lease).copies.update({copy.ordinal: copy for copy in copies})

    async def answer(self, lease: Lease, reply: str, copies: Sequence[SpooledCopy], dsns: Sequence[OwnMail]) -> None:
        self._enter("answer")
        entry = self._owned(lease)
        entry.message = replace(entry.message, answer=reply)
        self.answers[lease.ref] = reply
        self._end(entry, copies, dsns)

    async def finish(
        self, lease: Lease, copies: Sequence[SpooledCopy], dsns: Sequence[OwnMail], crashes: int = 0
    ) -> None:
        self._enter("finish")
        entry = self._owned(lease)
        entry.message = replace(entry.message, crashes=crashes)
        self._end(entry, copies, dsns)

    def _end(self, entry: Entry, copies: Sequence[SpooledCopy], dsns: Sequence[OwnMail]) -> None:
        entry.copies.update({copy.ordinal: copy for copy in copies})
        entry.until = None
        entry.fence += 1
        self._queue(dsns)

    async def discard(self, lease: Lease) -> None:
        self._enter("discard")
        self._owned(lease)
        del self.entries[lease.ref]

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[Claimed]:
        self._enter("claim")
        return self._claim(now, until, limit, suspect=False)

    async def claim_suspect(self, now: datetime, until: datetime) -> Claimed | None:
        self._enter("claim")
        found = self._claim(now, until, 1, suspect=True)
        return found[0] if found else None

    def _claim(self, now: datetime, until: datetime, limit: int, suspect: bool) -> list[Claimed]:
        claimed: list[Claimed] = []
        for ref, entry in self.entries.items():
            due = [
                copy
                for copy in entry.copies.values()
                if copy.state in (CopyState.PENDING, CopyState.IN_DOUBT)
                and copy.next_attempt_at is not None
                and copy.next_attempt_at <= now
            ]
            free = entry.until is None or entry.until <= now
            if (entry.message.crashes > 0) is not suspect:
                continue
            if due and free and entry.message.answer and len(claimed) < limit:
                entry.fence += 1
                entry.until = until
                claimed.append(Claimed(Lease(ref, entry.fence, until), entry.message, tuple(self.copies(ref))))
        return claimed

    async def recover(self, now: datetime) -> Recovered:
        self._enter("recover")
        dropped = in_doubt = resumed = 0
        for ref, entry in list(self.entries.items()):
            if entry.until is None or entry.until > now:
                continue
            states = {copy.state for copy in entry.copies.values()}
            if not entry.message.answer and not states & EFFECTS:
                del self.entries[ref]
                dropped += 1
                continue
            for copy in list(entry.copies.values()):
                if copy.state is CopyState.SENDING:
                    in_doubt += 1
                    entry.copies[copy.ordinal] = replace(
                        copy, state=CopyState.IN_DOUBT, in_doubt=copy.in_doubt + 1, next_attempt_at=now
                    )
            entry.message = replace(entry.message, answer=entry.message.answer or "recovered")
            entry.until = None
            entry.fence += 1
            resumed += 1
        return Recovered(dropped, in_doubt, resumed)

    async def purge(self, before: datetime) -> int:
        self._enter("purge")
        return 0

    async def finished_answer(self, account_id: int, fingerprint: str, since: datetime) -> str | None:
        if self.stopped or "finished_answer" in self.stop_at:
            raise StoreUnavailable("the store is stopped")
        for entry in self.entries.values():
            message = entry.message
            same = (message.account_id, message.fingerprint) == (account_id, fingerprint)
            if same and message.answer and message.ref not in self.read and message.received_at >= since:
                return message.answer
        return None

    async def seen(self, account_id: int, ref: str) -> None:
        self.read.add(ref)

    async def remember(self, message: SpooledMessage, copies: Sequence[SpooledCopy]) -> None:
        self._enter("remember")
        self.entries[message.ref] = Entry(message, {copy.ordinal: copy for copy in copies}, 1)

    async def insert_own(self, mails: Sequence[OwnMail]) -> None:
        self._enter("insert_own")
        self._queue(mails)

    def _queue(self, mails: Sequence[OwnMail]) -> None:
        for mail in mails:
            message = SpooledMessage(
                mail.ref, mail.account_id, mail.raw, "", "", mail.at, mail.expires_at, "", answer="own",
                purpose=mail.purpose,
            )  # fmt: skip
            copy = SpooledCopy(mail.ref, 0, mail.recipient, "", mail.reverse_path, next_attempt_at=mail.at)
            self.entries[mail.ref] = Entry(message, {0: copy}, 1)
