"""Counts of what logins send: kept over processes, every answer one's own."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from policies.address import Address
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.address_books import MAX_AGE, StoreAddressBooks
from relay.adapters.store.history import Act
from relay.adapters.store.identities import Identities, Identity
from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.retention import expire
from relay.adapters.store.tallies import StoreTallies
from relay.ports import Tally

OWNER = Address.parse("o@acme.test")


def tallies(store: MailStore) -> StoreTallies:
    return StoreTallies(store.reader, store.writer)


async def test_what_was_added_stands_and_can_be_taken_back(store: MailStore, clock) -> None:
    counts, now = tallies(store), clock.now()

    assert await counts.counted(7, "copies:5", now) == 0
    assert await counts.add([Tally(7, "copies:5", now, 3), Tally(7, "content:ab", now, 1)]) == [3, 1]
    assert await counts.add([Tally(7, "copies:5", now, 2)]) == [5]
    assert await counts.add([Tally(7, "copies:5", now, -2)]) == [3]
    assert await counts.counted(7, "copies:5", now) == 3


async def test_accounts_subjects_and_days_are_apart(store: MailStore, clock) -> None:
    counts, now = tallies(store), clock.now()
    await counts.add([Tally(7, "copies:5", now, 1)])

    for other in (
        Tally(8, "copies:5", now, 1),
        Tally(7, "copies:6", now, 1),
        Tally(7, "copies:5", now + timedelta(1), 1),
    ):
        assert await counts.add([other]) == [1]


async def test_of_many_at_once_each_gets_a_number_of_its_own(store: MailStore, clock) -> None:
    counts, now = tallies(store), clock.now()

    found = await asyncio.gather(*(counts.add([Tally(7, "copies:5", now, 1)]) for _ in range(20)))

    assert sorted(number for (number,) in found) == list(range(1, 21))


async def test_old_counts_go_with_the_journal(store: MailStore, clock) -> None:
    counts, now = tallies(store), clock.now()
    await counts.add([Tally(7, "copies:5", now - timedelta(40), 1), Tally(7, "copies:5", now, 1)])

    assert await expire(store.writer, now - timedelta(35)) == 1
    assert await counts.counted(7, "copies:5", now) == 1


async def test_the_book_of_addresses_is_read_anew_once_a_minute_where_accounts_changed(store, engine, clock) -> None:
    act = Act("sari", clock.now())
    await Accounts(engine).add(NewAccount("acme", "Acme", OWNER, "NL", "retail", "1 Road 12345", "on paper"), act)
    books = StoreAddressBooks(store.reader, clock)
    first = await books.book()
    await Identities(engine).add("acme", Identity("brand", "Brand", "2 Road 54321", domain="brand.test"), act)

    assert await books.book() is first
    clock.advance(MAX_AGE)
    second = await books.book()
    assert second is not first
    clock.advance(MAX_AGE)
    assert await books.book() is second
