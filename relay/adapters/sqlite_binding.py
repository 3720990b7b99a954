"""One SQLite library a process: pysqlite3, under the name sqlite3 too (DESIGN.md §5).

Two copies of the library on one file break each other's locks, and aiosqlite and SQLAlchemy import `sqlite3`;
so this is imported by `relay/__init__.py`, before anything that could.
"""

from __future__ import annotations

import sys

try:
    import pysqlite3
    import pysqlite3.dbapi2
except ModuleNotFoundError:  # no wheel for this machine, Linux arm64 among them: the standard library's
    import sqlite3 as sqlite
else:
    sqlite = pysqlite3
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2

Version = tuple[int, int, int]

FLOORS: tuple[Version, ...] = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""First version of each line without the WAL-reset bug: below, committed transactions can be lost."""


def sqlite_version() -> Version:
    """Of the library every path of this process uses."""
    major, minor, patch = sqlite.sqlite_version_info
    return major, minor, patch


def version_floor_ok(version: Version | None = None) -> bool:
    """Whether WAL is safe on this version; default: the one in use."""
    used = version or sqlite_version()
    return used >= FLOORS[-1] or any(floor[:2] == used[:2] and used >= floor for floor in FLOORS)
