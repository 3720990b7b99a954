"""A connection to PostgreSQL that keeps nobody waiting: time limits, prepared statements, failures in our words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy.engine import URL

from relay.adapters.store.hot import Value
from relay.ports import StoreFull, StoreUnavailable

ANSWER_WAIT = 2.0
"""Seconds the server may take to accept a connection or to answer a statement of the hot path."""

OCTETS_A_SECOND = 5_000_000
ROWS_A_SECOND = 1000
"""What a slow server still manages: that much longer may large messages and many rows take."""

_EVERYWHERE = {
    "application_name": "permission-relay",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "1500ms",
    "synchronous_commit": "on",
    "TimeZone": "UTC",
}
HOT: Mapping[str, str] = {
    **_EVERYWHERE,
    "statement_timeout": "1800ms",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "jit": "off",
}
"""Every statement of the hot path goes by an index; a plan made while the tables were empty must too."""

COLD: Mapping[str, str] = {**_EVERYWHERE, "statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s"}
"""For people at a terminal, whose searches may be long."""

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


@dataclass(frozen=True, slots=True)
class Server:
    """Where the store is; the text holds the password, so that it is never shown."""

    dsn: str = field(repr=False)

    @classmethod
    def of(cls, url: URL) -> Server:
        """The server behind a [store] url; a folder as `?host=/PATH` means the socket in it."""
        return cls(url.set(drivername="postgresql").render_as_string(hide_password=False))

    async def connect(self, settings: Mapping[str, str], wait: float = ANSWER_WAIT) -> asyncpg.Connection:
        """A connection, or StoreUnavailable within `wait` seconds."""
        try:
            async with asyncio.timeout(wait):
                return await asyncpg.connect(self.dsn, server_settings=dict(settings), timeout=None)
        except TimeoutError:
            raise StoreUnavailable("store: the server does not answer") from None
        except (*FAILURES, ValueError) as failure:
            raise our_failure(failure) from failure


def our_failure(failure: BaseException) -> StoreUnavailable:
    """What a failure of the library means to us; only its first line, for the others quote rows."""
    words = f"store: {str(failure).partition(chr(10))[0] or type(failure).__name__}"
    return StoreFull(words) if isinstance(failure, asyncpg.DiskFullError) else StoreUnavailable(words)


def numbered(sql: str) -> str:
    """The statement with PostgreSQL's $1, $2 … for each `?`; no literal of ours holds a question mark."""
    first, *others = sql.split("?")
    return first + "".join(f"${place}{part}" for place, part in enumerate(others, 1))


def changed(tag: str) -> int:
    """The number of rows in a command tag such as `UPDATE 3`; 0 where it has none."""
    count = tag.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


class Link:
    """A connection with its prepared statements. Whoever waits too long for an answer finds it closed."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._prepared: dict[str, asyncpg.prepared_stmt.PreparedStatement] = {}

    @property
    def alive(self) -> bool:
        return not self._connection.is_closed()

    @property
    def in_transaction(self) -> bool:
        return self.alive and bool(self._connection.is_in_transaction())

    async def types(self, sql: str) -> list[str]:
        """PostgreSQL's names for the types of the statement's parameters."""
        with self._watched():
            return [one.name for one in (await self._statement(sql)).get_parameters()]

    async def fetch(self, sql: str, parameters: Sequence[object]) -> list[tuple[object, ...]]:
        """Rows of a statement with `?` for parameters."""
        with self._watched():
            return [tuple(row) for row in await (await self._statement(sql)).fetch(*parameters)]

    async def execute(self, sql: str, parameters: Sequence[Value]) -> int:
        """How many rows the statement changed."""
        octets = sum(len(one) for one in parameters if isinstance(one, bytes))
        with self._watched(octets / OCTETS_A_SECOND):
            statement = await self._statement(sql)
            await statement.fetch(*parameters)
            return changed(statement.get_statusmsg())

    async def each(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """One statement for every row, sent without waiting in between."""
        with self._watched(len(rows) / ROWS_A_SECOND):
            await (await self._statement(sql)).executemany(rows)

    async def run(self, text: str) -> str:
        """Statements without parameters, at once; the last one's command tag."""
        with self._watched():
            return str(await self._connection.execute(text))

    def cut(self) -> None:
        """End it without a word to the server."""
        self._connection.terminate()

    async def close(self) -> None:
        """Say goodbye, for a second at most."""
        with contextlib.suppress(*FAILURES):
            await self._connection.close(timeout=1)

    async def _statement(self, sql: str) -> asyncpg.prepared_stmt.PreparedStatement:
        prepared = self._prepared.get(sql)
        if prepared is None:
            prepared = self._prepared[sql] = await self._connection.prepare(numbered(sql))
        return prepared

    @contextlib.contextmanager
    def _watched(self, more: float = 0.0) -> Iterator[None]:
        """An answer in time, or none: a cancelled statement would wait for a server that is no more."""
        timer = self._loop.call_later(ANSWER_WAIT + more, self._connection.terminate)
        try:
            yield
        except FAILURES as failure:
            raise our_failure(failure) from failure
        finally:
            timer.cancel()


async def open_link(server: Server, wait: float = ANSWER_WAIT) -> Link:
    """A link for the hot path."""
    return Link(await server.connect(HOT, wait))
