"""The hot path on SQLite: a read-only connection used in the loop itself, and the writer thread's connection."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from relay.adapters.store.engine import PRAGMAS
from relay.adapters.store.hot import Query, Row, Statements, StoreBroken, Value
from relay.ports import StoreFull, StoreUnavailable

LOOK_EVERY = 0.2
"""Seconds between looks whether the file is still the one that was opened."""

_READING = ("PRAGMA query_only=ON", "PRAGMA busy_timeout=50", "PRAGMA cache_size=-16384")
"""The loop waits no more than 50 ms for a lock, and keeps 16 MiB of the indexes at hand."""

_FULL = "full"
_BROKEN = ("disk i/o error", "malformed", "not a database", "corrupt")


def our_failure(failure: sqlite3.Error) -> StoreUnavailable:
    """What a failure of the library means to us."""
    words = str(failure).lower()
    if _FULL in words:
        return StoreFull(f"store: {failure}")
    if any(one in words for one in _BROKEN):
        return StoreBroken(f"store: {failure}")
    return StoreUnavailable(f"store: {failure}")


class SqliteFile:
    """A connection to the file at a path; opened anew when another file took its place, refused when none is there.

    A moved or deleted file would stay readable and writable for who has it open, and every promise made in it
    would be lost.
    """

    def __init__(self, path: Path, pragmas: Sequence[str]) -> None:
        self._path = str(path)
        self._pragmas = pragmas
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    def connection(self) -> sqlite3.Connection:
        """The connection, after a look at the file."""
        try:
            inode = os.stat(self._path).st_ino
        except OSError as failure:
            raise StoreUnavailable(f"store: {failure}") from failure
        if self._connection is not None and inode == self._inode:
            return self._connection
        self.close()
        self._connection, self._inode = self._opened(), inode
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                f"{Path(self._path).absolute().as_uri()}?mode=rw", uri=True, isolation_level=None
            )
            for pragma in self._pragmas:
                connection.execute(pragma)
        except sqlite3.Error as failure:
            # Not our_failure: whatever is wrong with the file, no write of ours is in doubt, and it may be mended.
            raise StoreUnavailable(f"store: {failure}") from failure
        return connection

    def close(self) -> None:
        """Close what is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SqliteReader:
    """HotReader: a look-up takes a few microseconds, less than handing it to a thread would."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _READING)
        self._connection: sqlite3.Connection | None = None
        self._look_at = 0.0

    async def fetch(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]:
        """Run the query now; each runs in a transaction of its own and sees all commits before it."""
        now = time.monotonic()
        connection = self._connection
        if connection is None or now >= self._look_at:
            connection = self._connection = self._file.connection()
            self._look_at = now + LOOK_EVERY
        try:
            return connection.execute(query.sql, parameters).fetchall()
        except sqlite3.Error as failure:
            raise our_failure(failure) from failure

    async def close(self) -> None:
        """Close the connection; a later look-up opens it again."""
        self._connection = None
        self._file.close()


class SqliteWriteConnection:
    """WriteConnection: BEGIN IMMEDIATE, synchronous=FULL; made and used by the writer's thread."""

    def __init__(self, path: Path, pragmas: Sequence[str] = PRAGMAS) -> None:
        self._file = SqliteFile(path, pragmas)
        self._connection: sqlite3.Connection | None = None

    def begin(self) -> Statements:
        """Take the write lock, waiting as long as the busy timeout says."""
        self._connection = None
        connection = self._connection = self._file.connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as failure:
            raise StoreUnavailable(f"store: {failure}") from failure
        return SqliteStatements(connection)

    def commit(self) -> None:
        """Write and sync; the outcome of a failed sync is unknown, and it is never tried again."""
        try:
            if self._connection is not None:
                self._connection.execute("COMMIT")
        except sqlite3.Error as failure:
            raise our_failure(failure) from failure

    def rollback(self) -> None:
        """Undo what has not been committed."""
        if not self.open() or self._connection is None:
            return
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # SQLite itself rolled back already, or the connection is of no more use: a new one is the cure.
            self.close()

    def open(self) -> bool:
        """Whether a transaction stands."""
        return self._connection is not None and self._connection.in_transaction

    def close(self) -> None:
        """Close the connection; the next transaction opens it again."""
        self._connection = None
        self._file.close()


class SqliteStatements:
    """Statements of one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def fetch(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]:
        """Rows as the transaction sees them."""
        try:
            return self._connection.execute(query.sql, parameters).fetchall()
        except sqlite3.Error as failure:
            raise our_failure(failure) from failure

    def fetch_free(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]:
        """The same: the one transaction that writes holds every row."""
        return self.fetch(query, parameters)

    def take_turns(self) -> None:
        """There is one transaction that writes."""

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run one statement; how many rows it changed."""
        try:
            return self._connection.execute(sql, parameters).rowcount
        except sqlite3.Error as failure:
            raise our_failure(failure) from failure

    def each(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for every row."""
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.Error as failure:
            raise our_failure(failure) from failure
