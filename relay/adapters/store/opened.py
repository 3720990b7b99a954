"""One store as a process uses it: reader, writer, journal, spool and the cold engine, opened and closed together."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from config.schema import Settings
from relay.adapters.journal_output import open_outputs
from relay.adapters.store.directory import StoreDirectory
from relay.adapters.store.engine import Engine, open_store, parse_url, sqlite_path, to_us
from relay.adapters.store.hot import HotReader, Query, Statements
from relay.adapters.store.hot_sqlite import SqliteReader, SqliteWriteConnection
from relay.adapters.store.journal import StoreJournal
from relay.adapters.store.permissions import StorePermissions
from relay.adapters.store.spool import StoreSpool
from relay.adapters.store.writer import Writer
from relay.identifiers import new_ref
from relay.journal import LineJournal
from relay.ports import Clock, Event, StoreUnavailable

FORGET_ROWS = 5000
"""Rows forgotten in one transaction: a promise may be waiting for the same lock."""
_ALIVE = Query[tuple[int]]("SELECT COUNT(*) FROM generation")
_FORGET = (
    "DELETE FROM journal WHERE (account_id, ref, ordinal) IN"
    " (SELECT account_id, ref, ordinal FROM journal WHERE at < ? LIMIT ?)",
    "DELETE FROM delivery WHERE (account_id, ref, contact_id) IN"
    " (SELECT account_id, ref, contact_id FROM delivery WHERE at < ? LIMIT ?)",
)


@dataclass(slots=True)
class OpenedStore:
    """Built once per process by app.py."""

    engine: Engine
    reader: HotReader
    writer: Writer
    journal: LineJournal
    directory: StoreDirectory
    permissions: StorePermissions
    spool: StoreSpool
    clock: Clock

    @classmethod
    def open(cls, settings: Settings, clock: Clock, *, journal: bool = True) -> Self:
        """`journal=False`: nothing is printed or kept, for commands that only look. StoreUnavailable."""
        path = sqlite_path(parse_url(settings.store.url))
        if path is None:
            raise StoreUnavailable("store: this release serves sqlite:///PATH")
        engine, reader = open_store(settings.store.url), SqliteReader(path)
        writer, rows = Writer(lambda: SqliteWriteConnection(path)), StoreJournal()
        writer.attach(rows)
        lines = (
            LineJournal(socket.gethostname(), open_outputs(settings.log, os.environ), rows) if journal else LineJournal("", (), None)
        )
        return cls(
            engine,
            reader,
            writer,
            lines,
            StoreDirectory(reader, clock),
            StorePermissions(reader, writer, clock),
            StoreSpool(reader, writer, clock, timedelta(seconds=settings.delivery.in_doubt_after)),
            clock,
        )

    async def probe(self) -> None:
        """Returns when the store answers; StoreUnavailable otherwise."""
        await self.reader.fetch(_ALIVE)

    async def forget_before(self, before: datetime) -> int:
        """Delete journal and delivery rows older than that, in small steps; how many."""
        gone = 0
        while step := await self.writer.run(lambda statements: _forget(statements, to_us(before))):
            gone += step
        return gone

    def say(self, event: str, level: str, fields: Mapping[str, str | int | float | None]) -> None:
        """One diagnostic event."""
        self.journal.write(Event(event, new_ref(), self.clock.now(), level, fields=fields))

    async def close(self) -> None:
        """Write what waits, then close everything."""
        await asyncio.to_thread(self.writer.close)
        self.journal.close()
        self.reader.close()
        await self.engine.close()


def _forget(statements: Statements, before: int) -> int:
    return sum(statements.execute(sql, (before, FORGET_ROWS)) for sql in _FORGET)
