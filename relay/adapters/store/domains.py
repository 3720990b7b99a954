"""Sending domains and the proof that an account owns them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from relay.adapters.store.engine import Engine, from_us, optional_at, to_us
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.history import Act
from relay.adapters.store.names import NotAllowed, NotFound, account_id_of
from relay.adapters.tables import domain

TOKEN_LABEL = "_relay-verify"
"""The TXT record with an account's token stands at this label below the domain."""
_TOKEN_PREFIX = "relay-verify="


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """One domain of one account."""

    domain: str
    """A-labels, lower case."""
    token: str
    """The whole TXT text to publish."""
    added_at: datetime
    verified_at: datetime | None
    verified_how: str

    @property
    def record_name(self) -> str:
        """Where the token is published."""
        return f"{TOKEN_LABEL}.{self.domain}"


def a_labels(text: str) -> str:
    """A domain as typed in its one ASCII spelling; AddressFault where it is none."""
    return Address.parse(f"postmaster@{text.strip().rstrip('.')}").domain


class Domains:
    """The domains of all accounts; one transaction a call. Domains are given as A-labels."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, account_name: str, name: str, act: Act) -> DomainRecord:
        """Note a domain, unverified, with a token of its own; one noted before comes back as it is."""
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, account_name)
            await _refuse_foreign(connection, account_id, name)
            found = await _find(connection, account_id, name)
            if found is not None:
                return found
            token = _TOKEN_PREFIX + secrets.token_hex(16)
            await connection.execute(
                insert(domain).values(account_id=account_id, domain=name, token=token, added_at=to_us(act.at))
            )
            return DomainRecord(name, token, act.at, None, "")

    async def show(self, account_name: str, name: str) -> DomainRecord:
        """One domain; NotFound where the account has not added it."""
        async with self._engine.connect() as connection:
            found = await _find(connection, await account_id_of(connection, account_name), name)
        if found is None:
            raise NotFound(f"{account_name} has not added {name}")
        return found

    async def of(self, account_name: str) -> list[DomainRecord]:
        """The account's domains, by name."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            statement = select(domain).where(domain.c.account_id == account_id).order_by(domain.c.domain)
            return [_record(row) for row in await connection.execute(statement)]

    async def verified(self) -> list[str]:
        """Every domain that some account has proved, by name."""
        async with self._engine.connect() as connection:
            statement = select(domain.c.domain).where(domain.c.verified_at.is_not(None)).distinct()
            return sorted((await connection.execute(statement)).scalars())

    async def verify(self, account_name: str, name: str, how: str, act: Act) -> DomainRecord:
        """Mark a domain as owned; NotAllowed where another account has proved it, or a parent of it."""
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, account_name)
            if await _find(connection, account_id, name) is None:
                raise NotFound(f"{account_name} has not added {name}")
            await _refuse_foreign(connection, account_id, name)
            this = (domain.c.account_id == account_id) & (domain.c.domain == name)
            values = {"verified_at": to_us(act.at), "verified_how": how}
            await connection.execute(update(domain).where(this).values(**values))
            await bump(connection, DIRECTORY)
            return _record((await connection.execute(select(domain).where(this))).one())


async def _find(connection: AsyncConnection, account_id: int, name: str) -> DomainRecord | None:
    statement = select(domain).where(domain.c.account_id == account_id, domain.c.domain == name)
    row = (await connection.execute(statement)).first()
    return None if row is None else _record(row)


async def _refuse_foreign(connection: AsyncConnection, account_id: int, name: str) -> None:
    """Clause 5.3: a domain and all below it speak for one account, whoever proved it first."""
    statement = select(domain.c.domain).where(
        domain.c.domain.in_(_with_parents(name)),
        domain.c.account_id != account_id,
        domain.c.verified_at.is_not(None),
    )
    taken = await connection.scalar(statement.limit(1))
    if taken is not None:
        raise NotAllowed(f"another account has verified {taken}")


def _with_parents(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def _record(row: Row[tuple[object, ...]]) -> DomainRecord:
    one = row._mapping
    return DomainRecord(
        one["domain"],
        one["token"],
        from_us(one["added_at"]),
        optional_at(one["verified_at"]),
        one["verified_how"],
    )
