"""Who knows an address, over all accounts: for the person's own page."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import SubscriptionStatus
from relay.adapters.store.contacts import contact_row
from relay.adapters.store.engine import Engine
from relay.adapters.store.names import NotFound
from relay.adapters.store.noes import EVERY_LIST, standing_noes
from relay.adapters.store.own_mail import queue_own
from relay.adapters.tables import account, contact, mailing_list, subscription
from relay.permission.my_mail import Sender
from relay.ports import OwnMail

_MAY_WRITE = {
    SubscriptionStatus.CONFIRMED.value,
    SubscriptionStatus.SUBSCRIBED.value,
    SubscriptionStatus.IMPORTED.value,
}
_ON_LIST = {*_MAY_WRITE, SubscriptionStatus.PENDING.value}


class StoreAcquaintances:
    """Reads one person over all accounts; one consistent view a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def senders(self, address: Address) -> list[Sender]:
        """Every account with this address on a list, by organisation."""
        people = (
            select(contact.c.account_id, contact.c.contact_id, account.c.name, account.c.organisation)
            .join_from(contact, account, account.c.account_id == contact.c.account_id)
            .where(contact.c.account_id.in_(select(account.c.account_id)), contact.c.address_key == address.key)
            .order_by(account.c.organisation, account.c.name)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(people)).all()
            found = [
                await _sender(connection, row.account_id, row.name, row.organisation, row.contact_id, address.key)
                for row in rows
            ]
        return [one for one in found if one is not None]

    async def address(self, account_id: int, contact_id: int) -> Address | None:
        """Whose contact that is; None where nobody has the id (any more)."""
        async with self._engine.connect() as connection:
            try:
                _, typed, _ = await contact_row(connection, account_id, contact_id)
            except NotFound:
                return None
        return Address.parse(typed)

    async def queue(self, mail: OwnMail) -> None:
        """One letter of our own, durable on return."""
        async with self._engine.begin() as connection:
            await queue_own(connection, mail)


async def _sender(
    connection: AsyncConnection, account_id: int, name: str, organisation: str, contact_id: int, key: str
) -> Sender | None:
    """What one account may send; None where the address stands on none of its lists."""
    on_list = (mailing_list.c.account_id == subscription.c.account_id) & (
        mailing_list.c.list_id == subscription.c.list_id
    )
    statement = (
        select(subscription.c.list_id, subscription.c.status, mailing_list.c.title, mailing_list.c.name)
        .join_from(subscription, mailing_list, on_list)
        .where(subscription.c.account_id == account_id, subscription.c.contact_id == contact_id)
        .order_by(mailing_list.c.name)
    )
    rows = [row for row in await connection.execute(statement) if row.status in _ON_LIST]
    if not rows:
        return None
    wide = key in await standing_noes(connection, account_id, EVERY_LIST, [key])
    lists = tuple(
        [
            row.title or row.name
            for row in rows
            if row.status in _MAY_WRITE and key not in await standing_noes(connection, account_id, row.list_id, [key])
        ]
    )
    return Sender(account_id, name, organisation, contact_id, lists, open=bool(lists) or not wide)
