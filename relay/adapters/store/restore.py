"""A store as a backup has it, caught up with every 'no' since, its queue parked for a person (row 73)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.append_only import AppendOnly, DamagedLine
from relay.adapters.store import archive, replay
from relay.adapters.store.archive import Manifest, Unusable
from relay.adapters.store.backup import STORE, make_backup
from relay.adapters.store.engine import Engine, open_store, sqlite_path
from relay.adapters.store.forgotten import say_hidden
from relay.adapters.store.outside import NOES, PEOPLE, Outside
from relay.adapters.store.schema import SchemaState, check, knows, upgrade
from relay.adapters.store.sqlite_copy import put_in_place
from relay.adapters.store.token_keys import Fingerprints, ring_fault
from relay.adapters.tables import metadata, spool_copy, spool_message
from relay.ports import CopyState

PARKED = "parked: the store was restored, and it may have been sent since the backup"
_LIVE = (CopyState.PENDING.value, CopyState.SENDING.value, CopyState.IN_DOUBT.value)


class NoKeyRing(Exception):
    """The keys that the backup's links were signed with are not here; the text names them."""


class InUse(Exception):
    """Somebody still works with the store."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    made_at: str
    """When the backup was made."""
    aside: Path | None
    """The store that was there before; None: there was none."""
    parked: int
    """Copies that wait for a person."""
    people: int
    noes: int
    damaged: tuple[DamagedLine, ...]


@dataclass(frozen=True, slots=True)
class Restoring:
    """One restore into the store behind a url, whose relay does not run."""

    url: str
    data_dir: Path
    ring: Fingerprints
    at: datetime
    more_noes: Sequence[Path] = ()
    """Files of other nodes, or copies kept elsewhere."""

    async def run(self, backup: Path) -> Restored:
        """All of it or nothing. Unusable, NoKeyRing, InUse, StoreUnavailable, OSError."""
        with tempfile.TemporaryDirectory(dir=self.data_dir, prefix=".restoring-") as name:
            folder = Path(name)
            manifest, parts = await asyncio.to_thread(archive.read, backup, folder)
            self._check(manifest)
            self._gather_files(parts)
            engine = open_store(self.url)
            try:
                path = sqlite_path(engine.url)
                if path is None:
                    return await self._into_server(engine, manifest, parts)
            finally:
                await engine.close()
            return await self._into_file(path, manifest, parts[STORE])

    def _check(self, manifest: Manifest) -> None:
        wanted = "sqlite" if self.url.startswith("sqlite") else "postgresql"
        if manifest.store != wanted:
            raise Unusable(f"it is of a {manifest.store} store, and [store] url names a {wanted} one")
        if not knows(manifest.revision):
            raise Unusable("it was made by a newer release, which this one does not know")
        if fault := ring_fault({int(key): one for key, one in manifest.keys.items()}, self.ring):
            raise NoKeyRing(fault)

    def _gather_files(self, parts: Mapping[str, Path]) -> None:
        """What the backup and other nodes have is in our own files from here on: the next restore needs it too."""
        outside = Outside.of(self.data_dir)
        for file, sources in (
            (outside.noes, [*self.more_noes, parts.get(NOES)]),
            (outside.people, [parts.get(PEOPLE)]),
        ):
            have = list(replay.read(file).records)
            for source in sources:
                if source is not None:
                    file.append(fresh := [one for one in replay.read(AppendOnly(source)).records if one not in have])
                    have += fresh

    async def _into_file(self, place: Path, manifest: Manifest, fresh: Path) -> Restored:
        engine = open_store(f"sqlite:///{fresh}")
        try:
            await upgrade(engine)
            async with engine.begin() as connection:
                restored = await self._caught_up(connection, manifest)
            async with engine.connect() as connection:
                await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        finally:
            await engine.close()
        aside = self._aside(place.parent, place.name)
        kept = await asyncio.to_thread(put_in_place, fresh, place, aside)
        return _with_aside(restored, aside if kept else None)

    async def _into_server(self, engine: Engine, manifest: Manifest, parts: Mapping[str, Path]) -> Restored:
        await _alone(engine)
        aside = None
        if await check(engine) is not SchemaState.EMPTY:
            aside = self._aside(self.data_dir, "store")
            await make_backup(engine, aside, self.data_dir, self.ring, self.at)
        await upgrade(engine)
        async with engine.begin() as connection:
            await _refill(connection, manifest, parts)
            restored = await self._caught_up(connection, manifest)
        return _with_aside(restored, aside)

    def _aside(self, folder: Path, name: str) -> Path:
        return folder / f"{name}.before-restore-{self.at:%Y%m%dT%H%M%SZ}"

    async def _caught_up(self, connection: AsyncConnection, manifest: Manifest) -> Restored:
        outside = Outside.of(self.data_dir)
        people, noes, hidden = (replay.read(file) for file in (outside.people, outside.noes, outside.forgotten))
        return Restored(
            manifest.made_at,
            None,
            await _park(connection),
            await replay.add_people(connection, people.records),
            await replay.say_again(connection, noes.records) + await say_hidden(connection, hidden.records),
            people.damaged + noes.damaged + hidden.damaged,
        )


def _with_aside(restored: Restored, aside: Path | None) -> Restored:
    return Restored(restored.made_at, aside, restored.parked, restored.people, restored.noes, restored.damaged)


async def _alone(engine: Engine) -> None:
    """Nodes that still take mail would write into what is being replaced."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'permission-relay' AND pid <> pg_backend_pid()"
    )
    async with engine.connect() as connection:
        if found := await connection.scalar(text(others)):
            raise InUse(f"{found} connections of a relay are open to this store: stop every node first")


async def _refill(connection: AsyncConnection, manifest: Manifest, parts: Mapping[str, Path]) -> None:
    """Every table emptied and filled from the backup, inside the transaction that is open."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    await connection.execute(text("SET LOCAL statement_timeout = 0"))
    for table in metadata.sorted_tables:
        await connection.execute(delete(table))
        source = parts.get(f"tables/{table.name}")
        if source is not None:
            columns = list(manifest.columns[table.name])
            await driver.copy_to_table(table.name, source=source, columns=columns, format="binary", timeout=None)


async def _park(connection: AsyncConnection) -> int:
    """Nothing of the backup's queue goes out until a person says so; how many copies wait for that."""
    rows = await connection.execute(
        update(spool_copy)
        .where(spool_copy.c.state.in_(_LIVE))
        .values(state=CopyState.QUARANTINED.value, next_attempt_at=None, reply=PARKED)
    )
    live = select(spool_message.c.ref).where(spool_message.c.final_at.is_(None))
    message = spool_message.c
    await connection.execute(
        update(spool_message)
        .where(message.ref.in_(live))
        .values(promised=1, lease_until=None, fence=message.fence + 1, next_attempt_at=None)
    )
    return rows.rowcount
