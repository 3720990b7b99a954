"""Passwords: argon2id off the loop, never more than the machine can bear (RELIABILITY.md rows 33, 34 and 36a)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

QUEUE = 64
"""Checks that may wait for a thread; more get 454 4.7.0."""


class Overloaded(Exception):
    """Too many checks wait: 454 4.7.0."""


class Passwords:
    """argon2id with t=2, m=19 MiB, p=1: 22 ms of CPU a check. One per process; `close` ends its threads."""

    def __init__(self, threads: int = 2, queue: int = QUEUE, memory_kib: int = 19_456) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._capacity = threads + queue
        self._waiting = 0
        self._dummy = self._hasher.hash(b"nobody has this password")

    async def verify(self, stored: str | None, password: bytes) -> bool:
        """Whether it is the password. None (no such login) takes as long as a wrong password, and is always wrong."""
        right = await self._run(stored or self._dummy, password)
        return right and stored is not None

    def hash(self, password: bytes) -> str:
        """To store; blocks for the time of one check."""
        return self._hasher.hash(password)

    def needs_rehash(self, stored: str) -> bool:
        """The parameters have grown since: store a new hash at the next right login."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, stored: str, password: bytes) -> bool:
        if self._waiting >= self._capacity:
            raise Overloaded
        self._waiting += 1
        check = asyncio.get_running_loop().run_in_executor(self._pool, self._check, stored, password)
        # The place is given back when the hash has ended, not when somebody stopped waiting for it.
        check.add_done_callback(self._ended)
        return await asyncio.shield(check)

    def _ended(self, _: asyncio.Future[bool]) -> None:
        self._waiting -= 1

    def _check(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
