from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from postgres_server import PASSWORD, PostgresServer, running
from sqlalchemy import insert, text
from store_clock import MARCH_1, SetClock
from stores import ON_POSTGRES

from policies.address import Address
from relay.adapters.store.engine import open_store, parse_url
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.hot import Query, Statements
from relay.adapters.store.hot_postgres import PostgresReader
from relay.adapters.store.hot_postgres_link import Server, open_link
from relay.adapters.store.hot_postgres_news import HeardGeneration
from relay.adapters.store.hot_postgres_writer import PostgresWriteConnection
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.adapters.store.schema import SchemaState, check
from relay.adapters.store.tallies import StoreTallies
from relay.adapters.store.writer import Writer
from relay.adapters.tables import contact
from relay.identifiers import new_ref
from relay.journal import LineJournal
from relay.ports import Event, SpooledCopy, SpooledMessage, StoreUnavailable, Tally

ACME = 7
COUNT = Query[tuple[int]]("SELECT COUNT(*) FROM generation")
KEYED = Query[tuple[int]]("SELECT contact_id FROM contact WHERE account_id = ? AND address_key = ?")
NUMBER = Query[tuple[int]]("SELECT number FROM generation WHERE topic = ? LIMIT ?")


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """For tests that stop or freeze it, and start it again."""
    with running() as server:
        yield server


@pytest.fixture
async def breakable(own_server: PostgresServer, clock: SetClock) -> AsyncIterator[MailStore]:
    """A store whose server the test may stop."""
    url = await asyncio.to_thread(lambda: own_server.fresh(migrated=True))
    store = open_mail_store(url, clock, timedelta(minutes=15))
    await store.probe()
    yield store
    await store.close()


def reader_of(store: MailStore) -> PostgresReader:
    assert isinstance(store.reader, PostgresReader)
    return store.reader


def topic(name: str) -> str:
    return f"INSERT INTO generation (topic, number) VALUES ('{name}', 1)"


async def put(store: MailStore, name: str) -> int:
    return await store.writer.run(lambda statements: statements.execute(topic(name)))


# ---------------------------------------------------------------- look-ups


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


# ---------------------------------------------------------------- caches


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


# ---------------------------------------------------------------- writing


@ON_POSTGRES
async def test_a_commit_whose_answer_was_lost_is_asked_after(store: MailStore, url: str) -> None:
    """The server did it, and the connection went before it could say so."""
    committing = LostAnswer(Server.of(parse_url(url)))
    writer = Writer(lambda: committing)
    await writer.run(lambda statements: statements.execute(topic("kept")))
    assert committing.lost == 1
    await asyncio.to_thread(writer.close)
    assert await store.reader.fetch(COUNT) == [(1,)]


class LostAnswer(PostgresWriteConnection):
    """Its link is cut between the server's COMMIT and the answer."""

    lost = 0

    def _committed(self, text: str) -> str:
        super()._committed(text)
        self.lost += 1
        raise StoreUnavailable("store: connection lost")


@ON_POSTGRES
async def test_a_commit_that_never_reached_the_server_fails(store: MailStore, url: str) -> None:
    writer = Writer(lambda: Unsent(Server.of(parse_url(url))))
    with pytest.raises(StoreUnavailable):
        await writer.run(lambda statements: statements.execute(topic("lost")))
    await asyncio.to_thread(writer.close)
    assert await store.reader.fetch(COUNT) == [(0,)]


class Unsent(PostgresWriteConnection):
    """Its link is cut before COMMIT is sent."""

    def _committed(self, text: str) -> str:
        self._cut()
        raise StoreUnavailable("store: connection lost")


@ON_POSTGRES
async def test_a_connection_ended_by_the_server_while_idle_costs_nobody_anything(store: MailStore) -> None:
    await put(store, "one")
    await store.reader.fetch(COUNT)
    async with store.engine.begin() as connection:
        await connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        )
    await put(store, "two")
    assert await store.reader.fetch(COUNT) == [(2,)]


