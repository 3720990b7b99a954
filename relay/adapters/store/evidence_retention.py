"""Evidence goes when nobody can ask for it any more: long after the permission it proves has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, and_, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.store.engine import Engine, to_us
from relay.adapters.tables import consent_event, contact, import_batch, import_row, subscription

_PAGE = 2000
_PART = 200
"""Subscriptions dropped in one transaction: mail may be waiting for the lock."""

_KEY = (subscription.c.account_id, subscription.c.contact_id, subscription.c.list_id)
_SIGNS = ("created_at", "consented_at", "confirmed_at", "last_contact_at")
Key = tuple[int, int, int]


async def expire_evidence(engine: Engine, before: datetime) -> int:
    """Drop subscriptions whose last sign lies before then, their records, people on no list any more, and the rows
    of imports that old; how many subscriptions. Every 'no' stays."""
    dropped, after = 0, (-1, -1, -1)
    while page := await _page(engine, after):
        old = [_key(row) for row in page if _last_sign(row) < to_us(before)]
        for at in range(0, len(old), _PART):
            await _drop(engine, old[at : at + _PART])
        dropped += len(old)
        after = _key(page[-1])
    await _drop_rows(engine, before)
    return dropped


async def _page(engine: Engine, after: Key) -> Sequence[Row[tuple[object, ...]]]:
    """In the order of the key, so that a walk costs what it reads."""
    columns = (*_KEY, *(subscription.c[name] for name in _SIGNS))
    statement = select(*columns).where(tuple_(*_KEY) > tuple_(*after)).order_by(*_KEY).limit(_PAGE)
    async with engine.connect() as connection:
        return (await connection.execute(statement)).all()


def _key(row: Row[tuple[object, ...]]) -> Key:
    one = row._mapping
    return one["account_id"], one["contact_id"], one["list_id"]


def _last_sign(row: Row[tuple[object, ...]]) -> int:
    signs: list[int] = [at for name in _SIGNS if (at := row._mapping[name]) is not None]
    return max(signs)


async def _drop(engine: Engine, keys: Sequence[Key]) -> None:
    async with engine.begin() as connection:
        await connection.execute(delete(subscription).where(tuple_(*_KEY).in_(keys)))
        for account_id, contact_id, _ in keys:
            await drop_person_of_no_list(connection, account_id, contact_id)


async def drop_person_of_no_list(connection: AsyncConnection, account_id: int, contact_id: int) -> None:
    """The contact and its record, where no subscription is left."""
    mine = and_(subscription.c.account_id == account_id, subscription.c.contact_id == contact_id)
    if await connection.scalar(select(subscription.c.list_id).where(mine).limit(1)) is not None:
        return
    for table in (consent_event, contact):
        this = and_(table.c.account_id == account_id, table.c.contact_id == contact_id)
        await connection.execute(delete(table).where(this))


async def _drop_rows(engine: Engine, before: datetime) -> None:
    """Refused rows of imports begun before then; the batches themselves, which name nobody, stay."""
    async with engine.connect() as connection:
        old = select(import_batch.c.account_id, import_batch.c.batch_id)
        batches = (await connection.execute(old.where(import_batch.c.started_at < to_us(before)))).all()
    for account_id, batch_id in batches:
        this = and_(import_row.c.account_id == account_id, import_row.c.batch_id == batch_id)
        async with engine.begin() as connection:
            await connection.execute(delete(import_row).where(this))
