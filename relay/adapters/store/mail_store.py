"""Everything a process that handles mail needs of the store, opened and closed together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from relay.adapters.store.directory import StoreDirectory
from relay.adapters.store.engine import Engine, open_store, sqlite_path
from relay.adapters.store.hot import HotReader, Query
from relay.adapters.store.hot_sqlite import SqliteReader, SqliteWriteConnection
from relay.adapters.store.journal import StoreJournal
from relay.adapters.store.permissions import StorePermissions
from relay.adapters.store.spool import StoreSpool
from relay.adapters.store.writer import Writer
from relay.ports import Clock, StoreUnavailable

_ALIVE = Query[tuple[int]]("SELECT COUNT(*) FROM generation")


@dataclass(frozen=True, slots=True)
class MailStore:
    """One process's store: cold engine, hot reader, the one writer, and what stands on them."""

    engine: Engine
    reader: HotReader
    writer: Writer
    directory: StoreDirectory
    permissions: StorePermissions
    spool: StoreSpool
    journal: StoreJournal

    async def probe(self) -> None:
        """Returns when the store answers; StoreUnavailable otherwise."""
        await self.reader.fetch(_ALIVE)

    async def close(self) -> None:
        """Write what waits, then close every connection."""
        await asyncio.to_thread(self.writer.close)
        self.reader.close()
        await self.engine.close()


def open_mail_store(url: str, clock: Clock, in_doubt_after: timedelta) -> MailStore:
    """The store behind a [store] url; its schema must be current. Reads and writes nothing yet."""
    engine = open_store(url)
    path = sqlite_path(engine.url)
    if path is None:
        raise StoreUnavailable(f"mail cannot be handled on {engine.url.get_backend_name()}")
    reader = SqliteReader(path)
    writer = Writer(partial(SqliteWriteConnection, path))
    journal = StoreJournal()
    writer.attach(journal)
    return MailStore(
        engine=engine,
        reader=reader,
        writer=writer,
        directory=StoreDirectory(reader, clock),
        permissions=StorePermissions(reader, writer, clock),
        spool=StoreSpool(reader, writer, clock, in_doubt_after),
        journal=journal,
    )
