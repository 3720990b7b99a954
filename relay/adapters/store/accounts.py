"""Accounts: who they are, as they registered and as staff may change them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import Standing
from relay.adapters.store.engine import Engine, optional_at, to_us
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.history import Act
from relay.adapters.store.names import NotAllowed, NotFound, account_id_of, fresh_id
from relay.adapters.store.standings import accept, settle
from relay.adapters.tables import account, domain, footer_identity, mailing_list
from relay.enforcement.standing import Standings

REGISTERED = "registered"
"""Name of an account's own footer identity."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as it registers."""

    name: str
    organisation: str
    email: Address
    country: str
    industry: str
    postal_address: str = ""
    accepted: str = ""
    """How the policy was accepted, for the record ('on paper'); empty: it was not."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What to change; None leaves a thing as it is."""

    organisation: str | None = None
    email: Address | None = None
    postal_address: str | None = None
    country: str | None = None
    industry: str | None = None
    per_day: int | None = None
    """Copies a day; 0 lifts the cap."""
    sealed_mail: bool | None = None
    """Whether mail that only its reader can open may leave."""
    accepted: str = ""
    """How the policy was accepted; empty: nothing new."""


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """All that is kept of one account."""

    account_id: int
    name: str
    organisation: str
    email: str
    postal_address: str
    country: str
    industry: str
    standings: Standings
    standing_reason: str
    policy_version: str
    policy_accepted_at: datetime | None
    policy_accepted_how: str
    approved: bool
    per_day: int | None
    sealed_mail: bool
    created_at: datetime | None
    domains: tuple[str, ...]
    """Verified ones, A-labels."""
    lists: tuple[str, ...]


class Accounts:
    """The accounts of a store; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, new: NewAccount, act: Act) -> AccountRecord:
        """Register an account; pending until it owes nothing. NotAllowed where the name is taken."""
        async with self._engine.begin() as connection:
            account_id = fresh_id(31)
            await _insert(connection, account_id, new, act)
            if new.accepted:
                await accept(connection, account_id, new.accepted, act)
            await settle(connection, account_id, act)
            await bump(connection, DIRECTORY)
            return await _record(connection, new.name)

    async def show(self, name: str) -> AccountRecord:
        """One account; NotFound where there is none."""
        async with self._engine.connect() as connection:
            return await _record(connection, name)

    async def all(self) -> list[AccountRecord]:
        """Every account, by name."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_accounts().order_by(account.c.name))).all()
            return [await _filled(connection, row) for row in rows]

    async def change(self, name: str, change: AccountChange, act: Act) -> AccountRecord:
        """Change what was named; an account that owes nothing any more leaves the sandbox by that."""
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, name)
            await _update_account(connection, account_id, change)
            await _update_footer(connection, account_id, change)
            if change.accepted:
                await accept(connection, account_id, change.accepted, act)
            await settle(connection, account_id, act)
            await bump(connection, DIRECTORY)
            return await _record(connection, name)

    async def public_name(self, account_id: int) -> str | None:
        """What recipients know the account by: its organisation."""
        statement = select(account.c.organisation, account.c.name).where(account.c.account_id == account_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else row.organisation or row.name


async def _insert(connection: AsyncConnection, account_id: int, new: NewAccount, act: Act) -> None:
    try:
        await connection.execute(
            insert(account).values(
                account_id=account_id,
                name=new.name,
                organisation=new.organisation,
                email=str(new.email),
                country=new.country,
                industry=new.industry,
                standing_system=Standing.PENDING.value,
                standing_staff=Standing.ACTIVE.value,
                created_at=to_us(act.at),
            )
        )
    except IntegrityError:
        raise NotAllowed(f"there is an account named {new.name} already") from None
    await connection.execute(
        insert(footer_identity).values(
            account_id=account_id,
            name=REGISTERED,
            organisation=new.organisation,
            postal_address=new.postal_address,
            country=new.country,
            confirmed_at=to_us(act.at) if new.postal_address else None,
        )
    )


async def _update_account(connection: AsyncConnection, account_id: int, change: AccountChange) -> None:
    values: dict[str, str | int | None] = {
        name: value
        for name, value in (
            ("organisation", change.organisation),
            ("email", str(change.email) if change.email else None),
            ("country", change.country),
            ("industry", change.industry),
        )
        if value is not None
    }
    if change.per_day is not None:
        values["per_day"] = change.per_day or None
    if change.sealed_mail is not None:
        values["sealed_mail"] = change.sealed_mail
    if values:
        await connection.execute(update(account).where(account.c.account_id == account_id).values(**values))


async def _update_footer(connection: AsyncConnection, account_id: int, change: AccountChange) -> None:
    values = {
        name: value
        for name, value in (
            ("organisation", change.organisation),
            ("postal_address", change.postal_address),
            ("country", change.country),
        )
        if value is not None
    }
    registered = (footer_identity.c.account_id == account_id) & (footer_identity.c.name == REGISTERED)
    if values:
        await connection.execute(update(footer_identity).where(registered).values(**values))


def _accounts() -> Select[tuple[object, ...]]:
    registered = (footer_identity.c.account_id == account.c.account_id) & (footer_identity.c.name == REGISTERED)
    return select(account, footer_identity.c.postal_address).select_from(
        account.outerjoin(footer_identity, registered)
    )


async def _record(connection: AsyncConnection, name: str) -> AccountRecord:
    row = (await connection.execute(_accounts().where(account.c.name == name))).first()
    if row is None:
        raise NotFound(f"no account is named {name}")
    return await _filled(connection, row)


async def _filled(connection: AsyncConnection, row: Row[tuple[object, ...]]) -> AccountRecord:
    one = row._mapping
    domains = select(domain.c.domain).where(
        domain.c.account_id == one["account_id"], domain.c.verified_at.is_not(None)
    )
    lists = select(mailing_list.c.name).where(mailing_list.c.account_id == one["account_id"])
    return AccountRecord(
        account_id=one["account_id"],
        name=one["name"],
        organisation=one["organisation"],
        email=one["email"],
        postal_address=one["postal_address"] or "",
        country=one["country"],
        industry=one["industry"],
        standings=Standings(Standing(one["standing_system"]), Standing(one["standing_staff"])),
        standing_reason=one["standing_reason"],
        policy_version=one["policy_version"],
        policy_accepted_at=optional_at(one["policy_accepted_at"]),
        policy_accepted_how=one["policy_accepted_how"],
        approved=bool(one["approved"]),
        per_day=one["per_day"],
        sealed_mail=bool(one["sealed_mail"]),
        created_at=optional_at(one["created_at"]),
        domains=_names(await connection.scalars(domains.order_by(domain.c.domain))),
        lists=_names(await connection.scalars(lists.order_by(mailing_list.c.name))),
    )


def _names(rows: Iterable[str]) -> tuple[str, ...]:
    return tuple(rows)
