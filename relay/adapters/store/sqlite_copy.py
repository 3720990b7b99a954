"""A SQLite store copied while it is written to, by the library's own backup (RELIABILITY.md row 73)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from relay.adapters.store.hot_sqlite import our_failure
from relay.ports import StoreUnavailable

LEFT = ("-wal", "-shm")
"""Files that belong to a store besides its own."""


def copy_store(source: Path, target: Path) -> None:
    """One consistent moment of the store as one file, durable on return. StoreUnavailable, OSError."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        _copied(source, part)
        sync(part)
        part.rename(target)
        sync(target.parent)
    except sqlite3.Error as failure:
        raise our_failure(failure) from failure
    finally:
        part.unlink(missing_ok=True)


def _copied(source: Path, part: Path) -> None:
    uri = f"{source.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as store, closing(sqlite3.connect(part)) as copy:
        store.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        found = copy.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise StoreUnavailable(f"store: the copy is damaged: {found}")


def put_in_place(fresh: Path, place: Path, aside: Path) -> bool:
    """`fresh` becomes the store at `place`; what was there is kept whole under `aside`: whether anything was.

    Nobody may have it open.
    """
    kept = place.exists() and place.stat().st_size > 0
    if kept:
        copy_store(place, aside)
        for suffix in LEFT:
            place.with_name(place.name + suffix).unlink(missing_ok=True)
    sync(fresh)
    fresh.rename(place)
    sync(place.parent)
    return kept


def sync(path: Path) -> None:
    """A file's octets, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
