"""Everybody's registered postal addresses out of the store, read anew once a minute where accounts changed."""

from __future__ import annotations

from relay.adapters.store.generation import DIRECTORY
from relay.adapters.store.hot import HotReader, Query
from relay.message.address_book import AddressBook
from relay.ports import Clock

MAX_AGE = 60.0
"""Seconds a book is used without a look whether accounts changed."""
MAX_ADDRESSES = 10_000

_NUMBER = Query[tuple[int]]("SELECT number FROM generation WHERE topic = ?")
_ADDRESSES = Query[tuple[int, str]](
    "SELECT account_id, postal_address FROM footer_identity WHERE postal_address <> ''"
    " ORDER BY account_id, name LIMIT ?"
)


class StoreAddressBooks:
    """One book a process."""

    def __init__(self, reader: HotReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._number = -1
        self._look_at = float("-inf")
        self._book = AddressBook(())

    async def book(self) -> AddressBook:
        """At most a minute old."""
        now = self._clock.monotonic()
        if now < self._look_at:
            return self._book
        rows = await self._reader.fetch(_NUMBER, (DIRECTORY,))
        number = rows[0][0] if rows else 0
        if number != self._number:
            self._book = AddressBook(await self._reader.fetch(_ADDRESSES, (MAX_ADDRESSES,)))
            self._number = number
        self._look_at = now + MAX_AGE
        return self._book
