"""Suppressions as recipients make them and as staff see them (clauses 3.1 and 5.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import SuppressionReason
from relay.adapters.store.contacts import contact_id_of, made_contact
from relay.adapters.store.dated_noes import keep_dated
from relay.adapters.store.engine import Engine, from_us
from relay.adapters.store.history import Act, record_consent
from relay.adapters.store.names import NotAllowed, NotFound, account_id_of, list_id_of
from relay.adapters.store.noes import (
    BY_STAFF,
    EVERY_ACCOUNT,
    EVERY_LIST,
    IMPORTED,
    Wish,
    exactly,
    keep,
    lift,
)
from relay.adapters.tables import account, contact, mailing_list, suppression
from relay.ports import Clock


@dataclass(frozen=True, slots=True)
class SuppressionRecord:
    """One suppression as `suppress list` shows it, lifted ones too."""

    address: str
    list_name: str
    """Empty: everything."""
    all_accounts: bool
    reason: str
    at: datetime
    way: str
    actor: str
    client: str
    token: str
    lifted_at: datetime | None
    lifted_how: str


class People:
    """Opt-outs as recipients make them; each is durable when the call returns."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def subject(
        self, account_id: int, contact_id: int, list_id: int
    ) -> tuple[Address, str, str, str, str] | None:
        """(address, account name, organisation, list name and title or '') or None where the contact is gone."""
        on_list = and_(mailing_list.c.account_id == contact.c.account_id, mailing_list.c.list_id == list_id)
        joined = contact.join(account, account.c.account_id == contact.c.account_id).outerjoin(mailing_list, on_list)
        statement = (
            select(
                contact.c.address,
                account.c.name,
                account.c.organisation,
                mailing_list.c.name.label("list_name"),
                mailing_list.c.title,
            )
            .select_from(joined)
            .where(contact.c.account_id == account_id, contact.c.contact_id == contact_id)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).first()
        if row is None:
            return None
        return Address.parse(row.address), row.name, row.organisation, row.list_name or "", row.title or ""

    async def suppress(
        self,
        account_id: int,
        address: Address,
        list_id: int,
        reason: SuppressionReason,
        way: str,
        client: str,
        token: str,
    ) -> bool:
        """Record one 'no' (account_id 0: every account); whether it is new. Repeating it changes nothing."""
        act = Act("recipient", self._clock.now())
        async with self._engine.begin() as connection:
            return await keep(connection, Wish(account_id, address, list_id, reason, way, act, client, token))


class Suppressions:
    """What staff see and do of suppressions; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, account_name: str, address: Address, list_name: str, why: str, act: Act) -> bool:
        """Suppress an address by staff's hand (account name '': for every account); whether it is new."""
        async with self._engine.begin() as connection:
            account_id, list_id = await _scope(connection, account_name, list_name)
            if account_id:
                await made_contact(connection, account_id, address, "", act.at)
            wish = Wish(account_id, address, list_id, SuppressionReason.OPT_OUT, BY_STAFF, act, why=why)
            return await keep(connection, wish)

    async def take(
        self, account_name: str, list_name: str, said: Sequence[tuple[Address, SuppressionReason, datetime]], by: str
    ) -> int:
        """Keep what another platform's export says (account name '': for every account); how many were new."""
        async with self._engine.begin() as connection:
            account_id, list_id = await _scope(connection, account_name, list_name)
            wishes = [
                Wish(account_id, address, list_id, reason, IMPORTED, Act(by, at)) for address, reason, at in said
            ]
            return await keep_dated(connection, wishes)

    async def remove(self, account_name: str, address: Address, list_name: str, why: str, act: Act) -> None:
        """Lift what staff put in. NotAllowed for a person's own 'no': only a new double opt-in lifts that."""
        async with self._engine.begin() as connection:
            account_id, list_id = await _scope(connection, account_name, list_name)
            this = exactly(account_id, address.key, list_id) & suppression.c.lifted_at.is_(None)
            rows = (await connection.execute(select(suppression).where(this))).all()
            if not rows:
                raise NotFound(f"{address} is not suppressed there")
            own = [row for row in rows if row.way != BY_STAFF]
            if own:
                said = f"{own[0].reason} on {from_us(own[0].at):%d %b %Y} ({own[0].way})"
                raise NotAllowed(f"{address} {said}: only a new double opt-in by the person lifts that")
            await lift(connection, account_id, address, list_id, f"{act.by}: {why}", act.at)
            contact_id = await contact_id_of(connection, account_id, address)
            if contact_id:
                detail = {"by": act.by, "why": why}
                await record_consent(
                    connection, account_id, contact_id, list_id, act.at, "suppression lifted", detail
                )

    async def of(self, account_name: str, address: Address | None) -> list[SuppressionRecord]:
        """Suppressions of an account ('' for those of every account), newest last; of one address or of all."""
        async with self._engine.connect() as connection:
            account_id, _ = await _scope(connection, account_name, "")
            wanted = [EVERY_ACCOUNT, account_id] if address else [account_id]
            scope: ColumnElement[bool] = suppression.c.account_id.in_(wanted)
            if address is not None:
                scope = and_(scope, suppression.c.address_key == address.key)
            on_list = and_(
                mailing_list.c.account_id == suppression.c.account_id, mailing_list.c.list_id == suppression.c.list_id
            )
            statement = (
                select(suppression, mailing_list.c.name.label("list_name"))
                .select_from(suppression.outerjoin(mailing_list, on_list))
                .where(scope)
                .order_by(suppression.c.at, suppression.c.address_key)
            )
            return [
                SuppressionRecord(
                    row.address_key,
                    row.list_name or "",
                    row.account_id == EVERY_ACCOUNT,
                    row.reason,
                    from_us(row.at),
                    row.way,
                    row.actor,
                    row.client,
                    row.token,
                    None if row.lifted_at is None else from_us(row.lifted_at),
                    row.lifted_how,
                )
                for row in await connection.execute(statement)
            ]


async def _scope(connection: AsyncConnection, account_name: str, list_name: str) -> tuple[int, int]:
    if not account_name:
        return EVERY_ACCOUNT, EVERY_LIST
    account_id = await account_id_of(connection, account_name)
    return account_id, await list_id_of(connection, account_id, list_name) if list_name else EVERY_LIST
