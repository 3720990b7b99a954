"""News of changed generations on PostgreSQL: LISTEN on a connection of its own, opened again when it is lost."""

from __future__ import annotations

import asyncio
import itertools

import asyncpg

from relay.adapters.store.generation import CHANNEL
from relay.adapters.store.hot_postgres_link import ANSWER_WAIT, FAILURES, HOT, Server, our_failure
from relay.ports import StoreUnavailable

AGAIN = 0.5
"""Seconds between tries to listen."""


class HeardGeneration:
    """A number that moves as soon as a bump is committed anywhere, and at every look while nobody listens."""

    def __init__(self, server: Server, topic: str) -> None:
        self._server = server
        self._topic = topic
        self._numbers = itertools.count(1)
        self._number = 0
        self._listening: asyncio.Task[None] | None = None
        self._deaf = True

    async def number(self) -> int:
        """The same as at the last call only where nothing can have changed in between."""
        if self._listening is None or self._listening.done():
            self._listening = asyncio.get_running_loop().create_task(self._listen())
        if self._deaf:
            self._number = next(self._numbers)
        return self._number

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        """One connection after another, until cancelled."""
        while True:
            try:
                await self._hear()
            except StoreUnavailable:
                await asyncio.sleep(AGAIN)

    async def _hear(self) -> None:
        """As long as one connection lasts."""
        connection = await self._server.connect(HOT)
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        timer = asyncio.get_running_loop().call_later(ANSWER_WAIT, connection.terminate)
        try:
            await connection.add_listener(CHANNEL, self._heard)
            timer.cancel()
            self._deaf = False
            await gone.wait()
        except FAILURES as failure:
            raise our_failure(failure) from failure
        finally:
            timer.cancel()
            self._deaf = True
            connection.terminate()

    def _heard(self, _connection: asyncpg.Connection, _pid: int, _channel: str, topic: str) -> None:
        if topic == self._topic:
            self._number = next(self._numbers)
