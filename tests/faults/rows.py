"""A relay's store as another process sees it, whichever it is: for tests that look into it, and age it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import asyncpg

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """`url` as [store] has it, a SQLite path relative to `folder`; statements mark their parameters with `?`."""

    url: str
    folder: Path

    def query(self, sql: str, *parameters: object) -> list[Row]:
        """What stands there now."""
        file = self.file
        if file is None:
            return asyncio.run(_fetched(self.url, sql, parameters))
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, parameters).fetchall()

    def change(self, *statements: str) -> None:
        """All of them or none."""
        file = self.file
        if file is None:
            asyncio.run(_executed(self.url, ";".join(statements)))
            return
        with contextlib.closing(sqlite3.connect(file, timeout=10)) as connection, connection:
            for one in statements:
                connection.execute(one)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None: it is a PostgreSQL."""
        kind, _, path = self.url.partition(":///")
        return self.folder / path if kind == "sqlite" else None


async def _fetched(url: str, sql: str, parameters: tuple[object, ...]) -> list[Row]:
    numbers = itertools.count(1)
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(re.sub(r"\?", lambda _: f"${next(numbers)}", sql), *parameters)
    finally:
        await connection.close()
    return [tuple(one) for one in found]


async def _executed(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
