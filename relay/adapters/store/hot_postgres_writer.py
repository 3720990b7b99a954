"""The writer thread's connection to PostgreSQL: a loop of its own, one transaction at a time, no outcome guessed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable, Sequence
from typing import TypeVar, cast

from relay.adapters.store.hot import Query, Row, Statements, Value
from relay.adapters.store.hot_postgres_link import Link, Server, changed, open_link
from relay.ports import StoreUnavailable

STALE_WITHIN = 0.5
"""A kept connection that fails sooner than this was closed long ago: a new one is worth a try."""

OUTCOME_WAIT = 1.0
"""Seconds in which a COMMIT whose answer was lost is asked after."""

_AGAIN = 0.05
_TURN = "SELECT pg_advisory_xact_lock(7266)"
_XID = "SELECT pg_current_xact_id()::text"
_STATUS = "SELECT pg_xact_status(?::text::xid8)"

Answer = TypeVar("Answer")


class PostgresWriteConnection:
    """WriteConnection: made and used by the writer's thread alone; synchronous_commit is on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._link: Link | None = None
        self._statements: PostgresStatements | None = None

    def begin(self) -> Statements:
        """Begin on the connection that is kept, or on a new one where that was closed meanwhile."""
        started = time.monotonic()
        if self._link is not None:
            try:
                return self._begun(self._link)
            except StoreUnavailable:
                self._cut()
                if time.monotonic() - started > STALE_WITHIN:
                    raise
        self._link = self._do(open_link(self._server))
        return self._begun(self._link)

    def commit(self) -> None:
        """Durable once this returns. An answer that never came is looked up, for COMMIT may have been done."""
        link, statements = self._link, self._statements
        if link is None or statements is None:
            raise StoreUnavailable("store: no transaction to commit")
        xid = str(self._do(link.fetch(_XID, ()))[0][0])
        try:
            done = self._committed(f"{statements.take_owed()}COMMIT")
        except StoreUnavailable:
            self._cut()
            self._asked_after(xid)
            return
        if done != "COMMIT":
            raise StoreUnavailable("store: the transaction was undone")

    def rollback(self) -> None:
        """Undo what has not been committed; a connection that cannot is given up, and the server undoes it."""
        if self._link is None or not self.open():
            self._cut()
            return
        try:
            self._do(self._link.run("ROLLBACK"))
        except StoreUnavailable:
            self._cut()

    def open(self) -> bool:
        """Whether the transaction stands, with or without a savepoint to go back to."""
        return self._link is not None and self._link.in_transaction

    def close(self) -> None:
        """Close the connection and its loop: the thread ends."""
        if self._link is not None:
            self._do(self._link.close())
            self._link = None
        self._loop.close()

    def _begun(self, link: Link) -> Statements:
        self._do(link.run("BEGIN"))
        self._statements = PostgresStatements(link, self._loop)
        return self._statements

    def _committed(self, text: str) -> str:
        """Send COMMIT; the tag that came back is ROLLBACK where there was nothing to keep."""
        assert self._link is not None
        return self._do(self._link.run(text))

    def _asked_after(self, xid: str) -> None:
        """Return where the transaction was committed; StoreUnavailable where it was not, or nobody can tell."""
        until = time.monotonic() + OUTCOME_WAIT
        while (left := until - time.monotonic()) > 0:
            status = self._status(xid, left)
            if status == "committed":
                return
            if status == "aborted":
                raise StoreUnavailable("store: the connection was lost, and the transaction with it")
            time.sleep(_AGAIN)
        raise StoreUnavailable("store: the connection was lost at COMMIT")

    def _status(self, xid: str, wait: float) -> str:
        """What a fresh connection knows of a transaction; empty: there is none to be had."""
        try:
            self._link = self._do(open_link(self._server, wait))
            return str(self._do(self._link.fetch(_STATUS, (xid,)))[0][0])
        except StoreUnavailable:
            self._cut()
            return ""

    def _cut(self) -> None:
        if self._link is not None:
            self._link.cut()
            self._link = None

    def _do(self, work: Coroutine[object, object, Answer]) -> Answer:
        return self._loop.run_until_complete(work)


class PostgresStatements:
    """Statements of one transaction. A savepoint's release waits for whatever is sent next."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self._link = link
        self._loop = loop
        self._owed = ""

    def take_owed(self) -> str:
        """What is still to be sent: it goes with what the caller sends next."""
        owed, self._owed = self._owed, ""
        return owed

    def fetch(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]:
        """Rows as the transaction sees them."""
        return cast(list[Row], self._do(self._link.fetch(query.sql, parameters)))

    def fetch_free(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]:
        """Rows that no other transaction holds, held by this one from here on."""
        return cast(list[Row], self._do(self._link.fetch(f"{query.sql} FOR UPDATE SKIP LOCKED", parameters)))

    def take_turns(self) -> None:
        """One lock until the transaction ends; a job that is undone gives it back, so that every job asks."""
        self._do(self._link.run(_TURN))

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run one statement; how many rows it changed."""
        if parameters:
            return self._do(self._link.execute(sql, parameters))
        if sql.startswith("RELEASE "):
            self._owed += f"{sql};"
            return 0
        return changed(self._do(self._link.run(f"{self.take_owed()}{sql}")))

    def each(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for every row."""
        if wanted := list(rows):
            self._do(self._link.each(sql, wanted))

    def _do(self, work: Coroutine[object, object, Answer]) -> Answer:
        return self._loop.run_until_complete(self._after_owed(work))

    async def _after_owed(self, work: Coroutine[object, object, Answer]) -> Answer:
        try:
            if self._owed:
                await self._link.run(self.take_owed())
            return await work
        finally:
            work.close()
