"""A restored store catches up: contacts and every 'no' that the files beside it have and it has not (row 73)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import SuppressionReason
from relay.adapters.append_only import AppendOnly, DamagedLine, Value
from relay.adapters.store.engine import from_us
from relay.adapters.store.history import Act
from relay.adapters.store.names import insert_missing
from relay.adapters.store.noes import Wish, keep, lift
from relay.adapters.store.outside import LIFTED, SAID
from relay.adapters.tables import account, contact, suppression

Record = dict[str, Value]
Scope = tuple[int, str, int, str]
"""Account, address key, list, reason: what one 'no' is told from another by."""
_PART = 500


@dataclass(frozen=True, slots=True)
class Read:
    """One file: its records in order, and the lines that cannot be trusted."""

    records: tuple[Record, ...]
    damaged: tuple[DamagedLine, ...]


def read(file: AppendOnly) -> Read:
    lines = list(file.read())
    damaged = tuple(line for line in lines if isinstance(line, DamagedLine))
    return Read(tuple(line for line in lines if not isinstance(line, DamagedLine)), damaged)


async def add_people(connection: AsyncConnection, records: Iterable[Record]) -> int:
    """Contacts made after the backup, under accounts it has: their links find them again. How many."""
    accounts = set(await connection.scalars(select(account.c.account_id)))
    count = select(func.count()).select_from(contact)
    before = await connection.scalar(count)
    for part in _parts(one for one in records if one["account_id"] in accounts):
        rows = [{**one, "address_key": Address.parse(str(one["address"])).key} for one in part]
        await connection.execute(insert_missing(connection, contact), rows)
    return int(await connection.scalar(count) or 0) - int(before or 0)


async def say_again(connection: AsyncConnection, records: Iterable[Record]) -> int:
    """Every 'no' and every lifting, in their order; what the store knows already changes nothing. How many did."""
    changed = 0
    for part in _parts(records):
        known = await _known(connection, part)
        for one in part:
            if one["kind"] == LIFTED:
                at, address = from_us(int(one["at"])), Address.parse(str(one["address"]))
                changed += await lift(
                    connection, int(one["account_id"]), address, int(one["list_id"]), str(one["how"]), at
                )
            elif int(one["at"]) > known.get(scope(one), -1):
                changed += await keep(connection, _wish(one))
                known[scope(one)] = int(one["at"])
    return changed


async def unknown_noes(connection: AsyncConnection, records: Iterable[Record]) -> list[Record]:
    """Those of which the store has no row at all."""
    unknown: list[Record] = []
    for part in _parts(one for one in records if one["kind"] == SAID):
        known = await _known(connection, part)
        unknown += [one for one in part if scope(one) not in known]
    return unknown


def scope(one: Record) -> Scope:
    key = Address.parse(str(one["address"])).key
    return int(one["account_id"]), key, int(one["list_id"]), str(one.get("reason", ""))


def _wish(one: Record) -> Wish:
    return Wish(
        int(one["account_id"]),
        Address.parse(str(one["address"])),
        int(one["list_id"]),
        SuppressionReason(str(one["reason"])),
        str(one["way"]),
        Act(str(one["actor"]), from_us(int(one["at"]))),
        str(one["client"]),
        str(one["token"]),
        "replayed from the file beside the store",
    )


async def _known(connection: AsyncConnection, part: Sequence[Record]) -> dict[Scope, int]:
    """When each scope of these addresses was last said or lifted."""
    table = suppression.c
    keys = {Address.parse(str(one["address"])).key for one in part}
    rows = await connection.execute(select(suppression).where(table.address_key.in_(keys)))
    return {
        (row.account_id, row.address_key, row.list_id, row.reason): max(row.at, row.lifted_at or row.at)
        for row in rows
    }


def _parts(records: Iterable[Record]) -> Iterator[list[Record]]:
    rest = iter(records)
    while part := list(islice(rest, _PART)):
        yield part
