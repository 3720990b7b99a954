"""Footer identities of an account: brands and clients with an organisation and a postal address of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.store.accounts import REGISTERED
from relay.adapters.store.engine import Engine, to_us
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.history import Act
from relay.adapters.store.names import NotAllowed, NotFound, account_id_of, list_id_of
from relay.adapters.tables import footer_identity, mailing_list


@dataclass(frozen=True, slots=True)
class Identity:
    """One footer identity; without domain and list it is the account's own, as registered."""

    name: str
    organisation: str
    postal_address: str
    country: str = ""
    domain: str = ""
    """A-label From domain it is for; empty: any."""
    list_name: str = ""
    """List it is for; empty: any."""


class Identities:
    """The footer identities of all accounts; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, account_name: str, new: Identity, act: Act) -> Identity:
        """One more; NotAllowed where its name, or its list and domain together, are taken."""
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, account_name)
            list_id = await list_id_of(connection, account_id, new.list_name) if new.list_name else 0
            await _assert_free(connection, account_id, new, list_id)
            try:
                await connection.execute(
                    insert(footer_identity).values(
                        account_id=account_id,
                        name=new.name,
                        organisation=new.organisation,
                        postal_address=new.postal_address,
                        country=new.country,
                        domain=new.domain,
                        list_id=list_id,
                        confirmed_at=to_us(act.at),
                    )
                )
            except IntegrityError:
                raise NotAllowed(f"{account_name} has an identity named {new.name} already") from None
            await bump(connection, DIRECTORY)
        return new

    async def of(self, account_name: str) -> list[Identity]:
        """The account's identities, its own first."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            rows = await _rows(connection, account_id)
        return sorted((_identity(row) for row in rows), key=lambda one: (one.name != REGISTERED, one.name))

    async def remove(self, account_name: str, name: str) -> None:
        """Drop one; its mail is signed by the next best. NotFound where there is none, NotAllowed for the own."""
        if name == REGISTERED:
            raise NotAllowed(f"{REGISTERED} is the account's own; change it by: relay account set {account_name}")
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, account_name)
            named = (footer_identity.c.account_id == account_id) & (footer_identity.c.name == name)
            done = await connection.execute(delete(footer_identity).where(named))
            if done.rowcount == 0:
                raise NotFound(f"{account_name} has no identity named {name}")
            await bump(connection, DIRECTORY)


async def _assert_free(connection: AsyncConnection, account_id: int, new: Identity, list_id: int) -> None:
    """Two identities for the same mail would make it chance who signs."""
    same = select(footer_identity.c.name).where(
        footer_identity.c.account_id == account_id,
        footer_identity.c.name != REGISTERED,
        footer_identity.c.domain == new.domain,
        footer_identity.c.list_id == list_id,
    )
    taken = await connection.scalar(same)
    if taken is not None and taken != new.name:
        raise NotAllowed(f"identity {taken} is for the same list and domain already")


async def _rows(connection: AsyncConnection, account_id: int) -> Sequence[Row[tuple[object, ...]]]:
    joined = footer_identity.outerjoin(
        mailing_list,
        (mailing_list.c.account_id == footer_identity.c.account_id)
        & (mailing_list.c.list_id == footer_identity.c.list_id),
    )
    statement = (
        select(footer_identity, mailing_list.c.name.label("list_name"))
        .select_from(joined)
        .where(footer_identity.c.account_id == account_id)
    )
    return (await connection.execute(statement)).all()


def _identity(row: Row[tuple[object, ...]]) -> Identity:
    one = row._mapping
    return Identity(
        one["name"],
        one["organisation"],
        one["postal_address"],
        one["country"],
        one["domain"],
        one["list_name"] or "",
    )
