"""The cold path's way to the store: SQLAlchemy Core over aiosqlite or asyncpg, with our failures and our times."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from policies.address import Address
from relay.ports import StoreUnavailable

LOCK_WAIT = 2.0
"""Seconds a statement waits for another writer before the store counts as unavailable (RELIABILITY.md row 63)."""

OPEN_WAIT = 3.0
"""Seconds until a connection must stand and hold the one lock of all writers."""

_ONE_WRITER = "SELECT pg_advisory_xact_lock(7265)"
"""On PostgreSQL writers of the cold path take turns, as they do on SQLite: records are chained, and none may fork."""

OUTSIDE = "relay_outside"
"""Execution option of connections that write: the files beside the store (store/outside.py)."""

PERSON = "relay_person"
"""Execution option of every connection: how an address is recognised that was forgotten (store/forgotten.py)."""

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Aware time as the store keeps it: whole Unix microseconds."""
    return (at - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """A stored time as aware UTC."""
    return _EPOCH + timedelta(microseconds=us)


def optional_us(at: datetime | None) -> int | None:
    """`to_us`, where the column may be NULL."""
    return None if at is None else to_us(at)


def optional_at(us: int | None) -> datetime | None:
    """`from_us`, where the column may be NULL."""
    return None if us is None else from_us(us)


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite store; None for a server."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise StoreUnavailable("the store must be a file: sqlite:///PATH")
    return Path(url.database)


def parse_url(url: str) -> URL:
    """A [store] url with the driver we use; StoreUnavailable where it names no store we know."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreUnavailable("the store's url cannot be read") from None
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise StoreUnavailable(f"no store speaks {parsed.get_backend_name()}")
    return parsed.set(drivername=driver)


class Engine:
    """Connections for console, API, commands, imports and opt-outs; every call is its own transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._reading = engine
        self._writing = engine.execution_options(relay_immediate=True)

    def beside(self, outside: object) -> Engine:
        """What transactions write from here on is also kept in these files, where it must outlive the store."""
        self._writing = self._writing.execution_options(**{OUTSIDE: outside})
        return self

    def recognising(self, person: Callable[[Address], str]) -> Engine:
        """People who were forgotten are known again by this keyed hash of their address."""
        self._reading = self._reading.execution_options(**{PERSON: person})
        self._writing = self._writing.execution_options(**{PERSON: person})
        return self

    @property
    def url(self) -> URL:
        return self._reading.url

    @property
    def sqlite(self) -> bool:
        """Whether the store is a file read by this process itself."""
        return self.url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view for reading; nothing is kept."""
        with _our_failures():
            async with AsyncExitStack() as stack:
                yield await self._opened(stack, self._reading.connect())

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes, committed at the end of the block, undone when the block raises."""
        with _our_failures():
            async with AsyncExitStack() as stack:
                yield await self._opened(stack, self._writing.begin(), "" if self.sqlite else _ONE_WRITER)

    async def _opened(
        self, stack: AsyncExitStack, opening: AbstractAsyncContextManager[AsyncConnection], first: str = ""
    ) -> AsyncConnection:
        """A connection that answers; a server may be there and never say a word."""
        try:
            async with asyncio.timeout(None if self.sqlite else OPEN_WAIT):
                connection = await stack.enter_async_context(opening)
                if first:
                    await connection.exec_driver_sql(first)
                return connection
        except TimeoutError:
            raise StoreUnavailable("store: the server does not answer") from None

    async def close(self) -> None:
        """Close every connection."""
        await self._reading.dispose()


class _our_failures:
    """Turn the library's failures into StoreUnavailable; a violated constraint stays IntegrityError."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: object) -> None:
        if isinstance(failure, IntegrityError):
            return
        if isinstance(failure, DBAPIError):
            words = str((failure.orig and failure.orig.__cause__) or failure.orig).partition("\n")[0]
            raise StoreUnavailable(f"store: {words}") from failure
        if isinstance(failure, (PoolTimeout, OSError, NoSuchModuleError)):
            raise StoreUnavailable(f"store: {failure}") from failure


def open_store(url: str) -> Engine:
    """The store behind a [store] url; opens nothing yet. A SQLite file is made for its owner's eyes only."""
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    if path is None:
        return _open_postgres(parsed)
    make_file(path)
    engine = create_async_engine(parsed, connect_args={"timeout": LOCK_WAIT}, pool_timeout=LOCK_WAIT * 2)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return Engine(engine)


def _open_postgres(url: URL) -> Engine:
    """The library is loaded only by those who use it."""
    from relay.adapters.store.hot_postgres_link import COLD, Server

    connect = partial(Server.of(url).connect, COLD)
    pool: dict[str, float] = {"pool_size": 2, "max_overflow": 4, "pool_timeout": LOCK_WAIT}
    return Engine(create_async_engine(url, async_creator=connect, pool_pre_ping=True, **pool))


def make_file(path: Path) -> None:
    """An empty file with mode 0600, where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as failure:
        raise StoreUnavailable(f"store: {failure}") from failure


PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={int(LOCK_WAIT * 1000)}",
    "PRAGMA foreign_keys=OFF",
)
"""What every connection that may write says first. FULL: a commit survives a power cut."""


_ROOMY = ("PRAGMA cache_size=-49152", "PRAGMA wal_autocheckpoint=32768")
"""48 MiB of pages at hand, and the write-ahead log goes into the file every 128 MiB: for very many rows."""


async def roomy(connection: AsyncConnection) -> None:
    """Before very many rows are written: a file of some hundred megabytes is not read and written page by page."""
    if connection.dialect.name == "sqlite":
        for pragma in _ROOMY:
            await connection.exec_driver_sql(pragma)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """The driver begins no transactions of its own; `_begin_sqlite` does."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: a read lock that has to be raised later cannot wait its turn."""
    immediate = connection.get_execution_options().get("relay_immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
