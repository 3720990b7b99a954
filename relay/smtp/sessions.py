"""The sessions of one worker: their tasks, their clock, their end (RELIABILITY.md rows 39 and 72)."""

from __future__ import annotations

import asyncio
from typing import Protocol

from policies.verdict import Reply


class Running(Protocol):
    """What the registry needs of a session."""

    async def converse(self) -> None: ...

    def sweep(self, now: float) -> None: ...

    def drain(self) -> None: ...

    def leave(self, farewell: Reply) -> None: ...


class Sessions:
    """Owns each session's task: nothing a client does cancels one."""

    def __init__(self) -> None:
        self._running: dict[Running, asyncio.Task[None]] = {}
        self._clock: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, session: Running) -> None:
        task = asyncio.get_running_loop().create_task(session.converse())
        self._running[session] = task
        task.add_done_callback(lambda _: self._running.pop(session, None))

    def start_clock(self, every: float) -> None:
        """One timer for all sessions instead of one each, re-armed with every command."""
        loop = asyncio.get_running_loop()

        def tick() -> None:
            now = loop.time()
            for session in list(self._running):
                session.sweep(now)
            self._clock = loop.call_later(every, tick)

        self._clock = loop.call_later(every, tick)

    def stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()

    async def drain(self, grace: float, farewell: Reply) -> int:
        """End what is idle, let the rest finish for `grace` seconds; how many are still at work then."""
        for session in list(self._running):
            session.drain()
        await self._wait(grace)
        for session in list(self._running):
            session.leave(farewell)
        await self._wait(min(grace, 3.0))
        return len(self._running)

    async def _wait(self, seconds: float) -> None:
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=seconds)
