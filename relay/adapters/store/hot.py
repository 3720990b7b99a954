"""What the hot path asks of a database: typed look-ups in the loop, and jobs for the one writer thread.

SQL here and in its callers is what SQLite and PostgreSQL share, with `?` for parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from relay.ports import StoreUnavailable

Value = str | int | float | bytes | None
Row = TypeVar("Row", bound=tuple[object, ...], covariant=True)


class StoreBroken(StoreUnavailable):
    """Writing or syncing failed; what the disk holds is unknown, so nothing more is written (row 61)."""


@dataclass(frozen=True)
class Query(Generic[Row]):
    """A SELECT and, as its type parameter, what a row of it is: `Query[tuple[int, str]](…)`."""

    sql: str


class HotReader(Protocol):
    """Look-ups of a few microseconds; each sees everything committed before it."""

    async def fetch(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]: ...

    async def close(self) -> None: ...


class Statements(Protocol):
    """What a job of the writer may do inside the current transaction."""

    def fetch(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]: ...

    def fetch_free(self, query: Query[Row], parameters: Sequence[Value] = ()) -> list[Row]:
        """Rows that no other transaction holds; until this one ends, no other changes them."""

    def take_turns(self) -> None:
        """From here to its end, this is the only transaction of those that ask for it.

        Jobs that change rows which others change too ask first: one transaction does many jobs, in any order, and
        two of them would wait for each other in a circle.
        """

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """How many rows it changed."""

    def each(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """The same statement for every row."""


class WriteConnection(Protocol):
    """The writer's own connection, used by its thread alone; failures come as StoreUnavailable."""

    def begin(self) -> Statements:
        """Take the write lock; StoreUnavailable when another holds it for two seconds."""

    def commit(self) -> None: ...

    def rollback(self) -> None:
        """Never raises: there may be nothing left to undo."""

    def open(self) -> bool:
        """Whether the transaction still stands; a full disk ends it as a whole."""

    def close(self) -> None: ...


SIZES = (1, 8, 64, 256)
"""Lengths of IN lists: few enough that every statement stays prepared."""


class KeyedQuery(Generic[Row]):
    """A SELECT with `{keys}` inside IN (…), for any number of keys, in chunks of a few fixed sizes."""

    def __init__(self, sql: str) -> None:
        self._by_size = {size: Query[Row](sql.format(keys=",".join("?" * size))) for size in SIZES}

    def of(self, size: int) -> Query[Row]:
        """The statement for a list of one of SIZES."""
        return self._by_size[size]

    async def fetch(self, reader: HotReader, before: Sequence[Value], keys: Sequence[str]) -> list[Row]:
        """Rows for all keys; `before` are the parameters that stand left of the list."""
        if len(keys) == 1:
            return await reader.fetch(self.of(1), [*before, keys[0]])
        found: list[Row] = []
        for start in range(0, len(keys), SIZES[-1]):
            chunk = keys[start : start + SIZES[-1]]
            size = next(one for one in SIZES if one >= len(chunk))
            padded = [*before, *chunk, *[chunk[-1]] * (size - len(chunk))]
            found += await reader.fetch(self.of(size), padded)
        return found


Connect = Callable[[], WriteConnection]
