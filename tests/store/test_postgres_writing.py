from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from sqlalchemy import text
from store_clock import MARCH_1, SetClock
from stores import ON_POSTGRES, put

from relay.adapters.store.engine import parse_url
from relay.adapters.store.hot import Query
from relay.adapters.store.hot_postgres_link import Server, open_link
from relay.adapters.store.hot_postgres_writer import PostgresWriteConnection
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.adapters.store.tallies import StoreTallies
from relay.adapters.store.writer import Writer
from relay.identifiers import new_ref
from relay.journal import LineJournal
from relay.ports import Event, SpooledCopy, SpooledMessage, StoreUnavailable, Tally

ACME = 7
COUNT = Query[tuple[int]]("SELECT COUNT(*) FROM generation")


def topic(name: str) -> str:
    return f"INSERT INTO generation (topic, number) VALUES ('{name}', 1)"


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
