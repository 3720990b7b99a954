"""Names to ids inside a caller's transaction, and the two ways in which the store says no."""

from __future__ import annotations

import secrets

from sqlalchemy import Insert, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.tables import account, mailing_list


class NotFound(Exception):
    """What was named is not there; the text is fit for a person."""


class NotAllowed(Exception):
    """It is there, and the policy or its state does not permit this; the text says why."""


async def account_id_of(connection: AsyncConnection, name: str) -> int:
    """The id of an account; NotFound where there is none of that name."""
    found = await connection.scalar(select(account.c.account_id).where(account.c.name == name))
    if found is None:
        raise NotFound(f"no account is named {name}")
    return int(found)


async def list_id_of(connection: AsyncConnection, account_id: int, name: str) -> int:
    """The id of an account's list; NotFound where it has none of that name."""
    statement = select(mailing_list.c.list_id).where(
        mailing_list.c.account_id == account_id, mailing_list.c.name == name
    )
    found = await connection.scalar(statement)
    if found is None:
        raise NotFound(f"the account has no list named {name}")
    return int(found)


def fresh_id(bits: int) -> int:
    """A random id of at most so many bits, never 0 and never handed out twice in practice."""
    return secrets.randbelow((1 << bits) - 1) + 1


def fresh_ids(count: int) -> range:
    """So many ids of at most 63 bits, from a random one on: neighbours in the store, as they were made together."""
    start = secrets.randbelow((1 << 63) - count - 1) + 1
    return range(start, start + count)


def insert_missing(connection: AsyncConnection, table: Table) -> Insert:
    """An INSERT that leaves rows alone which are there already, in the words of the store's own SQL."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
