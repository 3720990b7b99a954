"""The spool: what every '250 queued' rests on (RELIABILITY.md §E)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from relay.adapters.store.engine import to_us
from relay.adapters.store.hot import HotReader, Query, Statements
from relay.adapters.store.spool_recovery import (
    LAPSED,
    Damage,
    close_message,
    free_lapsed,
    purge_bytes,
    quarantine,
    verify_spool,
)
from relay.adapters.store.spool_rows import (
    COPIES,
    MESSAGE,
    BytesDamaged,
    Packed,
    copy_of,
    insert_final,
    insert_message,
    insert_own,
    message_of,
    pack,
    update_copies,
)
from relay.adapters.store.spool_seen import SeenAnswers
from relay.adapters.store.writer import Writer
from relay.ports import Claimed, Clock, CopyState, Lease, OwnMail, Recovered, SpooledCopy, SpooledMessage, StaleLease

_HELD = (
    "UPDATE spool_message SET fence = fence"
    " WHERE account_id = ? AND ref = ? AND fence = ? AND lease_until IS NOT NULL"
)
_ANSWER = "UPDATE spool_message SET answer = ? WHERE account_id = ? AND ref = ?"
_WAITING = (
    "SELECT account_id, ref, fence FROM spool_message"
    " WHERE next_attempt_at <= ? AND lease_until IS NULL AND promised = 1"
    " AND (purpose <> 'relay' OR (SELECT COUNT(*) FROM account a WHERE a.account_id = spool_message.account_id"
    "  AND (a.standing_system = 'suspended' OR a.standing_staff = 'suspended')"
    "  AND a.standing_system <> 'deactivated' AND a.standing_staff <> 'deactivated') = 0)"
    " AND crashes {crashes} ORDER BY next_attempt_at LIMIT ?"
)
"""A suspended account's mail waits for the decision; what we ourselves have to say to it does not."""
_DUE = Query[tuple[int, str, int]](_WAITING.format(crashes="= 0"))
_SUSPECT = Query[tuple[int, str, int]](_WAITING.format(crashes="> 0"))
_TAKE = (
    "UPDATE spool_message SET lease_until = ?, fence = fence + 1"
    " WHERE account_id = ? AND ref = ? AND fence = ? AND lease_until IS NULL"
)
_DROP = tuple(
    f"DELETE FROM {table} WHERE account_id = ? AND ref = ?"
    for table in ("spool_message", "spool_bytes", "spool_copy")
)
_FINISHED = Query[tuple[str, str]](
    "SELECT m.ref, m.answer FROM spool_message m WHERE m.account_id = ? AND m.fingerprint = ?"
    " AND m.received_at >= ? AND m.answer_seen_at IS NULL AND (m.promised = 1 OR m.lease_until <= ? AND"
    " (SELECT COUNT(*) FROM spool_copy c WHERE c.account_id = m.account_id AND c.ref = m.ref"
    f"  AND c.state IN ('{CopyState.SENT}', '{CopyState.SENDING}', '{CopyState.IN_DOUBT}')) > 0)"
    " ORDER BY m.received_at DESC LIMIT 1"
)
"""What recovery has not met yet, but will carry forward, counts as promised."""


