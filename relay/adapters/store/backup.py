"""A backup of a store that goes on taking mail: one consistent moment of it, and the files beside it."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import datetime
from pathlib import Path

import asyncpg
from sqlalchemy import text

from relay import __version__
from relay.adapters.store import archive
from relay.adapters.store.archive import Manifest
from relay.adapters.store.engine import Engine, sqlite_path
from relay.adapters.store.hot_postgres_link import COLD, FAILURES, Server, our_failure
from relay.adapters.store.outside import Outside
from relay.adapters.store.sqlite_copy import copy_store
from relay.adapters.store.token_keys import Fingerprints
from relay.adapters.tables import metadata

STORE = "store.db"
UNHURRIED = {**COLD, "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
"""For copying whole tables."""


async def make_backup(engine: Engine, target: Path, data_dir: Path, ring: Fingerprints, at: datetime) -> Manifest:
    """Write the backup to `target`, which must not exist. StoreUnavailable, OSError."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as name:
        folder = Path(name)
        columns: dict[str, list[str]] = {}
        if (path := sqlite_path(engine.url)) is not None:
            await asyncio.to_thread(copy_store, path, folder / STORE)
            parts = {STORE: folder / STORE}
        else:
            parts, columns = await _copied_tables(engine, folder)
        # After the store: they may hold more than it, never less.
        outside = Outside.of(data_dir)
        parts |= {file.path.name: file.path for file in (outside.noes, outside.people) if file.path.exists()}
        keys = {str(key): fingerprint for key, fingerprint in ring.items()}
        kind = "sqlite" if engine.sqlite else "postgresql"
        manifest = Manifest(at.isoformat(), __version__, kind, await _revision(engine), keys, columns)
        await asyncio.to_thread(archive.write, target, manifest, parts)
        return manifest


async def _revision(engine: Engine) -> str:
    async with engine.connect() as connection:
        return str(await connection.scalar(text("SELECT version_num FROM alembic_version")))


async def _copied_tables(engine: Engine, folder: Path) -> tuple[dict[str, Path], dict[str, list[str]]]:
    """Every table in COPY's binary form, all of one moment."""
    columns = {str(table.name): [str(column.name) for column in table.columns] for table in metadata.sorted_tables}
    parts = {f"tables/{name}": folder / f"{name}.copy" for name in columns}
    connection = await Server.of(engine.url).connect(UNHURRIED)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for name, names in columns.items():
                await connection.copy_from_table(
                    name, columns=names, output=parts[f"tables/{name}"], format="binary", timeout=None
                )
    except FAILURES as failure:
        raise our_failure(failure) from failure
    finally:
        await _closed(connection)
    return parts, columns


async def _closed(connection: asyncpg.Connection) -> None:
    await connection.close(timeout=5)
