"""The kept links to one smarthost: bounded, reused, closed when idle; copies wait their turn up to a deadline."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from relay.forwarding.breaker import Breaker
from relay.ports import InDoubt, Outcome, Outgoing, Phase, Postponed

_BEFORE_BODY = frozenset({Phase.CONNECT, Phase.TLS, Phase.AUTH, Phase.MAIL, Phase.RCPT, Phase.DATA})


class Link(Protocol):
    """One connection, ready for MAIL."""

    served: int
    idle_since: float

    def usable(self) -> bool: ...

    def close(self) -> None: ...

    async def send(self, outgoing: Outgoing, timeout: float) -> Outcome: ...


Open = Callable[[float], Awaitable[Link | Postponed]]
"""Makes a new link within so many seconds."""


def unavailable(outcome: Outcome) -> bool:
    """Whether the smarthost, not the message, is at fault, and no octet of the body was sent."""
    return isinstance(outcome, Postponed) and outcome.code == 0 and outcome.phase in _BEFORE_BODY


class Links:
    """All links to one smarthost in this process."""

    def __init__(
        self, name: str, opener: Open, limit: int, per_link: int, idle_timeout: float, breaker: Breaker
    ) -> None:
        self.name = name
        self._opener = opener
        self._limit = limit
        self._per_link = per_link
        self._idle_timeout = idle_timeout
        self._breaker = breaker
        self._idle: list[Link] = []
        self._waiters: deque[asyncio.Future[Link | None]] = deque()
        self._count = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def healthy(self) -> bool:
        return self._breaker.closed

    async def admit(self, timeout: float) -> bool:
        return await self._breaker.admit(timeout)

    def reachable(self) -> bool:
        return self._breaker.reachable()

    async def deliver(self, outgoing: Outgoing, timeout: float) -> Outcome:
        """One copy over a kept or a new link; a kept link that turns out dead is replaced once."""
        deadline = asyncio.get_running_loop().time() + timeout
        try:
            link = self._take_idle() or await self._obtain(deadline)
            if isinstance(link, Postponed):
                self._breaker.abandoned()
                return link
            kept = link.served > 0
            outcome = await self._send(link, outgoing, deadline)
            if kept and unavailable(outcome) and not link.usable():
                fresh = await self._obtain(deadline, fresh=True)
                outcome = fresh if isinstance(fresh, Postponed) else await self._send(fresh, outgoing, deadline)
        except BaseException:
            self._breaker.abandoned()
            raise
        self._note(outcome)
        return outcome

    async def probe(self, timeout: float) -> bool:
        """Whether a link is there or can be opened."""
        link = self._take_idle() or await self._obtain(asyncio.get_running_loop().time() + timeout)
        if isinstance(link, Postponed):
            return False
        self._release(link)
        self._breaker.succeeded()
        return True

    async def close(self) -> None:
        """QUIT on every idle link; those in use are closed as they come back."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        while self._idle:
            self._discard(self._idle.pop())

    # ------------------------------------------------------------ sending

    async def _send(self, link: Link, outgoing: Outgoing, deadline: float) -> Outcome:
        try:
            return await link.send(outgoing, deadline - asyncio.get_running_loop().time())
        finally:
            self._release(link)

    def _note(self, outcome: Outcome) -> None:
        if isinstance(outcome, InDoubt) or (isinstance(outcome, Postponed) and outcome.code == 0):
            self._breaker.failed(outcome.error)
        else:
            self._breaker.succeeded()

    # ------------------------------------------------------------ links in hand

    def _take_idle(self) -> Link | None:
        while self._idle:
            link = self._idle.pop()
            if link.usable():
                return link
            self._discard(link)
        return None

    async def _obtain(self, deadline: float, fresh: bool = False) -> Link | Postponed:
        """An idle link, a new one, or the next that comes free."""
        while True:
            link = None if fresh else self._take_idle()
            if link is None and self._count < self._limit:
                return await self._open(deadline)
            link = link or await self._next_free(deadline)
            if link is not None:
                return link
            if asyncio.get_running_loop().time() >= deadline:
                return Postponed(self.name, 0, "4.4.5", f"all {self._limit} connections are busy", Phase.CONNECT)

    async def _open(self, deadline: float) -> Link | Postponed:
        self._count += 1
        link: Link | Postponed | None = None
        try:
            link = await self._opener(max(deadline - asyncio.get_running_loop().time(), 0.01))
        finally:
            if link is None or isinstance(link, Postponed):
                self._count -= 1
                self._offer(None)
        if isinstance(link, Postponed):
            self._breaker.failed(link.error)
        return link

    async def _next_free(self, deadline: float) -> Link | None:
        """The next link handed back; None: there is room to open one, or time is up."""
        waiter: asyncio.Future[Link | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except TimeoutError:
            return self._late(waiter)
        except BaseException:
            if (link := self._late(waiter)) is not None:
                self._release(link)
            raise

    def _late(self, waiter: asyncio.Future[Link | None]) -> Link | None:
        """What a waiter was given in the very turn it gave up."""
        if waiter.done() and not waiter.cancelled():
            return waiter.result()
        waiter.cancel()
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        return None

    def _release(self, link: Link) -> None:
        if self._closed or not link.usable() or link.served >= self._per_link:
            self._discard(link)
        elif not self._offer(link):
            loop = asyncio.get_running_loop()
            link.idle_since = loop.time()
            self._idle.append(link)
            if self._sweeper is None:
                self._sweeper = loop.call_later(self._idle_timeout, self._sweep)

    def _discard(self, link: Link) -> None:
        link.close()
        self._count -= 1
        self._offer(None)

    def _offer(self, link: Link | None) -> bool:
        """Give a link, or room for one, to the first that waits."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(link)
                return True
        return False

    def _sweep(self) -> None:
        """Close what has been idle too long; the oldest stand first."""
        loop = asyncio.get_running_loop()
        self._sweeper = None
        before = loop.time() - self._idle_timeout
        stale = [link for link in self._idle if link.idle_since <= before or not link.usable()]
        self._idle = [link for link in self._idle if link not in stale]
        for link in stale:
            self._discard(link)
        if self._idle:
            self._sweeper = loop.call_later(self._idle_timeout, self._sweep)
