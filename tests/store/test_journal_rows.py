from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from store_clock import MARCH_1
from stores import ON_SQLITE

from policies.address import Address
from relay.adapters.store import journal_reading
from relay.adapters.store.engine import to_us
from relay.adapters.store.journal import StoreJournal
from relay.adapters.store.journal_reading import JournalReader, Search
from relay.adapters.store.mail_store import MailStore
from relay.adapters.tables import account, hourly, journal
from relay.identifiers import new_ref
from relay.journal import LineJournal
from relay.ports import CopyState, DeliveredRow, Event, SpooledCopy, SpooledMessage, StoreUnavailable

ACME = 7
SECOND = timedelta(seconds=1)


@pytest.fixture
def writing(store: MailStore) -> LineJournal:
    return LineJournal("node1", [], store.journal)


@pytest.fixture
async def reading(store: MailStore) -> JournalReader:
    async with store.engine.begin() as connection:
        row = {"account_id": ACME, "name": "acme", "email": "a@acme.example", "created_at": to_us(MARCH_1)}
        await connection.execute(insert(account).values(**row))
    return JournalReader(store.engine)


def refused(at: datetime = MARCH_1, rule: str = "consent.missing", recipient: str = "bob@example.org") -> Event:
    fields = {"rule": rule, "recipient": recipient, "reply": "550 5.7.1 no"}
    return Event("recipient.refused", new_ref(), at, "warning", ACME, "acme", fields, {"facts": {"contact_id": 0}})


def taken(ref: str, at: datetime = MARCH_1, contact_id: int = 11) -> DeliveredRow:
    return DeliveredRow(ACME, ref, contact_id, at, 0, "anne@example.com", "mx1", "250 ok", "spring")


def done(row: DeliveredRow) -> Event:
    return Event("delivery.done", row.ref, row.at, "info", ACME, "acme", {"recipient": row.recipient_key})


def path_of(store: MailStore) -> Path:
    return Path(store.engine.url.database or "")


async def settled(store: MailStore) -> None:
    """Rows ride along with the next transaction."""
    await store.writer.run(lambda _: None)


async def test_a_refusal_is_kept_as_the_line_that_was_printed_with_its_evidence(
    store: MailStore, writing: LineJournal, reading: JournalReader
) -> None:
    event = refused()
    writing.write(event)
    await settled(store)
    [entry] = await reading.read(Search())
    assert entry.line["at"] == "2026-03-01T12:00:00.000Z"
    assert (entry.line["event"], entry.line["ref"], entry.line["node"]) == ("recipient.refused", event.ref, "node1")
    assert (entry.line["account"], entry.line["rule"]) == ("acme", "consent.missing")
    assert entry.evidence == {"facts": {"contact_id": 0}}


async def test_a_delivered_copy_comes_back_as_the_event_it_was(
    store: MailStore, writing: LineJournal, reading: JournalReader
) -> None:
    row = taken(new_ref())
    writing.delivered(row, done(row))
    await settled(store)
    [entry] = await reading.read(Search(account="acme"))
    assert entry.line == {
        "at": "2026-03-01T12:00:00.000Z",
        "level": "info",
        "event": "delivery.done",
        "ref": row.ref,
        "node": "node1",
        "account": "acme",
        "campaign": "spring",
        "recipient": "anne@example.com",
        "reply": "250 ok",
        "smarthost": "mx1",
    }


async def test_events_are_counted_by_the_hour(store: MailStore, writing: LineJournal) -> None:
    for batch in range(2):
        for number in range(3):
            row = taken(new_ref(), contact_id=number + 1)
            writing.delivered(row, done(row))
        writing.write(refused(MARCH_1 + batch * timedelta(hours=1)))
        await settled(store)
    async with store.engine.connect() as connection:
        rows = (await connection.execute(select(hourly).order_by(hourly.c.hour, hourly.c.event))).all()
    hour = to_us(MARCH_1)
    assert [tuple(row) for row in rows] == [
        (ACME, hour, "delivery.done", "", 6),
        (ACME, hour, "recipient.refused", "consent.missing", 1),
        (ACME, hour + 3_600_000_000, "recipient.refused", "consent.missing", 1),
    ]
    assert await store.permissions.sent_since(ACME, MARCH_1) == 6


async def test_what_is_only_a_line_fills_no_table(
    store: MailStore, writing: LineJournal, reading: JournalReader
) -> None:
    writing.write(Event("session.refused", new_ref(), MARCH_1))
    writing.write(Event("message.accepted", new_ref(), MARCH_1, "info", ACME, "acme"))
    await settled(store)
    assert await reading.read(Search()) == []


async def test_rows_are_written_without_waiting_for_anybody_else(
    store: MailStore, writing: LineJournal, reading: JournalReader
) -> None:
    writing.write(refused())
    for _ in range(100):
        if await reading.read(Search()):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the row was not written within two seconds")


