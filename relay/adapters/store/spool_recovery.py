"""What a message becomes when its work ends, in order or not: released, recovered, quarantined, purged, verified."""

from __future__ import annotations

from dataclasses import dataclass

from relay.adapters.store.hot import HotReader, Query, Statements
from relay.adapters.store.spool_rows import BytesDamaged, unpack
from relay.ports import POISON_TRIES, CopyState, Recovered

_FINAL = "('sent', 'failed', 'cancelled')"
_DUE_STATES = "('pending', 'in-doubt')"
_PART = 500
"""Messages purged or verified at a time."""

_DOUBT = (
    f"UPDATE spool_copy SET state = '{CopyState.IN_DOUBT}', in_doubt = in_doubt + 1, next_attempt_at = ?"
    f" WHERE account_id = ? AND ref = ? AND state = '{CopyState.SENDING}'"
)
_CLOSE = (
    "UPDATE spool_message SET promised = 1, lease_until = NULL, fence = fence + 1, crashes = ?,"
    " next_attempt_at = (SELECT MIN(COALESCE(c.next_attempt_at, 0)) FROM spool_copy c"
    "  WHERE c.account_id = spool_message.account_id AND c.ref = spool_message.ref"
    f"  AND c.state IN {_DUE_STATES}),"
    " final_at = CASE WHEN EXISTS (SELECT 1 FROM spool_copy c"
    "  WHERE c.account_id = spool_message.account_id AND c.ref = spool_message.ref"
    f"  AND c.state NOT IN {_FINAL}) THEN NULL ELSE COALESCE(final_at, ?) END"
    " WHERE account_id = ? AND ref = ?"
)
LAPSED = Query[tuple[int, str, int, int]](
    "SELECT account_id, ref, promised, crashes FROM spool_message WHERE lease_until <= ?"
)
_EFFECTS = Query[tuple[int]](
    "SELECT COUNT(*) FROM spool_copy WHERE account_id = ? AND ref = ?"
    f" AND state IN ('{CopyState.SENT}', '{CopyState.SENDING}', '{CopyState.IN_DOUBT}')"
)
_DROP_COPIES = f"UPDATE spool_copy SET state = '{CopyState.CANCELLED}' WHERE account_id = ? AND ref = ?"
_DROP_MESSAGE = (
    "UPDATE spool_message SET lease_until = NULL, fence = fence + 1, next_attempt_at = NULL, final_at = ?"
    " WHERE account_id = ? AND ref = ?"
)
_QUARANTINE_COPIES = (
    f"UPDATE spool_copy SET state = '{CopyState.QUARANTINED}', reply = ?"
    f" WHERE account_id = ? AND ref = ? AND state NOT IN {_FINAL}"
)
_QUARANTINE_MESSAGE = (
    "UPDATE spool_message SET lease_until = NULL, fence = fence + 1, next_attempt_at = NULL"
    " WHERE account_id = ? AND ref = ?"
)
_PURGEABLE = Query[tuple[int, str]](
    "SELECT m.account_id, m.ref FROM spool_message m"
    " JOIN spool_bytes b ON b.account_id = m.account_id AND b.ref = m.ref WHERE m.final_at < ? LIMIT ?"
)
_PURGE = "DELETE FROM spool_bytes WHERE account_id = ? AND ref = ?"


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the spool that cannot be."""

    ref: str
    what: str


def close_message(
    statements: Statements, account_id: int, ref: str, now: int, doubtful: int, crashes: int = 0
) -> None:
    """Give a lease back: promised, due when its next copy is, final when all copies are.

    A copy nobody is sending any more, and of which no reply is known, is in doubt until `doubtful`.
    """
    statements.execute(_DOUBT, (doubtful, account_id, ref))
    statements.execute(_CLOSE, (crashes, now, account_id, ref))


def free_lapsed(statements: Statements, now: int, doubtful: int) -> Recovered:
    """Presumed abort (§E4): what nobody was promised and has no effects is dropped; the rest goes forward.

    Whoever worked on a promised message died at it, or at its neighbour: the third time in a row it is set aside.
    """
    dropped = in_doubt = resumed = quarantined = 0
    for account_id, ref, promised, before in statements.fetch_free(LAPSED, (now,)):
        key = (account_id, ref)
        if not promised and statements.fetch(_EFFECTS, key)[0][0] == 0:
            statements.execute(_DROP_COPIES, key)
            statements.execute(_DROP_MESSAGE, (now, *key))
            dropped += 1
            continue
        in_doubt += statements.execute(_DOUBT, (doubtful, *key))
        crashes = before + promised
        statements.execute(_CLOSE, (crashes, now, *key))
        if crashes >= POISON_TRIES:
            quarantine(statements, *key, f"{crashes} times the process that worked on it ended")
            quarantined += 1
        else:
            resumed += 1
    return Recovered(dropped, in_doubt, resumed, quarantined)


def quarantine(statements: Statements, account_id: int, ref: str, why: str) -> None:
    """Leave a damaged message to a person: never due, never dropped."""
    statements.execute(_QUARANTINE_COPIES, (why, account_id, ref))
    statements.execute(_QUARANTINE_MESSAGE, (account_id, ref))


def purge_bytes(statements: Statements, before: int) -> int:
    """Drop the bytes of some messages that became final before then; how many."""
    found = statements.fetch(_PURGEABLE, (before, _PART))
    statements.each(_PURGE, found)
    return len(found)


_CONTRADICTIONS = (
    (
        "has no bytes, and is not final",
        "SELECT m.ref FROM spool_message m WHERE m.final_at IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM spool_bytes b WHERE b.account_id = m.account_id AND b.ref = m.ref)",
    ),
    (
        "has bytes, but no message",
        "SELECT b.ref FROM spool_bytes b WHERE NOT EXISTS"
        " (SELECT 1 FROM spool_message m WHERE m.account_id = b.account_id AND m.ref = b.ref)",
    ),
    (
        "has copies, but no message",
        "SELECT DISTINCT c.ref FROM spool_copy c WHERE NOT EXISTS"
        " (SELECT 1 FROM spool_message m WHERE m.account_id = c.account_id AND m.ref = c.ref)",
    ),
    (
        "has no copies",
        "SELECT m.ref FROM spool_message m WHERE NOT EXISTS"
        " (SELECT 1 FROM spool_copy c WHERE c.account_id = m.account_id AND c.ref = m.ref)",
    ),
    (
        "has copies to send, but is never due",
        "SELECT DISTINCT m.ref FROM spool_message m"
        " JOIN spool_copy c ON c.account_id = m.account_id AND c.ref = m.ref"
        " WHERE m.lease_until IS NULL AND m.next_attempt_at IS NULL"
        f" AND c.state IN ('{CopyState.SENDING}', '{CopyState.PENDING}', '{CopyState.IN_DOUBT}')",
    ),
)
_BYTES = Query[tuple[int, str, str, bytes, int]](
    "SELECT m.account_id, m.ref, m.raw_hash, b.raw, b.compressed FROM spool_message m"
    " JOIN spool_bytes b ON b.account_id = m.account_id AND b.ref = m.ref"
    " WHERE m.account_id > ? OR (m.account_id = ? AND m.ref > ?) ORDER BY m.account_id, m.ref LIMIT 20"
)


async def verify_spool(reader: HotReader) -> list[Damage]:
    """Every contradiction between messages, bytes and copies, and every hash that is wrong (row 73)."""
    found = [
        Damage(ref, what) for what, sql in _CONTRADICTIONS for (ref,) in await reader.fetch(Query[tuple[str]](sql))
    ]
    after = (-1, "")
    while rows := await reader.fetch(_BYTES, (after[0], *after)):
        for account_id, ref, digest, raw, compressed in rows:
            try:
                unpack(raw, compressed, digest)
            except BytesDamaged as damage:
                found.append(Damage(ref, str(damage)))
            after = (account_id, ref)
    return found
