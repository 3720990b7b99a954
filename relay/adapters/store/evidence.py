"""The evidence bundle of an address: every permission it gave an account, and what each rests on (clause 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import Confirm, SubscriptionStatus
from relay.adapters.store.contacts import contact_id_of, contact_row
from relay.adapters.store.engine import Engine, from_us, optional_at
from relay.adapters.store.history import ConsentEvent, consent_history
from relay.adapters.store.names import NotFound, account_id_of
from relay.adapters.store.noes import EVERY_LIST, No, standing_noes
from relay.adapters.tables import import_batch, mailing_list, subscription


@dataclass(frozen=True, slots=True)
class ImportEvidence:
    """What the batch of an imported address says of it."""

    importer: str
    file_hash: str
    imported_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubscriptionRecord:
    """One subscription with all it rests on."""

    list_name: str
    confirm: Confirm
    status: SubscriptionStatus
    refused_rule: str
    basis: str
    source: str
    consented_at: datetime | None
    consent_ip: str
    confirmed_at: datetime | None
    last_contact_at: datetime | None
    claimed_status: str
    recorded_by: str
    created_at: datetime
    batch_id: int
    batch: ImportEvidence | None
    no: No | None
    """The suppression that stands for this list."""
    events: tuple[ConsentEvent, ...]
    """The consent record of this list, and of what concerned every list."""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """All that an account knows of one address."""

    account: str
    address: str
    address_key: str
    name: str
    subscriptions: tuple[SubscriptionRecord, ...]
    no: No | None
    """A suppression that stands for everything the account sends."""


class Evidence:
    """Reads bundles; one consistent view a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def show(self, account_name: str, address: Address) -> PersonRecord:
        """All that an account knows of an address; NotFound where that is nothing."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            contact_id = await contact_id_of(connection, account_id, address)
            wide = (await standing_noes(connection, account_id, EVERY_LIST, [address.key])).get(address.key)
            if contact_id:
                return await _person(connection, account_name, account_id, contact_id, wide)
        if wide is None:
            raise NotFound(f"{account_name} knows nothing of {address}")
        return PersonRecord(account_name, str(address), address.key, "", (), wide)


async def _person(
    connection: AsyncConnection, account_name: str, account_id: int, contact_id: int, wide: No | None
) -> PersonRecord:
    key, typed, name = await contact_row(connection, account_id, contact_id)
    events = await consent_history(connection, account_id, contact_id)
    subscriptions = await _subscriptions(connection, account_id, contact_id, key, events)
    return PersonRecord(account_name, typed, key, name, subscriptions, wide)


async def _subscriptions(
    connection: AsyncConnection, account_id: int, contact_id: int, key: str, events: Sequence[ConsentEvent]
) -> tuple[SubscriptionRecord, ...]:
    table = subscription.c
    on_list = and_(mailing_list.c.account_id == table.account_id, mailing_list.c.list_id == table.list_id)
    of_batch = and_(import_batch.c.account_id == table.account_id, import_batch.c.batch_id == table.batch_id)
    statement = (
        select(
            subscription,
            mailing_list.c.name.label("list_name"),
            mailing_list.c.confirm,
            import_batch.c.actor,
            import_batch.c.file_hash,
            import_batch.c.started_at,
        )
        .select_from(subscription.join(mailing_list, on_list).outerjoin(import_batch, of_batch))
        .where(table.account_id == account_id, table.contact_id == contact_id)
        .order_by(mailing_list.c.name)
    )
    return tuple(
        [
            _record(row, (await standing_noes(connection, account_id, row.list_id, [key])).get(key), events)
            for row in (await connection.execute(statement)).all()
        ]
    )


def _record(row: Row[tuple[object, ...]], no: No | None, events: Sequence[ConsentEvent]) -> SubscriptionRecord:
    one = row._mapping
    batch = (
        ImportEvidence(one["actor"], one["file_hash"], optional_at(one["started_at"])) if one["batch_id"] else None
    )
    return SubscriptionRecord(
        list_name=one["list_name"],
        confirm=Confirm(one["confirm"]),
        status=SubscriptionStatus(one["status"]),
        refused_rule=one["refused_rule"],
        basis=one["basis"],
        source=one["source"],
        consented_at=optional_at(one["consented_at"]),
        consent_ip=one["consent_ip"],
        confirmed_at=optional_at(one["confirmed_at"]),
        last_contact_at=optional_at(one["last_contact_at"]),
        claimed_status=one["claimed_status"],
        recorded_by=one["recorded_by"],
        created_at=from_us(one["created_at"]),
        batch_id=one["batch_id"],
        batch=batch,
        no=no,
        events=tuple(event for event in events if event.list_id in (EVERY_LIST, one["list_id"])),
    )
