"""An older store: brought up to date by itself, copied first, whole after a kill; only additions go unasked."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, text
from stores import ON_SQLITE

from config.schema import Settings, Store
from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.schema import SchemaState, breaking, check, configuration, newest
from relay.premises import NotServable, Premises

OLD = "0003"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
KILLED = """
import asyncio, os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine as Library
from relay.adapters.store.engine import open_store
from relay.adapters.store.schema import upgrade

left = int(sys.argv[2])

@event.listens_for(Library, "after_cursor_execute")
def count(connection, cursor, statement, parameters, context, many):
    global left
    left -= not statement.startswith(("SELECT", "PRAGMA"))
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(upgrade(open_store(sys.argv[1])))
"""
"""The upgrade, killed after so many statements that change something."""


def to_revision(connection: Connection, revision: str) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def old_store(url: str) -> Engine:
    """A store as an earlier release left it, with a row."""
    engine = open_store(url)
    async with engine.begin() as connection:
        await connection.run_sync(to_revision, OLD)
        await connection.execute(text("INSERT INTO generation (topic, number) VALUES ('kept', 7)"))
    return engine


async def kept(engine: Engine) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(text("SELECT number FROM generation WHERE topic = 'kept'")) or 0)


def premises(url: str, tmp_path: Path) -> Premises:
    return Premises(Settings(data_dir=tmp_path / "var", store=Store(url)), NOW)


async def test_a_start_brings_an_older_store_up_to_date_and_keeps_its_rows(url: str, tmp_path: Path) -> None:
    engine = await old_store(url)
    assert await check(engine) is SchemaState.OLDER

    said = await premises(url, tmp_path).ready()

    assert "brought up to date" in said
    assert await check(engine) is SchemaState.CURRENT
    assert await kept(engine) == 7
    assert await premises(url, tmp_path).ready() == ""
    await engine.close()


@ON_SQLITE
async def test_the_older_file_is_copied_first_and_is_the_way_back(url: str, tmp_path: Path) -> None:
    engine = await old_store(url)
    said = await premises(url, tmp_path).ready()
    await engine.close()

    copy = tmp_path / f"relay.db.before-{newest()}"
    assert str(copy) in said
    with closing(sqlite3.connect(copy)) as store:
        assert store.execute("SELECT version_num FROM alembic_version").fetchone() == (OLD,)
        assert store.execute("SELECT number FROM generation").fetchone() == (7,)
    assert copy.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("statements", [1, 3, 6])
async def test_a_migration_killed_half_way_is_done_by_the_next_start(
    url: str, tmp_path: Path, statements: int
) -> None:
    engine = await old_store(url)
    script = [sys.executable, "-c", KILLED, url, str(statements)]
    done = await asyncio.to_thread(subprocess.run, script, timeout=60, check=False, env=dict(os.environ))

    assert done.returncode == -signal.SIGKILL
    assert await check(engine) is SchemaState.OLDER, "all or nothing"
    assert await kept(engine) == 7
    await premises(url, tmp_path).ready()
    assert await check(engine) is SchemaState.CURRENT
    assert await kept(engine) == 7
    await engine.close()


async def test_a_store_without_its_ring_is_not_served_and_no_ring_is_made(url: str, tmp_path: Path) -> None:
    await premises(url, tmp_path).ready()
    (tmp_path / "var" / "keys" / "001.key").unlink()

    with pytest.raises(NotServable, match="key 001 is missing"):
        await premises(url, tmp_path).ready()

    assert not list((tmp_path / "var" / "keys").iterdir())


async def test_another_ring_is_not_taken_for_the_store_s(url: str, tmp_path: Path) -> None:
    await premises(url, tmp_path).ready()
    (tmp_path / "var" / "keys" / "001.key").write_bytes(b"k" * 32)

    with pytest.raises(NotServable, match="key 001 is another key"):
        await premises(url, tmp_path).ready()


FUTURE = """
revision = "9000"
down_revision = "{head}"
ADDITIONS_ONLY = False

def upgrade():
    pass
"""


@ON_SQLITE
async def test_a_change_that_is_no_addition_waits_for_a_person(url: str, tmp_path: Path) -> None:
    engine = await old_store(url)
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "9000_future.py").write_text(FUTURE.format(head=newest()))

    assert await breaking(engine) == []
    assert await breaking(engine, configuration(tmp_path / "versions")) == ["9000"]
    await engine.close()
