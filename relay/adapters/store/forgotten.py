"""Whoever was forgotten and had said no: the 'no' stands, with a keyed hash where the address was (clause 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from relay.adapters.store.engine import PERSON
from relay.adapters.store.names import insert_missing
from relay.adapters.store.outside import note_forgotten
from relay.adapters.tables import forgotten, suppression

_SAID = ("account_id", "list_id", "reason", "at", "way")

Recognise = Callable[[Address], str]
"""An address as only this platform's key ring can write it (tokens.py)."""


def recogniser(connection: AsyncConnection) -> Recognise | None:
    """How the store behind this connection recognises people; None: it was opened without the key ring."""
    sync = connection.sync_connection
    found = sync.get_execution_options().get(PERSON) if sync else None
    return found if callable(found) else None


async def forgotten_noes(
    connection: AsyncConnection, account_id: int, addresses: Iterable[Address]
) -> Mapping[str, list[Row[tuple[object, ...]]]]:
    """By address key: what people said who were forgotten since, to this account or to all."""
    recognise = recogniser(connection)
    scope = forgotten.c.account_id.in_([0, account_id])
    if recognise is None or await connection.scalar(select(forgotten.c.person).where(scope).limit(1)) is None:
        return {}
    people = {recognise(address): address.key for address in addresses}
    found: dict[str, list[Row[tuple[object, ...]]]] = {}
    statement = select(forgotten).where(scope, forgotten.c.person.in_(list(people)))
    for row in await connection.execute(statement):
        found.setdefault(people[row.person], []).append(row)
    return found


async def remember_noes(connection: AsyncConnection, account_id: int, address: Address) -> None:
    """The person is known again, by their own or an account's doing: what they said stands under their address."""
    rows = (await forgotten_noes(connection, account_id, [address])).get(address.key, [])
    for row in rows:
        one = row._mapping
        values = {name: one[name] for name in _SAID}
        await connection.execute(insert_missing(connection, suppression).values(address_key=address.key, **values))


async def veil_noes(connection: AsyncConnection, address: Address, person: str) -> int:
    """Replace the address of every 'no' of a person by the hash, here and in the files beside; how many it was."""
    stands = suppression.c.address_key == address.key
    rows = (await connection.execute(select(suppression).where(stands, suppression.c.lifted_at.is_(None)))).all()
    records: list[dict[str, str | int]] = [
        {**{name: row._mapping[name] for name in _SAID}, "person": person} for row in rows
    ]
    await say_hidden(connection, records)
    await note_forgotten(connection, records)
    await connection.execute(delete(suppression).where(stands))
    return len(rows)


async def say_hidden(connection: AsyncConnection, records: Iterable[Mapping[str, str | int]]) -> int:
    """Keep what forgotten people said; how many of it were new."""
    new = 0
    for record in records:
        done = await connection.execute(insert_missing(connection, forgotten).values(dict(record)))
        new += max(done.rowcount, 0)
    return new
