"""Mailing lists of accounts: how they take subscribers, who is on them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.facts import Confirm
from relay.adapters.store.engine import Engine, from_us, optional_at, to_us
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.history import Act
from relay.adapters.store.names import NotAllowed, NotFound, account_id_of, fresh_id, list_id_of
from relay.adapters.store.noes import No, standing_noes
from relay.adapters.tables import contact, mailing_list, subscription

PAGE = 1000
"""Rows read at a time when a list is exported."""


@dataclass(frozen=True, slots=True)
class ListRecord:
    """One list."""

    list_id: int
    name: str
    title: str
    confirm: Confirm
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ListedAddress:
    """One row of a list's export."""

    email: str
    name: str
    status: str
    """The subscription's, or why nothing is sent: opted-out, complained, unreachable."""
    consented_at: datetime | None
    confirmed_at: datetime | None
    last_contact_at: datetime | None
    source: str
    basis: str
    batch_id: int
    refused_rule: str
    withdrawn_at: datetime | None
    """When the person, or staff for them, said the 'no' that stands."""
    withdraw_method: str


class Lists:
    """The lists of all accounts; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, account_name: str, name: str, confirm: Confirm, title: str, act: Act) -> ListRecord:
        """A new, empty list; NotAllowed where the account has one of that name."""
        record = ListRecord(fresh_id(31), name, title, confirm, act.at)
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, account_name)
            try:
                await connection.execute(
                    insert(mailing_list).values(
                        account_id=account_id,
                        list_id=record.list_id,
                        name=name,
                        title=title,
                        confirm=confirm.value,
                        created_at=to_us(act.at),
                    )
                )
            except IntegrityError:
                raise NotAllowed(f"{account_name} has a list named {name} already") from None
            await bump(connection, DIRECTORY)
        return record

    async def of(self, account_name: str) -> list[ListRecord]:
        """The account's lists, by name."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            statement = (
                select(mailing_list).where(mailing_list.c.account_id == account_id).order_by(mailing_list.c.name)
            )
            return [_record(row) for row in await connection.execute(statement)]

    async def show(self, account_name: str, name: str) -> tuple[ListRecord, dict[str, int]]:
        """One list, and how many subscriptions have which status; NotFound where there is none."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            row = await _named(connection, account_id, name)
            counts = (
                select(subscription.c.status, func.count())
                .where(subscription.c.account_id == account_id, subscription.c.list_id == row.list_id)
                .group_by(subscription.c.status)
                .order_by(subscription.c.status)
            )
            return _record(row), dict((await connection.execute(counts)).all())

    async def public_name(self, account_id: int, list_id: int) -> str | None:
        """What recipients know the list by: its title, else its name."""
        statement = select(mailing_list.c.title, mailing_list.c.name).where(
            mailing_list.c.account_id == account_id, mailing_list.c.list_id == list_id
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else row.title or row.name

    async def export(self, account_name: str, name: str) -> AsyncIterator[ListedAddress]:
        """Everybody on a list as it stands now, in pages, so that memory does not grow with the list."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            list_id = await list_id_of(connection, account_id, name)
            last = 0
            while rows := await _page(connection, account_id, list_id, last):
                noes = await standing_noes(connection, account_id, list_id, [row.address_key for row in rows])
                for row in rows:
                    no = noes.get(row.address_key)
                    yield _listed(row, no)
                last = rows[-1].contact_id


async def _named(connection: AsyncConnection, account_id: int, name: str) -> Row[tuple[object, ...]]:
    statement = select(mailing_list).where(mailing_list.c.account_id == account_id, mailing_list.c.name == name)
    row = (await connection.execute(statement)).first()
    if row is None:
        raise NotFound(f"the account has no list named {name}")
    return row


def _record(row: Row[tuple[object, ...]]) -> ListRecord:
    one = row._mapping
    return ListRecord(one["list_id"], one["name"], one["title"], Confirm(one["confirm"]), from_us(one["created_at"]))


async def _page(
    connection: AsyncConnection, account_id: int, list_id: int, after: int
) -> list[Row[tuple[object, ...]]]:
    on_list = (subscription.c.account_id == account_id) & (subscription.c.list_id == list_id)
    joined = subscription.join(
        contact,
        (contact.c.account_id == subscription.c.account_id) & (contact.c.contact_id == subscription.c.contact_id),
    )
    statement = (
        select(subscription, contact.c.address, contact.c.address_key, contact.c.name)
        .select_from(joined)
        .where(on_list, subscription.c.contact_id > after)
        .order_by(subscription.c.contact_id)
        .limit(PAGE)
    )
    return list((await connection.execute(statement)).all())


def _listed(row: Row[tuple[object, ...]], no: No | None) -> ListedAddress:
    one = row._mapping
    return ListedAddress(
        one["address"],
        one["name"],
        no.reason.value if no else one["status"],
        optional_at(one["consented_at"]),
        optional_at(one["confirmed_at"]),
        optional_at(one["last_contact_at"]),
        one["source"],
        one["basis"],
        one["batch_id"],
        one["refused_rule"],
        no.at if no else None,
        no.way if no else "",
    )
