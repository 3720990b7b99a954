from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from store_clock import MARCH_1

from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.retention import expire
from relay.identifiers import new_ref
from relay.journal import LineJournal
from relay.ports import CopyState, DeliveredRow, Event, SpooledCopy, SpooledMessage

ACME = 7
TABLES = ("journal", "delivery", "spool_message", "spool_bytes", "spool_copy")
DAY = timedelta(days=1)


async def counts(store: MailStore) -> list[int]:
    async with store.engine.connect() as connection:
        return [(await connection.execute(text(f"SELECT COUNT(*) FROM {table}"))).scalar_one() for table in TABLES]


async def one_of_each(store: MailStore, state: CopyState) -> None:
    """An event, a delivered copy and a message of 1 March."""
    journal = LineJournal("n", [], store.journal)
    ref = new_ref()
    journal.write(Event("unsubscribe", ref, MARCH_1, account_id=ACME))
    row = DeliveredRow(ACME, ref, 1, MARCH_1, 0, "a@example.com", "mx", "250")
    journal.delivered(row, Event("delivery.done", ref, MARCH_1, account_id=ACME))
    message = SpooledMessage(ref, ACME, b"x", "", "", MARCH_1, MARCH_1 + 4 * DAY, "")
    lease = await store.spool.commit(message, [SpooledCopy(ref, 0, "a@example.com", "", "")], MARCH_1 + DAY)
    await store.spool.answer(lease, "250", [SpooledCopy(ref, 0, "a@example.com", "", "", state)], [])


async def test_what_is_old_goes_and_what_is_not_stays(store: MailStore) -> None:
    await one_of_each(store, CopyState.SENT)
    assert await expire(store.writer, MARCH_1) == 0
    assert await counts(store) == [1, 1, 1, 1, 1]
    assert await expire(store.writer, MARCH_1 + DAY) == 3
    assert await counts(store) == [0, 0, 0, 0, 0]


async def test_a_message_that_is_not_final_is_never_too_old(store: MailStore) -> None:
    await one_of_each(store, CopyState.PENDING)
    await expire(store.writer, MARCH_1 + 1000 * DAY)
    assert await counts(store) == [0, 0, 1, 1, 1]
