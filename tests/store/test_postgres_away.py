from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from postgres_server import PASSWORD, PostgresServer
from sqlalchemy import text
from store_clock import MARCH_1, SetClock
from stores import ON_POSTGRES, put

from relay.adapters.store.engine import open_store, parse_url
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.hot import Query, Statements
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.adapters.store.schema import SchemaState, check
from relay.identifiers import new_ref
from relay.journal import LineJournal
from relay.ports import Event, StoreUnavailable

ACME = 7


@pytest.mark.faults
async def test_a_stopped_server_is_unavailable_at_once_and_comes_back_alone(
    breakable: MailStore, own_server: PostgresServer
) -> None:
    await put(breakable, "one")
    await asyncio.to_thread(own_server.stop)
    started = time.monotonic()
    await unavailable(breakable)
    assert time.monotonic() - started < 2.0
    await asyncio.to_thread(own_server.start)
    await back(breakable)


@pytest.mark.faults
async def test_a_frozen_server_is_unavailable_in_time_and_comes_back_alone(
    breakable: MailStore, own_server: PostgresServer
) -> None:
    await put(breakable, "one")
    started = time.monotonic()
    with own_server.frozen():
        await unavailable(breakable)
        assert time.monotonic() - started < 3.5
    await back(breakable)


async def unavailable(store: MailStore) -> None:
    """Reading, writing and the cold path say so, all of them."""

    async def cold() -> None:
        async with store.engine.begin() as connection:
            await bump(connection, DIRECTORY)

    results = await asyncio.gather(store.probe(), put(store, "two"), cold(), return_exceptions=True)
    assert [type(one) for one in results] == [StoreUnavailable] * 3
    assert PASSWORD not in repr(results)


async def back(store: MailStore) -> None:
    for _ in range(50):
        try:
            await store.probe()
            await put(store, new_ref())
        except StoreUnavailable:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the store did not come back")


@pytest.mark.faults
async def test_rows_of_the_journal_wait_for_a_server_that_is_away(
    breakable: MailStore, own_server: PostgresServer
) -> None:
    await put(breakable, "one")
    await asyncio.to_thread(own_server.stop)
    LineJournal("n", [], breakable.journal).write(Event("unsubscribe", new_ref(), MARCH_1, account_id=ACME))
    with pytest.raises(StoreUnavailable):
        await put(breakable, "two")
    await asyncio.to_thread(own_server.start)
    await back(breakable)
    assert await breakable.reader.fetch(Query[tuple[int]]("SELECT COUNT(*) FROM journal")) == [(1,)]
    assert breakable.journal.lost() == 0


async def test_a_socket_is_named_by_its_folder(postgres: PostgresServer) -> None:
    url = await asyncio.to_thread(lambda: postgres.fresh(migrated=True))
    name = url.rpartition("/")[2]
    store = open_store(postgres.socket_url(name))
    assert await check(store) is SchemaState.CURRENT
    await store.close()
    mail = open_mail_store(postgres.socket_url(name), SetClock(), timedelta(minutes=15))
    await mail.probe()
    await put(mail, "one")
    await mail.close()


async def test_a_wrong_password_is_told_without_naming_it(postgres: PostgresServer) -> None:
    url = postgres.url("postgres").replace(PASSWORD, "hunter2-wrong")
    store = open_mail_store(url, SetClock(), timedelta(minutes=15))
    with pytest.raises(StoreUnavailable, match="password authentication failed") as failure:
        await store.probe()
    assert "hunter2" not in repr(failure.value)
    assert "hunter2" not in repr(store)
    await store.close()


@ON_POSTGRES
async def test_every_promise_is_flushed_whatever_the_server_s_default(store: MailStore, url: str) -> None:
    async with store.engine.begin() as connection:
        name = parse_url(url).database
        await connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))
    shown = await store.writer.run(_shown)
    assert shown == [("on",), ("read committed",)]


def _shown(statements: Statements) -> list[tuple[str]]:
    names = ("synchronous_commit", "transaction_isolation")
    return [statements.fetch(Query[tuple[str]](f"SHOW {name}"))[0] for name in names]
