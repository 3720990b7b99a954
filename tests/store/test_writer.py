from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import ON_SQLITE

from relay.adapters.store.engine import PRAGMAS
from relay.adapters.store.hot import Query, Statements
from relay.adapters.store.hot_sqlite import SqliteWriteConnection
from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.writer import Writer
from relay.ports import StoreFull, StoreUnavailable

COUNT = Query[tuple[int]]("SELECT COUNT(*) FROM generation")


def insert(topic: str) -> Callable[[Statements], str]:
    def job(statements: Statements) -> str:
        statements.execute("INSERT INTO generation (topic, number) VALUES (?, 1)", (topic,))
        return topic

    return job


def broken(statements: Statements) -> None:
    statements.execute("INSERT INTO generation (topic, number) VALUES ('half', 1)")
    raise LookupError("the job's own failure")


def path_of(store: MailStore) -> Path:
    return Path(store.engine.url.database or "")


async def test_a_job_is_durable_and_visible_to_readers_when_it_returns(store: MailStore) -> None:
    assert await store.writer.run(insert("one")) == "one"
    assert await store.reader.fetch(COUNT) == [(1,)]


async def test_all_jobs_that_wait_share_one_transaction(store: MailStore) -> None:
    await store.writer.run(insert("first"))
    gate = threading.Event()
    before = store.writer.transactions
    blocking = asyncio.create_task(store.writer.run(lambda _: gate.wait(5)))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(store.writer.run(insert(f"t{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(blocking, *waiting)
    assert store.writer.transactions - before <= 2
    assert await store.reader.fetch(COUNT) == [(51,)]


async def test_a_job_that_fails_takes_nobody_with_it_and_leaves_nothing(store: MailStore) -> None:
    results = await asyncio.gather(
        store.writer.run(insert("a")),
        store.writer.run(broken),
        store.writer.run(insert("a")),
        store.writer.run(insert("b")),
        return_exceptions=True,
    )
    assert results[0] == "a"
    assert results[3] == "b"
    assert isinstance(results[1], LookupError)
    assert isinstance(results[2], StoreUnavailable)
    assert await store.reader.fetch(COUNT) == [(2,)]


async def test_a_caller_who_gives_up_does_not_stop_the_job(store: MailStore) -> None:
    gate = threading.Event()

    def slow(statements: Statements) -> None:
        gate.wait(5)
        statements.execute("INSERT INTO generation (topic, number) VALUES ('kept', 1)")

    task = asyncio.create_task(store.writer.run(slow))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    await store.writer.run(insert("after"))
    assert await store.reader.fetch(COUNT) == [(2,)]


@ON_SQLITE
async def test_a_lock_held_by_another_process_makes_the_store_unavailable_not_the_loop_wait(store: MailStore) -> None:
    other = sqlite3.connect(path_of(store), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    loop = asyncio.get_running_loop()
    started = loop.time()
    job = asyncio.create_task(store.writer.run(insert("late")))
    assert await store.reader.fetch(COUNT) == [(0,)]
    with pytest.raises(StoreUnavailable, match="locked"):
        await job
    assert 1.5 < loop.time() - started < 3.0
    other.execute("ROLLBACK")
    other.close()
    await store.writer.run(insert("later"))


@ON_SQLITE
async def test_a_store_file_that_was_taken_away_is_not_written_behind_everyones_back(store: MailStore) -> None:
    await store.writer.run(insert("one"))
    path = path_of(store)
    path.rename(path.with_suffix(".away"))
    with pytest.raises(StoreUnavailable):
        await store.writer.run(insert("two"))
    path.with_suffix(".away").rename(path)
    await store.writer.run(insert("three"))
    assert await store.reader.fetch(COUNT) == [(2,)]


async def test_closing_writes_what_waits_and_refuses_what_comes_later(store: MailStore) -> None:
    task = asyncio.create_task(store.writer.run(insert("last")))
    await asyncio.sleep(0)
    await asyncio.to_thread(store.writer.close)
    assert await task == "last"
    with pytest.raises(StoreUnavailable):
        await store.writer.run(insert("too late"))


@ON_SQLITE
async def test_a_full_disk_fails_what_does_not_fit_and_keeps_the_store_usable(store: MailStore) -> None:
    writer = Writer(lambda: SqliteWriteConnection(path_of(store), (*PRAGMAS, "PRAGMA max_page_count=120")))
    big = "INSERT INTO spool_bytes (account_id, ref, raw) VALUES (1, 'R', ?)"
    with pytest.raises(StoreFull):
        await writer.run(lambda statements: statements.execute(big, (b"x" * 1_000_000,)))
    await writer.run(insert("small"))
    writer.close()
    assert await store.reader.fetch(COUNT) == [(1,)]


async def test_a_file_that_is_no_database_harms_nobody_once_it_is_mended(tmp_path: Path) -> None:
    file, spare, garbage = (tmp_path / name for name in ("relay.db", "spare", "garbage"))
    garbage.write_bytes(b"garbage " * 1024)
    for path in (file, spare):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE generation (topic, number)")
    writer = Writer(lambda: SqliteWriteConnection(file))
    assert await writer.run(insert("before")) == "before"

    put_in_place(garbage, file)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="not a database"):
            await writer.run(insert("meanwhile"))
    put_in_place(spare, file)

    assert await writer.run(insert("after")) == "after"
    writer.close()


def put_in_place(path: Path, file: Path) -> None:
    for companion in ("-wal", "-shm"):
        file.with_name(file.name + companion).unlink(missing_ok=True)
    path.replace(file)


class FailingSync(SqliteWriteConnection):
    """A disk whose sync fails: what it holds is unknown from then on (RELIABILITY.md row 61)."""

    def commit(self) -> None:
        self.rollback()
        raise OSError(5, "Input/output error")


@ON_SQLITE
async def test_after_a_failed_sync_nothing_is_tried_again(store: MailStore) -> None:
    writer = Writer(lambda: FailingSync(path_of(store)))
    with pytest.raises(StoreUnavailable):
        await writer.run(insert("one"))
    with pytest.raises(StoreUnavailable):
        await writer.run(insert("two"))
    writer.close()
    assert writer.transactions == 0
    assert await store.reader.fetch(COUNT) == [(0,)]
