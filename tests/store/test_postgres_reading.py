from __future__ import annotations

import asyncio
import contextlib

import pytest
from postgres_server import PostgresServer
from sqlalchemy import insert
from stores import ON_POSTGRES, put

from policies.address import Address
from relay.adapters.store.engine import parse_url
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.hot import Query
from relay.adapters.store.hot_postgres import PostgresReader
from relay.adapters.store.hot_postgres_link import Server
from relay.adapters.store.hot_postgres_news import HeardGeneration
from relay.adapters.store.mail_store import MailStore
from relay.adapters.tables import contact
from relay.ports import StoreUnavailable

ACME = 7
COUNT = Query[tuple[int]]("SELECT COUNT(*) FROM generation")
KEYED = Query[tuple[int]]("SELECT contact_id FROM contact WHERE account_id = ? AND address_key = ?")
NUMBER = Query[tuple[int]]("SELECT number FROM generation WHERE topic = ? LIMIT ?")


def reader_of(store: MailStore) -> PostgresReader:
    assert isinstance(store.reader, PostgresReader)
    return store.reader


@ON_POSTGRES
async def test_look_ups_of_one_turn_are_one_query_and_each_gets_its_own_rows(store: MailStore) -> None:
    async with store.engine.begin() as connection:
        for number in range(1, 41):
            row = {"account_id": ACME, "contact_id": number, "address_key": f"p{number}@example.com"}
            await connection.execute(insert(contact).values(**row, created_at=0))
    reader = reader_of(store)
    await reader.fetch(KEYED, (ACME, "nobody"))
    before = reader.round_trips
    asked = [reader.fetch(KEYED, (ACME, f"p{number}@example.com")) for number in range(50, 0, -1)]
    found = await asyncio.gather(*asked, reader.fetch(KEYED, (ACME, "p1@example.com")))
    assert found == [[]] * 10 + [[(number,)] for number in range(40, 0, -1)] + [[(1,)]]
    assert reader.round_trips - before == 1


@ON_POSTGRES
async def test_many_sessions_asking_for_permission_share_their_round_trips(store: MailStore) -> None:
    reader = reader_of(store)
    await store.permissions.suppressed(ACME, 0, Address.parse("warm@example.com"))
    before = reader.round_trips
    people = [Address.parse(f"p{number}@example.com") for number in range(30)]
    await asyncio.gather(*(store.permissions.suppressed(ACME, 0, one) for one in people))
    assert reader.round_trips - before <= 4


@ON_POSTGRES
async def test_look_ups_with_a_limit_of_their_own_are_asked_one_by_one(store: MailStore) -> None:
    await put(store, "a")
    found = await asyncio.gather(*(store.reader.fetch(NUMBER, ("a", limit)) for limit in (0, 1, 2)))
    assert found == [[], [(1,)], [(1,)]]


@ON_POSTGRES
async def test_a_look_up_that_cannot_be_asked_harms_no_other(store: MailStore) -> None:
    await put(store, "a")
    query = Query[tuple[int]]("SELECT number FROM generation WHERE topic = ?")
    results = await asyncio.gather(
        *(store.reader.fetch(query, (name,)) for name in ("a", "nul\0", "b", "a")), return_exceptions=True
    )
    assert (results[0], results[2], results[3]) == ([(1,)], [], [(1,)])
    assert isinstance(results[1], StoreUnavailable)
    assert await store.reader.fetch(query, ("a",)) == [(1,)]


@ON_POSTGRES
async def test_who_gives_up_waiting_stops_nobody(store: MailStore) -> None:
    waiting = [asyncio.create_task(store.reader.fetch(COUNT)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert results[0] == results[2] == [(0,)]
    assert isinstance(results[1], asyncio.CancelledError)


@ON_POSTGRES
async def test_a_bump_is_heard_without_looking_and_a_bump_undone_is_not(store: MailStore, url: str) -> None:
    heard = HeardGeneration(Server.of(parse_url(url)), DIRECTORY)
    number = await _settled(heard)
    async with store.engine.begin() as connection:
        await bump(connection, "another topic")
    await undone(store)
    assert await heard.number() == number
    async with store.engine.begin() as connection:
        await bump(connection, DIRECTORY)
    assert await _moved(heard, number)
    await heard.close()


async def undone(store: MailStore) -> None:
    with contextlib.suppress(LookupError):
        async with store.engine.begin() as connection:
            await bump(connection, DIRECTORY)
            raise LookupError


async def _settled(heard: HeardGeneration) -> int:
    """The number once somebody listens: it stays."""
    for _ in range(200):
        number = await heard.number()
        await asyncio.sleep(0.01)
        if await heard.number() == number:
            return number
    raise AssertionError("nobody listens")


async def _moved(heard: HeardGeneration, number: int) -> bool:
    for _ in range(200):
        if await heard.number() != number:
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.faults
async def test_while_nobody_listens_nothing_kept_counts(breakable: MailStore, own_server: PostgresServer) -> None:
    heard = breakable.generation
    assert isinstance(heard, HeardGeneration)
    number = await _settled(heard)
    await asyncio.to_thread(own_server.stop)
    assert await _moved(heard, number)
    assert await heard.number() != await heard.number()
    await asyncio.to_thread(own_server.start)
    assert await _settled(heard) > number
