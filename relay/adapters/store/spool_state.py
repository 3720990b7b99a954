"""What the spool says of one message, for `explain` and the queue's commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, select

from relay.adapters.store.engine import Engine, from_us, optional_at
from relay.adapters.store.spool_rows import copy_of
from relay.adapters.tables import spool_copy, spool_message
from relay.ports import SpooledCopy


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What the spool says of a message."""

    account_id: int
    purpose: str
    received_at: datetime
    expires_at: datetime
    answer: str
    promised: bool
    leased_until: datetime | None
    final_at: datetime | None
    next_attempt_at: datetime | None
    copies: tuple[SpooledCopy, ...]


async def spool_state(engine: Engine, ref: str) -> SpoolState | None:
    """The message of a REF with its copies; None where the spool has none."""
    async with engine.connect() as connection:
        row = (await connection.execute(select(spool_message).where(spool_message.c.ref == ref))).first()
        if row is None:
            return None
        copies = await connection.execute(
            select(spool_copy)
            .where(spool_copy.c.account_id == row.account_id, spool_copy.c.ref == ref)
            .order_by(spool_copy.c.ordinal)
        )
        return _spool_state(row, tuple(_copy(one) for one in copies))


def _copy(row: Row[tuple[object, ...]]) -> SpooledCopy:
    return copy_of(
        (
            row.ref,
            row.ordinal,
            row.recipient,
            row.copy,
            row.reverse_path,
            row.state,
            row.attempts,
            row.in_doubt,
            row.next_attempt_at,
            row.smarthost,
            row.code,
            row.reply,
            row.phase,
            row.notify,
            row.orcpt,
        )
    )


def _spool_state(row: Row[tuple[object, ...]], copies: tuple[SpooledCopy, ...]) -> SpoolState:
    return SpoolState(
        account_id=row.account_id,
        purpose=row.purpose,
        received_at=from_us(row.received_at),
        expires_at=from_us(row.expires_at),
        answer=row.answer,
        promised=bool(row.promised),
        leased_until=optional_at(row.lease_until),
        final_at=optional_at(row.final_at),
        next_attempt_at=optional_at(row.next_attempt_at),
        copies=copies,
    )
