"""Generation numbers: a process that changes what others cache bumps its topic, and they drop their copy.

On SQLite the number is looked up; on PostgreSQL whoever bumps it also notifies, and nobody has to look.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.store.hot import HotReader, Query
from relay.ports import Clock

DIRECTORY = "directory"
"""Accounts, their domains, lists, footers and credentials."""

LOOK_EVERY = 0.2
"""Seconds a number counts as known."""

CHANNEL = "relay_generation"
"""PostgreSQL's notifications carry the topic."""

_NUMBER = Query[tuple[int]]("SELECT number FROM generation WHERE topic = ?")
_BUMP = (
    "INSERT INTO generation (topic, number) VALUES (:topic, 1)"
    " ON CONFLICT (topic) DO UPDATE SET number = generation.number + 1"
)


_NOTIFY = text("SELECT pg_notify(:channel, :topic)")


async def bump(connection: AsyncConnection, topic: str) -> None:
    """Move the topic's number within the caller's transaction: seen by others as soon as that commits."""
    await connection.execute(text(_BUMP), {"topic": topic})
    if connection.dialect.name == "postgresql":
        await connection.execute(_NOTIFY, {"channel": CHANNEL, "topic": topic})


class Generation(Protocol):
    """One topic's number: as long as it stays, what was kept may be used."""

    async def number(self) -> int: ...

    async def close(self) -> None: ...


class PolledGeneration:
    """Looked up at most every 200 ms and only when somebody asks."""

    def __init__(self, reader: HotReader, clock: Clock, topic: str) -> None:
        self._reader = reader
        self._clock = clock
        self._topic = topic
        self._number = 0
        self._look_at = float("-inf")

    async def number(self) -> int:
        """What the number was no more than 200 ms ago."""
        now = self._clock.monotonic()
        if now >= self._look_at:
            rows = await self._reader.fetch(_NUMBER, (self._topic,))
            self._number = rows[0][0] if rows else 0
            self._look_at = now + LOOK_EVERY
        return self._number

    async def close(self) -> None:
        """Nothing is open."""
