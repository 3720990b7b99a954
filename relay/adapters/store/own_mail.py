"""Mail of our own queued within a caller's transaction: it goes if, and only if, what it tells of was kept."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.store.engine import to_us
from relay.adapters.store.spool_rows import pack
from relay.adapters.tables import spool_bytes, spool_copy, spool_message
from relay.ports import CopyState, OwnMail


async def queue_own(connection: AsyncConnection, mail: OwnMail) -> None:
    """A message of one copy, promised and due at once, as `insert_own` of the writer makes it."""
    packed = await pack(mail.raw)
    key = {"account_id": mail.account_id, "ref": mail.ref}
    due = to_us(mail.at)
    message = {
        "raw_hash": packed.digest,
        "recipe": "",
        "reverse_path": mail.reverse_path,
        "received_at": due,
        "expires_at": to_us(mail.expires_at),
        "fingerprint": "",
        "purpose": mail.purpose,
        "promised": 1,
        "fence": 1,
        "next_attempt_at": due,
    }
    copy = {
        "ordinal": 0,
        "recipient": mail.recipient,
        "reverse_path": mail.reverse_path,
        "state": CopyState.PENDING.value,
        "next_attempt_at": due,
    }
    await connection.execute(insert(spool_message).values(**key, **message))
    await connection.execute(insert(spool_bytes).values(**key, raw=packed.raw, compressed=int(packed.compressed)))
    await connection.execute(insert(spool_copy).values(**key, **copy))
