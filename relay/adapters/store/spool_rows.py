"""Spooled messages and copies as rows: what is written where, and what is read back."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.adapters.store.engine import from_us, optional_at, optional_us, to_us
from relay.adapters.store.hot import Query, Statements, Value
from relay.ports import CopyState, OwnMail, SpooledCopy, SpooledMessage

WORTH_PACKING = 1024
"""Octets from which compression is tried; it is kept where it saves a tenth."""

AT_ONCE = 16_384
"""Octets up to which packing takes less time in the loop than a thread would add."""

_INSERT_MESSAGE = (
    "INSERT INTO spool_message (account_id, ref, raw_hash, recipe, reverse_path, received_at, expires_at,"
    " fingerprint, list_id, envid, ret, message_id, campaign, answer, purpose, promised, lease_until, fence,"
    " next_attempt_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)"
)
_INSERT_BYTES = "INSERT INTO spool_bytes (account_id, ref, raw, compressed) VALUES (?, ?, ?, ?)"
_DROP_BYTES = "DELETE FROM spool_bytes WHERE account_id = ? AND ref = ?"
_FINAL = "UPDATE spool_message SET final_at = ?, next_attempt_at = NULL WHERE account_id = ? AND ref = ?"
_INSERT_COPY = (
    "INSERT INTO spool_copy (state, attempts, in_doubt, next_attempt_at, smarthost, code, reply, phase,"
    " account_id, ref, ordinal, recipient, copy, reverse_path, notify, orcpt)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_COPY = (
    "UPDATE spool_copy SET state = ?, attempts = ?, in_doubt = ?, next_attempt_at = ?, smarthost = ?, code = ?,"
    " reply = ?, phase = ? WHERE account_id = ? AND ref = ? AND ordinal = ?"
)

# everything of spool_message and its bytes; raw is NULL where the bytes are gone
MessageRow = tuple[
    int, str, str, str, str, int, int, str, int, str, str, str, str, str, str, bytes | None, int | None, int
]
MESSAGE = Query[MessageRow](
    "SELECT m.account_id, m.ref, m.raw_hash, m.recipe, m.reverse_path, m.received_at, m.expires_at, m.fingerprint,"
    " m.list_id, m.envid, m.ret, m.message_id, m.campaign, m.answer, m.purpose, b.raw, b.compressed, m.crashes"
    " FROM spool_message m LEFT JOIN spool_bytes b ON b.account_id = m.account_id AND b.ref = m.ref"
    " WHERE m.account_id = ? AND m.ref = ?"
)
CopyRow = tuple[str, int, str, str, str, str, int, int, int | None, str, int, str, str, str, str]
COPIES = Query[CopyRow](
    "SELECT ref, ordinal, recipient, copy, reverse_path, state, attempts, in_doubt, next_attempt_at, smarthost,"
    " code, reply, phase, notify, orcpt FROM spool_copy WHERE account_id = ? AND ref = ? ORDER BY ordinal"
)


@dataclass(frozen=True, slots=True)
class Packed:
    """Message bytes as they are kept."""

    raw: bytes
    compressed: bool
    digest: str
    """SHA-256 of the bytes before packing, hex."""


class BytesDamaged(Exception):
    """Stored bytes are missing or are not those that were stored."""


async def pack(raw: bytes) -> Packed:
    """Bytes ready to store; large ones are packed off the loop."""
    return _pack(raw) if len(raw) <= AT_ONCE else await asyncio.to_thread(_pack, raw)


def _pack(raw: bytes) -> Packed:
    digest = hashlib.sha256(raw).hexdigest()
    if len(raw) > WORTH_PACKING:
        packed = zlib.compress(raw, 1)
        if len(packed) < len(raw) * 9 // 10:
            return Packed(packed, True, digest)
    return Packed(raw, False, digest)


def unpack(raw: bytes | None, compressed: int | None, digest: str) -> bytes:
    """The bytes as received, or BytesDamaged."""
    if raw is None:
        raise BytesDamaged("its bytes are missing")
    try:
        whole = zlib.decompress(raw) if compressed else bytes(raw)
    except zlib.error as failure:
        raise BytesDamaged(f"its bytes cannot be unpacked: {failure}") from failure
    if hashlib.sha256(whole).hexdigest() != digest:
        raise BytesDamaged("its bytes are not those that were stored")
    return whole


def insert_message(
    statements: Statements,
    message: SpooledMessage,
    packed: Packed,
    copies: Sequence[SpooledCopy],
    lease_until: int | None,
) -> None:
    """Message, bytes and copies; what has no lease is promised from here on."""
    due = min((_due(copy, message) for copy in copies), default=None)
    promised = int(lease_until is None)
    row: list[Value] = [message.account_id, message.ref, packed.digest, message.recipe, message.reverse_path]
    row += [to_us(message.received_at), to_us(message.expires_at), message.fingerprint, message.list_id]
    row += [message.envid, message.ret, message.message_id, message.campaign, message.answer, message.purpose]
    statements.execute(_INSERT_MESSAGE, [*row, promised, lease_until, due])
    statements.execute(_INSERT_BYTES, (message.account_id, message.ref, packed.raw, int(packed.compressed)))
    statements.each(_INSERT_COPY, [_copy_row(message.account_id, copy) for copy in copies])


def insert_final(
    statements: Statements, message: SpooledMessage, copies: Sequence[SpooledCopy], final_at: int
) -> None:
    """A message with nothing left to do: rows, and no octets."""
    insert_message(statements, message, Packed(b"", False, ""), copies, None)
    key = (message.account_id, message.ref)
    statements.execute(_DROP_BYTES, key)
    statements.execute(_FINAL, (final_at, *key))


def _due(copy: SpooledCopy, message: SpooledMessage) -> int:
    return to_us(copy.next_attempt_at or message.received_at)


def _state(copy: SpooledCopy) -> list[Value]:
    return [
        copy.state.value,
        copy.attempts,
        copy.in_doubt,
        optional_us(copy.next_attempt_at),
        copy.smarthost,
        copy.code,
        copy.reply,
        copy.phase,
    ]


def _copy_row(account_id: int, copy: SpooledCopy) -> list[Value]:
    key: list[Value] = [account_id, copy.ref, copy.ordinal]
    return [*_state(copy), *key, copy.recipient, copy.copy, copy.reverse_path, copy.notify, copy.orcpt]


def update_copies(statements: Statements, account_id: int, copies: Iterable[SpooledCopy]) -> None:
    """New states of copies; what they are and to whom they go never changes."""
    statements.each(_UPDATE_COPY, [[*_state(copy), account_id, copy.ref, copy.ordinal] for copy in copies])


def insert_own(statements: Statements, mails: Iterable[tuple[OwnMail, Packed]]) -> None:
    """DSNs and notices: messages of one copy, promised, due at once."""
    for mail, packed in mails:
        message = SpooledMessage(
            ref=mail.ref,
            account_id=mail.account_id,
            raw=mail.raw,
            recipe="",
            reverse_path=mail.reverse_path,
            received_at=mail.at,
            expires_at=mail.expires_at,
            fingerprint="",
            purpose=mail.purpose,
        )
        copy = SpooledCopy(mail.ref, 0, mail.recipient, "", mail.reverse_path, next_attempt_at=mail.at)
        insert_message(statements, message, packed, [copy], None)


def message_of(row: MessageRow) -> SpooledMessage:
    """A message as it was stored; BytesDamaged where its bytes are not."""
    account_id, ref, digest, recipe, reverse_path, received, expires, fingerprint, list_id = row[:9]
    return SpooledMessage(
        ref=ref,
        account_id=account_id,
        raw=unpack(row[15], row[16], digest),
        recipe=recipe,
        reverse_path=reverse_path,
        received_at=from_us(received),
        expires_at=from_us(expires),
        fingerprint=fingerprint,
        list_id=list_id,
        envid=row[9],
        ret=row[10],
        message_id=row[11],
        campaign=row[12],
        answer=row[13],
        purpose=row[14],
        crashes=row[17],
    )


def copy_of(row: CopyRow) -> SpooledCopy:
    """A copy as it stands."""
    return SpooledCopy(
        ref=row[0],
        ordinal=row[1],
        recipient=row[2],
        copy=row[3],
        reverse_path=row[4],
        state=CopyState(row[5]),
        attempts=row[6],
        in_doubt=row[7],
        next_attempt_at=optional_at(row[8]),
        smarthost=row[9],
        code=row[10],
        reply=row[11],
        phase=row[12],
        notify=row[13],
        orcpt=row[14],
    )
