from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text
from stores import ON_SQLITE

from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.generation import bump
from relay.adapters.store.schema import SchemaState, check, upgrade
from relay.adapters.tables import metadata
from relay.ports import StoreUnavailable


def shape(connection: Connection) -> dict[str, list[str]]:
    """Each table with its columns, keys and indexes, in words that can be compared."""
    looked = inspect(connection)
    return {
        name: sorted(
            [f"{one['name']} {one['type']} {one['nullable']} {one['default']}" for one in looked.get_columns(name)]
            + [str(looked.get_pk_constraint(name)["constrained_columns"])]
            + [str(one["column_names"]) for one in looked.get_unique_constraints(name)]
            + [f"{one['name']} {one['column_names']}" for one in looked.get_indexes(name)]
        )
        for name in looked.get_table_names()
        if name != "alembic_version"
    }


async def test_the_migrations_make_exactly_the_tables_the_program_uses(engine: Engine) -> None:
    async with engine.connect() as connection:
        migrated = await connection.run_sync(shape)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
        declared = await connection.run_sync(shape)
    assert migrated == declared
    assert set(migrated) == set(metadata.tables)


async def test_a_new_store_is_empty_and_current_once_upgraded(url: str) -> None:
    store = open_store(url)
    assert await check(store) is SchemaState.EMPTY
    await upgrade(store)
    assert await check(store) is SchemaState.CURRENT
    await store.close()


async def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    await upgrade(engine)
    assert await check(engine) is SchemaState.CURRENT


async def test_a_store_of_a_later_release_is_recognised(engine: Engine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert await check(engine) is SchemaState.NEWER


async def bump_and_fail(engine: Engine) -> None:
    async with engine.begin() as connection:
        await bump(connection, "x")
        raise LookupError


async def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(LookupError):
        await bump_and_fail(engine)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM generation"))).scalar() == 0


async def test_a_broken_statement_counts_as_the_store_being_unavailable(engine: Engine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE alembic_version"))
        await connection.execute(text("CREATE TABLE alembic_version (void TEXT)"))
    with pytest.raises(StoreUnavailable):
        await check(engine)


@pytest.mark.parametrize("url", ["mysql://localhost/x", "no url", "sqlite://", "sqlite:////proc/none/relay.db"])
def test_what_cannot_be_a_store_is_unavailable(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        open_store(url)


@ON_SQLITE
async def test_every_commit_is_synchronous_and_the_journal_is_written_ahead(engine: Engine) -> None:
    async with engine.connect() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == 2


@ON_SQLITE
async def test_the_store_file_is_its_owners_alone(engine: Engine) -> None:
    path = Path(engine.url.database or "")
    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.glob("relay.db*")} == {0o600}


@ON_SQLITE
async def test_one_sqlite_library_serves_every_path(engine: Engine) -> None:
    async with engine.connect() as connection:
        used = (await connection.execute(text("SELECT sqlite_version()"))).scalar()
    assert used == sqlite3.sqlite_version
