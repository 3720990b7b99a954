"""The store: there, of today's schema, on a library that loses nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

from config.schema import Settings
from relay.adapters.sqlite_binding import FLOORS, sqlite_version, version_floor_ok
from relay.adapters.store.domains import Domains
from relay.adapters.store.engine import Engine, open_store, parse_url, sqlite_path
from relay.adapters.store.schema import SchemaState, check
from relay.doctor.finding import Finding, error, info, ok, warning
from relay.ports import StoreUnavailable

_SCHEMA = {
    SchemaState.CURRENT: ok("store.schema", "the schema is this release's"),
    SchemaState.EMPTY: info("store.empty", "the store is empty; the first start or `relay db init` fills it"),
    SchemaState.OLDER: warning("store.schema_older", "the schema is an earlier release's", "relay db migrate"),
    SchemaState.NEWER: error(
        "store.schema_newer",
        "a later release wrote this store: this one does not serve it",
        "install that release again, or restore a backup made before it",
    ),
}


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Opens the store for reading; a file that is not there is not made."""
    try:
        path = sqlite_path(parse_url(settings.store.url))
        if path is not None:
            yield _library()
        if _absent(path):
            yield info("store.empty", f"{path} is not there yet; the first start or `relay db init` makes it")
            return
        engine = open_store(settings.store.url)
        try:
            yield _SCHEMA[await check(engine)]
        finally:
            await engine.close()
    except StoreUnavailable as trouble:
        mend = "look at [store] url, at the server, and at who may open the file"
        yield error("store.unreachable", str(trouble) or "the store does not answer", mend, unreachable=True)


def _absent(path: Path | None) -> bool:
    return path is not None and not os.path.exists(path)


def _library() -> Finding:
    used = ".".join(str(one) for one in sqlite_version())
    if version_floor_ok():
        return ok("store.sqlite", f"SQLite {used}")
    floors = ", ".join(".".join(str(one) for one in floor) for floor in FLOORS)
    what = f"SQLite {used} can lose committed transactions (WAL reset)"
    return error(
        "store.sqlite_version", what, f"one of {floors} or newer: `pip install pysqlite3`, or a newer Python"
    )


async def verified_domains(settings: Settings) -> list[str]:
    """Every domain an account has proved; empty where the store cannot tell, which `examine` has said then."""
    try:
        if _absent(sqlite_path(parse_url(settings.store.url))):
            return []
        engine = open_store(settings.store.url)
        try:
            return await _verified(engine)
        finally:
            await engine.close()
    except StoreUnavailable:
        return []


async def _verified(engine: Engine) -> list[str]:
    if await check(engine) is not SchemaState.CURRENT:
        return []
    return await Domains(engine).verified()