@ON_POSTGRES
async def test_a_row_held_by_another_makes_one_job_fail_in_time_and_no_other(store: MailStore, url: str) -> None:
    await put(store, "held")
    other = await open_link(Server.of(parse_url(url)))
    await other.run("BEGIN")
    await other.run("UPDATE generation SET number = 2 WHERE topic = 'held'")
    started = time.monotonic()
    results = await asyncio.gather(
        put(store, "free"),
        store.writer.run(lambda one: one.execute("UPDATE generation SET number = 3 WHERE topic = 'held'")),
        return_exceptions=True,
    )
    assert time.monotonic() - started < 3.0
    assert results[0] == 1
    assert isinstance(results[1], StoreUnavailable)
    await other.close()


@ON_POSTGRES
async def test_two_processes_never_claim_one_message(store: MailStore, url: str, clock: SetClock) -> None:
    others = [open_mail_store(url, clock, timedelta(minutes=15)) for _ in range(3)]
    refs = [new_ref() for _ in range(60)]
    for ref in refs:
        message = SpooledMessage(ref, ACME, b"x", "", "", MARCH_1, MARCH_1 + timedelta(days=4), "")
        await store.spool.commit(message, [SpooledCopy(ref, 0, "bob@example.org", "", "")], None)
    until = MARCH_1 + timedelta(minutes=1)
    claims = await asyncio.gather(*(one.spool.claim(MARCH_1, until, 40) for one in (store, *others)))
    claimed = [one.message.ref for claim in claims for one in claim]
    for one in (*others, store):
        claimed += [more.message.ref for more in await one.spool.claim(MARCH_1, until, 60)]
    assert sorted(claimed) == sorted(refs)
    for one in others:
        await one.close()


@ON_POSTGRES
async def test_several_processes_write_of_one_ref_and_count_one_hour_together(
    store: MailStore, url: str, clock: SetClock
) -> None:
    stores = [store, *(open_mail_store(url, clock, timedelta(minutes=15)) for _ in range(3))]
    ref = new_ref()
    for _ in range(10):
        for one in stores:
            journal = LineJournal("n", [], one.journal)
            for rule in ("consent.missing", "consent.expired", "address.role"):
                journal.write(Event("recipient.refused", ref, MARCH_1, "warning", ACME, "acme", {"rule": rule}))
        await asyncio.gather(*(one.writer.run(lambda _: None) for one in stores))
    rows = await store.reader.fetch(Query[tuple[int]]("SELECT COUNT(*) FROM journal WHERE account_id = ?"), (ACME,))
    counted = await store.reader.fetch(Query[tuple[int]]("SELECT SUM(count)::bigint FROM hourly"))
    assert rows == counted == [(120,)]
    assert [one.journal.lost() for one in stores] == [0, 0, 0, 0]
    for one in stores[1:]:
        await one.close()


@ON_POSTGRES
async def test_processes_that_add_to_the_same_tallies_in_any_order_never_wait_in_a_circle(
    store: MailStore, url: str, clock: SetClock
) -> None:
    stores = [store, *(open_mail_store(url, clock, timedelta(minutes=15)) for _ in range(2))]
    subjects = [f"login {number}" for number in range(12)]

    async def add(one: MailStore, order: list[str]) -> None:
        tallies = StoreTallies(one.reader, one.writer)
        await asyncio.gather(*(tallies.add([Tally(ACME, subject, MARCH_1, 1)]) for subject in order))

    for _ in range(5):
        orders = (subjects, subjects[::-1], subjects[6:] + subjects[:6])
        await asyncio.gather(*(add(one, order) for one, order in zip(stores, orders, strict=True)))
    counted = StoreTallies(store.reader, store.writer).counted
    assert {await counted(ACME, subject, MARCH_1) for subject in subjects} == {15}
    for one in stores[1:]:
        await one.close()


# ---------------------------------------------------------------- a server that is away


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


# ---------------------------------------------------------------- how it is named


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
