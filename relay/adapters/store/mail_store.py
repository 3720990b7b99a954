"""Everything a process that handles mail needs of the store, opened and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.engine import URL

from policies.address import Address
from relay.adapters.store.directory import StoreDirectory
from relay.adapters.store.engine import Engine, open_store, sqlite_path
from relay.adapters.store.generation import DIRECTORY, Generation, PolledGeneration
from relay.adapters.store.hot import Connect, HotReader, Query
from relay.adapters.store.hot_sqlite import SqliteReader, SqliteWriteConnection
from relay.adapters.store.journal import StoreJournal
from relay.adapters.store.outside import Outside
from relay.adapters.store.permissions import StorePermissions
from relay.adapters.store.spool import StoreSpool
from relay.adapters.store.writer import Writer
from relay.ports import Clock

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
    generation: Generation

    async def probe(self) -> None:
        """Returns when the store answers; StoreUnavailable otherwise."""
        await self.reader.fetch(_ALIVE)

    async def close(self) -> None:
        """Write what waits, then close every connection."""
        await asyncio.to_thread(self.writer.close)
        await self.generation.close()
        await self.reader.close()
        await self.engine.close()


def open_mail_store(
    url: str,
    clock: Clock,
    in_doubt_after: timedelta,
    data_dir: Path | None = None,
    recognise: Callable[[Address], str] | None = None,
) -> MailStore:
    """The store behind a [store] url; its schema must be current. Reads and writes nothing yet.

    Where data_dir is given, what must outlive the store is also kept there (store/outside.py); by `recognise` people
    who were forgotten are known again (store/forgotten.py).
    """
    outside = None if data_dir is None else Outside.of(data_dir)
    engine = open_store(url).beside(outside)
    if recognise is not None:
        engine.recognising(recognise)
    path = sqlite_path(engine.url)
    hot = _on_postgres(engine.url) if path is None else _on_sqlite(path, clock)
    reader, writer = hot.reader, Writer(hot.connect)
    journal = StoreJournal()
    writer.attach(journal)
    return MailStore(
        engine=engine,
        reader=reader,
        writer=writer,
        directory=StoreDirectory(reader, clock, hot.generation),
        permissions=StorePermissions(reader, writer, clock, outside, recognise),
        spool=StoreSpool(reader, writer, clock, in_doubt_after),
        journal=journal,
        generation=hot.generation,
    )


@dataclass(frozen=True, slots=True)
class _Hot:
    """What differs between the stores."""

    reader: HotReader
    connect: Connect
    generation: Generation


def _on_sqlite(path: Path, clock: Clock) -> _Hot:
    reader = SqliteReader(path)
    return _Hot(reader, partial(SqliteWriteConnection, path), PolledGeneration(reader, clock, DIRECTORY))


def _on_postgres(url: URL) -> _Hot:
    """The library is loaded only by those who use it."""
    from relay.adapters.store.hot_postgres import PostgresReader
    from relay.adapters.store.hot_postgres_link import Server
    from relay.adapters.store.hot_postgres_news import HeardGeneration
    from relay.adapters.store.hot_postgres_writer import PostgresWriteConnection

    server = Server.of(url)
    return _Hot(PostgresReader(server), partial(PostgresWriteConnection, server), HeardGeneration(server, DIRECTORY))
