"""The people of an account: one row an address, with an id that tokens carry and nobody else ever gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from relay.adapters.store.engine import Engine, to_us
from relay.adapters.store.forgotten import remember_noes
from relay.adapters.store.names import NotFound, fresh_id, fresh_ids, insert_missing
from relay.adapters.store.outside import note_people
from relay.adapters.tables import contact


class Contacts:
    """Contacts by id, for pages; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def address(self, account_id: int, contact_id: int) -> Address | None:
        """The address behind a contact id; None where there is none."""
        statement = select(contact.c.address).where(
            contact.c.account_id == account_id, contact.c.contact_id == contact_id
        )
        async with self._engine.connect() as connection:
            found = await connection.scalar(statement)
        return None if found is None else Address.parse(found)


async def contact_id_of(connection: AsyncConnection, account_id: int, address: Address) -> int:
    """The contact id of an address under an account; 0: there is none."""
    statement = select(contact.c.contact_id).where(
        contact.c.account_id == account_id, contact.c.address_key == address.key
    )
    return await connection.scalar(statement) or 0


async def made_contact(
    connection: AsyncConnection, account_id: int, address: Address, name: str, at: datetime
) -> int:
    """The contact id of an address, made where there was none."""
    row: dict[str, str | int] = {
        "account_id": account_id,
        "contact_id": fresh_id(63),
        "address_key": address.key,
        "address": str(address),
        "name": name,
        "created_at": to_us(at),
    }
    await connection.execute(insert_missing(connection, contact).values(**row))
    contact_id = await contact_id_of(connection, account_id, address)
    if contact_id == row["contact_id"]:
        await note_people(connection, [row])
    await remember_noes(connection, account_id, address)
    return contact_id


@dataclass(frozen=True, slots=True)
class Made:
    """The contacts of some addresses."""

    ids: Mapping[str, int]
    """By address key."""
    known: frozenset[int]
    """Those that were there before."""


async def made_contacts(
    connection: AsyncConnection, account_id: int, addresses: Sequence[Address], names: Mapping[str, str], at: datetime
) -> Made:
    """Contacts, made where there were none; `names` by key go to new ones only."""
    known = await contact_ids(connection, account_id, [address.key for address in addresses])
    missing = [address for address in addresses if address.key not in known]
    new: list[dict[str, str | int]] = [
        {
            "account_id": account_id,
            "contact_id": contact_id,
            "address_key": address.key,
            "address": str(address),
            "name": names.get(address.key, ""),
            "created_at": to_us(at),
        }
        for address, contact_id in zip(missing, fresh_ids(len(missing)), strict=True)
    ]
    if not new:
        return Made(known, frozenset(known.values()))
    done = await connection.execute(insert_missing(connection, contact), new)
    made = {str(row["address_key"]): int(row["contact_id"]) for row in new}
    if done.rowcount != len(new):  # another process made some just now, or the driver does not say
        made = await contact_ids(connection, account_id, list(made))
    await note_people(connection, [row for row in new if made[str(row["address_key"])] == row["contact_id"]])
    old = frozenset(known.values()) | (frozenset(made.values()) - {int(row["contact_id"]) for row in new})
    return Made(known | made, old)


async def contact_ids(connection: AsyncConnection, account_id: int, keys: Sequence[str]) -> dict[str, int]:
    """Contact ids by address key, for those there are."""
    statement = select(contact.c.address_key, contact.c.contact_id).where(
        contact.c.account_id == account_id, contact.c.address_key.in_(keys)
    )
    return dict((await connection.execute(statement)).all())


async def contact_row(connection: AsyncConnection, account_id: int, contact_id: int) -> tuple[str, str, str]:
    """(key, address as typed, name) of a contact; NotFound where nobody has the id."""
    statement = select(contact.c.address_key, contact.c.address, contact.c.name).where(
        contact.c.account_id == account_id, contact.c.contact_id == contact_id
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        raise NotFound("nobody has that contact id")
    return row.address_key, row.address, row.name
