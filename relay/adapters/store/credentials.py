"""SMTP logins: of accounts (ACCOUNT/NAME) and of the platform's own senders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.facts import Stream
from relay.adapters.store.directory import how_refused
from relay.adapters.store.engine import Engine, from_us, optional_at, to_us
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.history import Act
from relay.adapters.store.names import NotAllowed, NotFound, account_id_of, fresh_id, list_id_of
from relay.adapters.tables import credential, mailing_list
from relay.transaction import Refuse

PLATFORM = ""
"""In place of an account's name: a platform credential."""


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """One login, without its secret."""

    account: str
    """Empty: a platform credential."""
    name: str
    stream: str
    list_name: str
    created_at: datetime
    revoked_at: datetime | None
    reason: str = ""
    """Why staff granted another stream than marketing."""
    granted_by: str = ""
    refuse: Refuse = "at-once"

    @property
    def login(self) -> str:
        """What the mail program gives as user name."""
        return f"{self.account}/{self.name}" if self.account else self.name


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login may send and how it hears of refusals."""

    stream: Stream = Stream.MARKETING
    reason: str = ""
    refuse: Refuse | None = None
    """None: as the stream has it."""


class Credentials:
    """The logins of all accounts; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(
        self, account_name: str, name: str, password_hash: str, list_name: str, act: Act, grant: Grant | None = None
    ) -> CredentialRecord:
        """A new login; a revoked one of that name gives way, NotAllowed where one is in use."""
        given = grant or Grant()
        granted_by = "" if given.stream is Stream.MARKETING else act.by
        async with self._engine.begin() as connection:
            account_id = await _owner(connection, account_name)
            list_id = await list_id_of(connection, account_id, list_name) if list_name else 0
            await _make_room(connection, account_id, name)
            await connection.execute(
                insert(credential).values(
                    account_id=account_id,
                    credential_id=fresh_id(63),
                    name=name,
                    password_hash=password_hash,
                    list_id=list_id,
                    stream=given.stream.value,
                    stream_reason=given.reason,
                    granted_by=granted_by,
                    refuse=given.refuse or "",
                    created_at=to_us(act.at),
                )
            )
            await bump(connection, DIRECTORY)
        refuse = how_refused(given.stream, given.refuse or "")
        stream = given.stream.value
        return CredentialRecord(account_name, name, stream, list_name, act.at, None, given.reason, granted_by, refuse)

    async def of(self, account_name: str) -> list[CredentialRecord]:
        """The account's logins by name, revoked ones too."""
        async with self._engine.connect() as connection:
            account_id = await _owner(connection, account_name)
            joined = credential.outerjoin(
                mailing_list,
                (mailing_list.c.account_id == credential.c.account_id)
                & (mailing_list.c.list_id == credential.c.list_id),
            )
            statement = (
                select(credential, mailing_list.c.name.label("list_name"))
                .select_from(joined)
                .where(credential.c.account_id == account_id)
                .order_by(credential.c.name)
            )
            rows = (await connection.execute(statement)).all()
        return [
            CredentialRecord(
                account_name,
                row.name,
                row.stream,
                row.list_name or "",
                from_us(row.created_at),
                optional_at(row.revoked_at),
                row.stream_reason,
                row.granted_by,
                how_refused(Stream(row.stream), row.refuse),
            )
            for row in rows
        ]

    async def revoke(self, account_name: str, name: str, act: Act) -> None:
        """End a login; NotFound where there is none in use by that name."""
        async with self._engine.begin() as connection:
            account_id = await _owner(connection, account_name)
            live = (
                (credential.c.account_id == account_id)
                & (credential.c.name == name)
                & credential.c.revoked_at.is_(None)
            )
            done = await connection.execute(update(credential).where(live).values(revoked_at=to_us(act.at)))
            if done.rowcount == 0:
                raise NotFound(f"no credential in use is named {name}")
            await bump(connection, DIRECTORY)


async def _owner(connection: AsyncConnection, account_name: str) -> int:
    return 0 if account_name == PLATFORM else await account_id_of(connection, account_name)


async def _make_room(connection: AsyncConnection, account_id: int, name: str) -> None:
    named = (credential.c.account_id == account_id) & (credential.c.name == name)
    row = (await connection.execute(select(credential.c.revoked_at).where(named))).first()
    if row is None:
        return
    if row.revoked_at is None:
        raise NotAllowed(f"there is a credential named {name} already; revoke it first")
    await connection.execute(delete(credential).where(named))
