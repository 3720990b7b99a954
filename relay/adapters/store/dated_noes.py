"""What another platform's export says of people, each with a time of its own (clauses 3.1, 5.6)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.store.engine import to_us
from relay.adapters.store.names import insert_missing
from relay.adapters.store.noes import Wish, exactly, record_of
from relay.adapters.store.outside import note_noes
from relay.adapters.tables import suppression


async def keep_dated(connection: AsyncConnection, wishes: Sequence[Wish]) -> int:
    """What another platform's export says, each as of its own time: never weaker than what stands, and older than a
    double opt-in it changes nothing. How many it kept anew."""
    rows = {(wish.account_id, wish.address.key, wish.list_id, wish.reason.value): wish for wish in wishes}
    table = suppression.c
    stands = and_(table.account_id.in_({key[0] for key in rows}), table.address_key.in_({key[1] for key in rows}))
    found = {
        (row.account_id, row.address_key, row.list_id, row.reason): row
        for row in await connection.execute(select(suppression).where(stands))
    }
    new = [wish for key, wish in rows.items() if key not in found]
    again = [wish for key, wish in rows.items() if key in found and _says_more(wish, found[key])]
    if new:
        await connection.execute(insert_missing(connection, suppression), [_values(wish) for wish in new])
    for wish in again:
        this = exactly(wish.account_id, wish.address.key, wish.list_id) & (table.reason == wish.reason.value)
        values = {"lifted_at": None, "lifted_how": ""}
        await connection.execute(update(suppression).where(this).values(**_values(wish), **values))
    await note_noes(connection, [record_of(wish) for wish in (*new, *again)])
    return len(new) + len(again)


def _says_more(wish: Wish, row: Row[tuple[object, ...]]) -> bool:
    """Whether a wish is later than the lifting of what stands there."""
    lifted_at: int | None = row._mapping["lifted_at"]
    return lifted_at is not None and to_us(wish.act.at) > lifted_at


def _values(wish: Wish) -> dict[str, str | int]:
    return {
        "account_id": wish.account_id,
        "address_key": wish.address.key,
        "list_id": wish.list_id,
        "reason": wish.reason.value,
        "at": to_us(wish.act.at),
        "way": wish.way,
        "actor": wish.act.by,
    }