class StoreSpool:
    """Messages, their bytes and copies; every change is one durable transaction, grouped with others."""

    def __init__(self, reader: HotReader, writer: Writer, clock: Clock, in_doubt_after: timedelta) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._in_doubt_after = in_doubt_after
        self._seen = SeenAnswers()
        writer.attach(self._seen)

    async def commit(
        self, message: SpooledMessage, copies: Sequence[SpooledCopy], lease_until: datetime | None
    ) -> Lease:
        """Commit A. Without a lease the message is promised: the keeper may take it at once."""
        packed = await pack(message.raw)
        until = None if lease_until is None else to_us(lease_until)
        await self._writer.run(lambda statements: insert_message(statements, message, packed, copies, until))
        return Lease(message.ref, 1, lease_until or message.received_at, message.account_id)

    async def update(self, lease: Lease, copies: Sequence[SpooledCopy]) -> None:
        """New state of copies, while the lease is ours."""

        def job(statements: Statements) -> None:
            _hold(statements, lease)
            update_copies(statements, lease.account_id, copies)

        await self._writer.run(job)

    async def answer(self, lease: Lease, reply: str, copies: Sequence[SpooledCopy], dsns: Sequence[OwnMail]) -> None:
        """Commit B: from here on the message is promised, and free for the keeper."""
        packed = await _packed(dsns)
        now = self._clock.now()

        def job(statements: Statements) -> None:
            _hold(statements, lease)
            statements.execute(_ANSWER, (reply, lease.account_id, lease.ref))
            self._finish(statements, lease, copies, packed, now)

        await self._writer.run(job)

    async def finish(
        self, lease: Lease, copies: Sequence[SpooledCopy], dsns: Sequence[OwnMail], crashes: int = 0
    ) -> None:
        """States, DSNs and the lease's end in one transaction."""
        packed = await _packed(dsns)
        now = self._clock.now()

        def job(statements: Statements) -> None:
            _hold(statements, lease)
            self._finish(statements, lease, copies, packed, now, crashes)

        await self._writer.run(job)

    def _finish(
        self,
        statements: Statements,
        lease: Lease,
        copies: Sequence[SpooledCopy],
        dsns: Sequence[tuple[OwnMail, Packed]],
        now: datetime,
        crashes: int = 0,
    ) -> None:
        update_copies(statements, lease.account_id, copies)
        insert_own(statements, dsns)
        close_message(statements, lease.account_id, lease.ref, to_us(now), to_us(now + self._in_doubt_after), crashes)

    async def discard(self, lease: Lease) -> None:
        """Drop a message nobody was promised."""

        def job(statements: Statements) -> None:
            _hold(statements, lease)
            for sql in _DROP:
                statements.execute(sql, (lease.account_id, lease.ref))

        await self._writer.run(job)

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[Claimed]:
        """Messages with copies due, leased to the caller; lapsed leases are recovered first (§E4)."""
        await self.recover(now)
        return await self._claim(_DUE, now, until, limit)

    async def claim_suspect(self, now: datetime, until: datetime) -> Claimed | None:
        """One of those whose last try ended in a crash."""
        found = await self._claim(_SUSPECT, now, until, 1)
        return found[0] if found else None

    async def _claim(
        self, which: Query[tuple[int, str, int]], now: datetime, until: datetime, limit: int
    ) -> list[Claimed]:
        if not await self._reader.fetch(which, (to_us(now), limit)):
            return []
        leases = await self._writer.run(partial(_take, which=which, now=to_us(now), until=until, limit=limit))
        claimed = [await self._claimed(lease) for lease in leases]
        return [one for one in claimed if one is not None]

    async def _claimed(self, lease: Lease) -> Claimed | None:
        """The message of a lease; None for one that was damaged, and is quarantined now."""
        key = (lease.account_id, lease.ref)
        rows = await self._reader.fetch(MESSAGE, key)
        copies = tuple(copy_of(row) for row in await self._reader.fetch(COPIES, key))
        try:
            message = message_of(rows[0])
        except (BytesDamaged, IndexError) as damage:
            why = str(damage)
            await self._writer.run(lambda statements: quarantine(statements, lease.account_id, lease.ref, why))
            return None
        return Claimed(lease, message, copies)

    async def recover(self, now: datetime) -> Recovered:
        """What leases that ran out by now have left behind; messages still leased belong to the living."""
        if not await self._reader.fetch(LAPSED, (to_us(now),)):
            return Recovered(0, 0, 0)
        doubtful = to_us(now + self._in_doubt_after)
        return await self._writer.run(lambda statements: free_lapsed(statements, to_us(now), doubtful))

    async def purge(self, before: datetime) -> int:
        """Drop bytes no longer needed, a few hundred a transaction."""
        dropped = 0
        while part := await self._writer.run(lambda statements: purge_bytes(statements, to_us(before))):
            dropped += part
        return dropped

    async def finished_answer(self, account_id: int, fingerprint: str, since: datetime) -> str | None:
        """The answer of an earlier try that the client is not known to have read (§E5)."""
        if not fingerprint:
            return None
        now = to_us(self._clock.now())
        rows = await self._reader.fetch(_FINISHED, (account_id, fingerprint, to_us(since), now))
        if not rows or rows[0][0] in self._seen:
            return None
        ref, answer = rows[0]
        # No answer: a crash came before it, and recovery went forward.
        return answer or f"250 2.0.0 {ref} queued"

    async def seen(self, account_id: int, ref: str) -> None:
        """The client has read its answer: the same message again is an intended one (§E5)."""
        self._seen.add(account_id, ref, to_us(self._clock.now()))

    async def remember(self, message: SpooledMessage, copies: Sequence[SpooledCopy]) -> None:
        """A message that is final from the start; its octets are not kept."""
        at = to_us(self._clock.now())
        await self._writer.run(lambda statements: insert_final(statements, message, copies, at))

    async def insert_own(self, mails: Sequence[OwnMail]) -> None:
        """Queue mail of our own."""
        packed = await _packed(mails)
        await self._writer.run(lambda statements: insert_own(statements, packed))

    async def verify(self) -> list[Damage]:
        """What in the spool contradicts itself; empty: nothing."""
        return await verify_spool(self._reader)


def _hold(statements: Statements, lease: Lease) -> None:
    """Lock the message's row for this transaction; StaleLease where somebody else works on it."""
    if statements.execute(_HELD, (lease.account_id, lease.ref, lease.fence)) != 1:
        raise StaleLease(f"{lease.ref} is worked on by another process")


def _take(
    statements: Statements, which: Query[tuple[int, str, int]], now: int, until: datetime, limit: int
) -> list[Lease]:
    due = statements.fetch_free(which, (now, limit))
    return [
        Lease(ref, fence + 1, until, account_id)
        for account_id, ref, fence in due
        if statements.execute(_TAKE, (to_us(until), account_id, ref, fence)) == 1
    ]


async def _packed(mails: Sequence[OwnMail]) -> list[tuple[OwnMail, Packed]]:
    return [(mail, await pack(mail.raw)) for mail in mails]
