"""Octets of messages that one worker holds in memory over all its sessions (RELIABILITY.md row 42)."""

from __future__ import annotations

import asyncio
from collections import deque


class MemoryBudget:
    """Shared by all sessions of a worker; what is over it waits in files, or is not taken at all."""

    def __init__(self, octets: int) -> None:
        self._limit = octets
        self._used = 0
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def used(self) -> int:
        return self._used

    def has_room(self, octets: int) -> bool:
        """Whether a new message of this size could start now: asked at MAIL."""
        return not self._queue and self._used + octets <= self._limit

    def take(self, octets: int) -> bool:
        """Take it if there is room."""
        if self._used + octets > self._limit:
            return False
        self._used += octets
        return True

    async def wait_for(self, octets: int) -> None:
        """Take it as soon as there is room, in turn; a message larger than the whole budget goes alone."""
        if not self._queue and (not self._used or self._used + octets <= self._limit):
            self._used += octets
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((octets, turn))
        await turn

    def give_back(self, octets: int) -> None:
        self._used -= octets
        while self._queue:
            wanted, turn = self._queue[0]
            if self._used and self._used + wanted > self._limit:
                return
            self._queue.popleft()
            if not turn.done():
                self._used += wanted
                turn.set_result(None)
