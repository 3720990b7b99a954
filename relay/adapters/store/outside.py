"""What must outlive the store: every 'no', and whose address a contact id is, in files beside it (row 73).

A restored store is as old as its backup. These files are not: they are replayed onto it, so that nobody's 'no' is
forgotten and a link made after the backup still finds its reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.append_only import AppendOnly, Record
from relay.adapters.store.engine import OUTSIDE
from relay.ports import StoreUnavailable

NOES = "noes.log"
"""In data_dir: every 'no' and every one that staff lifted."""
PEOPLE = "people.log"
"""In data_dir: account, contact id and address, as contacts are made."""
FORGOTTEN = "forgotten.log"
"""In data_dir: what those had said whose address was erased, under a keyed hash."""
SAID, LIFTED = "no", "lifted"


@dataclass(frozen=True, slots=True)
class Outside:
    """The two files of a data_dir."""

    noes: AppendOnly
    people: AppendOnly
    forgotten: AppendOnly

    @classmethod
    def of(cls, data_dir: Path) -> Outside:
        return cls(*(AppendOnly(data_dir / name) for name in (NOES, PEOPLE, FORGOTTEN)))

    def keep_people(self, rows: Sequence[Mapping[str, str | int]]) -> None:
        """Contacts just made; durable on return, StoreUnavailable where they are not."""
        names = ("account_id", "contact_id", "address", "name", "created_at")
        _append(self.people, [{name: row[name] for name in names} for row in rows])


async def note_noes(connection: AsyncConnection, records: Sequence[Record]) -> None:
    """Before the transaction commits: the file may hold more than the store, never less."""
    outside = _of(connection)
    if outside is not None and records:
        await asyncio.to_thread(_append, outside.noes, records)


async def note_people(connection: AsyncConnection, rows: Sequence[Mapping[str, str | int]]) -> None:
    """The same for contacts made in this transaction."""
    outside = _of(connection)
    if outside is not None and rows:
        await asyncio.to_thread(outside.keep_people, rows)


async def note_forgotten(connection: AsyncConnection, records: Sequence[Record]) -> None:
    """What a person said whose address goes: before the transaction commits."""
    outside = _of(connection)
    if outside is not None and records:
        await asyncio.to_thread(_append, outside.forgotten, records)


async def erase_person(connection: AsyncConnection, meant: Callable[[Record], bool]) -> None:
    """Lines of a person in the other two files; their 'no' stands in the third by now."""
    outside = _of(connection)
    if outside is not None:
        for file in (outside.noes, outside.people):
            await asyncio.to_thread(file.erase, meant)


def _of(connection: AsyncConnection) -> Outside | None:
    """The files of the store behind this connection; None: it was opened without (a copy, a rehearsal)."""
    found = connection.sync_connection.get_execution_options().get(OUTSIDE) if connection.sync_connection else None
    return found if isinstance(found, Outside) else None


def _append(file: AppendOnly, records: Sequence[Record]) -> None:
    try:
        file.append(records)
    except OSError as failure:
        raise StoreUnavailable(f"{file.path.name}: {failure.strerror}") from failure