FOUND = [
    (Search(rule="consent.missing"), [0]),
    (Search(rule="consent"), [0, 1]),
    (Search(event="delivery.done"), [2]),
    (Search(event="recipient.refused"), [0, 1, 3]),
    (Search(recipient="BOB@example.org"), [0]),
    (Search(recipient="anne@example.com"), [2]),
    (Search(account="acme"), [0, 1, 2, 3]),
    (Search(account="nobody"), []),
    (Search(since=MARCH_1 + 2 * SECOND), [2, 3]),
    (Search(limit=2), [2, 3]),
    (Search(limit=2, event="recipient.refused"), [1, 3]),
    (Search(), [0, 1, 2, 3]),
]


@pytest.mark.parametrize(("search", "expected"), FOUND)
async def test_a_search_finds_its_rows_newest_last(
    store: MailStore, writing: LineJournal, reading: JournalReader, search: Search, expected: list[int]
) -> None:
    events = [refused(), refused(MARCH_1 + SECOND, "consent.expired", "carl@example.org")]
    row = taken(new_ref(), MARCH_1 + 2 * SECOND)
    last = refused(MARCH_1 + 3 * SECOND, "address.role", "info@example.org")
    for event in (last, *events):
        writing.write(event)
    writing.delivered(row, done(row))
    await settled(store)
    refs = [events[0].ref, events[1].ref, row.ref, last.ref]
    assert [entry.line["ref"] for entry in await reading.read(search)] == [refs[place] for place in expected]


async def test_pages_leave_nothing_out_and_tell_nothing_twice(
    store: MailStore, writing: LineJournal, reading: JournalReader
) -> None:
    count = journal_reading.PAGE + 20
    for number in range(count // 2):
        writing.write(refused(MARCH_1 + (number // 40) * SECOND))
        row = taken(new_ref(), MARCH_1 + (number // 40) * SECOND)
        writing.delivered(row, done(row))
    await settled(store)
    keys = [entry.key for entry in await reading.read(Search())]
    assert len(keys) == len(set(keys)) == count
    assert [entry.key for entry in await reading.read(Search(limit=count))] == keys


async def test_a_follower_sees_each_row_once_even_those_that_come_late(
    store: MailStore, writing: LineJournal, reading: JournalReader
) -> None:
    first, late = refused(MARCH_1), refused(MARCH_1 - SECOND)
    writing.write(first)
    await settled(store)
    cursor = await reading.cursor(Search(), MARCH_1)
    assert (await reading.follow(Search(), cursor))[0] == []
    writing.write(late)
    await settled(store)
    fresh, cursor = await reading.follow(Search(), cursor)
    assert [entry.line["ref"] for entry in fresh] == [late.ref]
    assert (await reading.follow(Search(), cursor))[0] == []


async def test_a_story_holds_events_copies_and_the_spools_state_of_one_ref(
    store: MailStore, writing: LineJournal, reading: JournalReader
) -> None:
    ref = new_ref()
    message = SpooledMessage(ref, ACME, b"x", "", "", MARCH_1, MARCH_1 + timedelta(days=4), "", answer="250 queued")
    copy = SpooledCopy(ref, 0, "bob@example.org", "", "", CopyState.PENDING, next_attempt_at=MARCH_1)
    await store.spool.commit(message, [copy], None)
    row = taken(ref)
    writing.delivered(row, done(row))
    writing.write(replace(refused(), event="delivery.deferred", ref=ref))
    writing.write(refused())
    await settled(store)
    story = await reading.story(ref)
    assert [entry.line["event"] for entry in story.entries] == ["delivery.deferred", "delivery.done"]
    assert story.spool is not None
    assert (story.spool.answer, story.spool.copies) == ("250 queued", (copy,))
    assert (await reading.story(new_ref())).spool is None


async def test_several_rows_may_bear_one_ref(store: MailStore, writing: LineJournal, reading: JournalReader) -> None:
    ref = new_ref()
    for _ in range(3):
        writing.write(replace(refused(), ref=ref))
    await settled(store)
    assert len(await reading.read(Search(ref=ref))) == 3


@ON_SQLITE
async def test_rows_wait_for_a_store_that_is_away(
    store: MailStore, writing: LineJournal, reading: JournalReader
) -> None:
    path = path_of(store)
    path.rename(path.with_suffix(".away"))
    writing.write(refused())
    with pytest.raises(StoreUnavailable):
        await settled(store)
    path.with_suffix(".away").rename(path)
    await settled(store)
    assert len(await reading.read(Search())) == 1


async def test_rows_no_table_takes_are_counted_and_harm_nobody(store: MailStore, writing: LineJournal) -> None:
    async with store.engine.begin() as connection:
        await connection.execute(text("DROP TABLE journal"))
    writing.write(refused())
    assert await store.permissions.contact(ACME, Address.parse("anne@example.com")) > 0
    await settled(store)
    assert store.journal.lost() == 1
    async with store.engine.begin() as connection:
        await connection.run_sync(journal.create)


async def test_what_waits_too_long_is_dropped_and_told_of_once_there_is_room(
    store: MailStore, reading: JournalReader
) -> None:
    rows = StoreJournal(max_waiting=2)
    writing = LineJournal("node1", [], rows)
    for _ in range(5):
        writing.write(refused())
    store.writer.attach(rows)
    await settled(store)
    writing.write(refused())
    await settled(store)
    [told] = await reading.read(Search(event="service.journal_overflow"))
    assert told.line["rows"] == 3
    assert len(await reading.read(Search(event="recipient.refused"))) == 3
