"""The hot path's look-ups on PostgreSQL: whatever arrives in one turn of the loop goes out as one query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from relay.adapters.store.hot import Query, Row, Value
from relay.adapters.store.hot_postgres_link import ANSWER_WAIT, Link, Server, open_link
from relay.ports import StoreUnavailable

LINKS = 3
"""Connections of a process's reader: while all are busy, look-ups gather and share the next round trip."""

TOGETHER = 128
"""Look-ups in one query at most."""

FEW = 9
"""Parameters up to which look-ups are put together; a longer list of keys is worth a query of its own."""

REST = 0.3
"""Seconds after a failed connection in which look-ups fail at once instead of each waiting for the server."""

Found = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One look-up and whoever awaits it."""

    parameters: tuple[Value, ...]
    answer: asyncio.Future[Found]

    def tell(self, found: Found) -> None:
        if not self.answer.done():
            self.answer.set_result(found)

    def fail(self, failure: StoreUnavailable) -> None:
        """Each gets a failure of its own: a shared one would collect the tracebacks of all."""
        if not self.answer.done():
            self.answer.set_exception(StoreUnavailable(str(failure)))


class PostgresReader:
    """HotReader on a few connections, made when they are needed."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiting: dict[str, list[_Asked]] = {}
        self._idle: list[Link] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn: asyncio.Handle | None = None
        self._down_until = float("-inf")
        self._down_because = ""
        self.round_trips = 0
        """Queries sent so far."""

    async def fetch(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]:
        """Rows as of some moment after the call; StoreUnavailable within ANSWER_WAIT seconds."""
        loop = asyncio.get_running_loop()
        asked = _Asked(tuple(parameters), loop.create_future())
        self._waiting.setdefault(query.sql, []).append(asked)
        if self._turn is None and len(self._tasks) < LINKS:
            self._turn = loop.call_soon(self._send)
        try:
            async with asyncio.timeout(ANSWER_WAIT):
                return cast(list[Row], await asked.answer)
        except TimeoutError:
            raise StoreUnavailable("store: the server does not answer") from None

    async def close(self) -> None:
        """End every connection; whoever still waits is told."""
        if self._turn is not None:
            self._turn.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fail_all(StoreUnavailable("store: closed"))
        for link in self._idle:
            await link.close()
        self._idle.clear()

    def _send(self) -> None:
        """At the end of the turn: as many connections as there are kinds of question."""
        self._turn = None
        for _ in range(min(len(self._waiting), LINKS - len(self._tasks))):
            task = asyncio.get_running_loop().create_task(self._serve())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self) -> None:
        """Answer what waits until nothing does."""
        while self._waiting:
            sql, asked = self._next()
            try:
                await self._answer(sql, asked)
            except StoreUnavailable as failure:
                for one in asked:
                    one.fail(failure)
            except asyncio.CancelledError:
                for one in asked:
                    one.fail(StoreUnavailable("store: closed"))
                raise

    def _next(self) -> tuple[str, list[_Asked]]:
        """The kind that waits longest, and of it those who still wait; the rest goes to the end of the queue."""
        sql = next(iter(self._waiting))
        waiting = [one for one in self._waiting.pop(sql) if not one.answer.done()]
        if len(waiting) > TOGETHER:
            self._waiting[sql] = waiting[TOGETHER:]
        return sql, waiting[:TOGETHER]

    async def _answer(self, sql: str, asked: Sequence[_Asked]) -> None:
        """One round trip; once more where a kept connection turns out to be dead."""
        kept, link = await self._link()
        try:
            await self._ask(link, sql, asked)
        except StoreUnavailable:
            if not kept or link.alive:
                raise
            _, link = await self._link()
            await self._ask(link, sql, asked)

    async def _link(self) -> tuple[bool, Link]:
        """A live connection, and whether it was there before."""
        while self._idle:
            link = self._idle.pop()
            if link.alive:
                return True, link
        loop = asyncio.get_running_loop()
        if loop.time() < self._down_until:
            raise StoreUnavailable(self._down_because)
        try:
            return False, await open_link(self._server)
        except StoreUnavailable as failure:
            self._down_until, self._down_because = loop.time() + REST, str(failure)
            self._fail_all(failure)
            raise

    def _fail_all(self, failure: StoreUnavailable) -> None:
        waiting, self._waiting = self._waiting, {}
        for group in waiting.values():
            for one in group:
                one.fail(failure)

    async def _ask(self, link: Link, sql: str, asked: Sequence[_Asked]) -> None:
        """Put the question; the link is kept only where the answer came, for whatever is wrong may be its own."""
        try:
            await self._put(link, sql, asked)
        except BaseException:
            link.cut()
            raise
        self._idle.append(link)

    async def _put(self, link: Link, sql: str, asked: Sequence[_Asked]) -> None:
        if len(asked) > 1 and joinable(sql):
            try:
                self.round_trips += 1
                await _all_at_once(link, sql, asked)
                return
            except StoreUnavailable:
                if not link.alive:
                    raise
        for one in asked:
            await self._alone(link, sql, one, last=one is asked[-1])

    async def _alone(self, link: Link, sql: str, one: _Asked, last: bool) -> None:
        """A look-up whose own parameters are at fault harms no other."""
        try:
            self.round_trips += 1
            one.tell(await link.fetch(sql, one.parameters))
        except StoreUnavailable as failure:
            one.fail(failure)
            if last or not link.alive:
                raise


def joinable(sql: str) -> bool:
    """A LIMIT cannot differ from one look-up to the next."""
    return sql.count("?") <= FEW and "LIMIT ?" not in sql


async def _all_at_once(link: Link, sql: str, asked: Sequence[_Asked]) -> None:
    """The same look-up for several sets of parameters in one query; who asked the same gets the same."""
    rows_of: dict[tuple[Value, ...], Found] = {one.parameters: [] for one in asked}
    sets = list(rows_of)
    if not sets[0]:
        rows_of[()] = await link.fetch(sql, ())
    else:
        joined = together(sql, await link.types(sql))
        for place, *row in await link.fetch(joined, [list(column) for column in zip(*sets, strict=True)]):
            rows_of[sets[cast(int, place) - 1]].append(tuple(row))
    for one in asked:
        one.tell(list(rows_of[one.parameters]))


def together(sql: str, types: Sequence[str]) -> str:
    """The look-up for several sets of parameters, one array a parameter; rows lead with the place of their set."""
    names = [f"p{place}" for place in range(1, len(types) + 1)]
    first, *others = sql.split("?")
    one = first + "".join(f"asked.{name}{part}" for name, part in zip(names, others, strict=True))
    arrays = ", ".join(f"?::{kind}[]" for kind in types)
    return (
        f"SELECT asked.place, found.* FROM unnest({arrays}) WITH ORDINALITY AS asked({', '.join(names)}, place)"
        f" CROSS JOIN LATERAL ({one}) AS found"
    )
