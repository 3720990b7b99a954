"""Some rows of an import against what the store knows of their addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import ColumnElement, distinct, func, select
from sqlalchemy import Row as Found
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import SuppressionReason
from policies.imports.row import NO_RULE, Row
from relay.adapters.store.forgotten import forgotten_noes
from relay.adapters.store.import_target import Target
from relay.adapters.store.noes import EVERY_LIST, standing_noes
from relay.adapters.tables import account, contact

Hidden = Mapping[str, list[Found[tuple[object, ...]]]]
"""Rows of `forgotten` by address key."""

_LOOK_UPS = 4000
"""An address under an account: so many are looked up a chunk at most."""

_HOW = "only a new double opt-in by the person lifts this"


@dataclass(frozen=True)
class Chunk:
    """Rows, and the addresses in them: of one that stands there twice, the first spelling."""

    target: Target
    rows: Sequence[Row]

    @cached_property
    def addresses(self) -> Mapping[str, Address]:
        """By key."""
        return {row.address.key: row.address for row in reversed(self.rows) if row.address is not None}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Of people, by address key."""
        return {row.address.key: row.name for row in reversed(self.rows) if row.address is not None and row.name}

    async def forgotten(self, connection: AsyncConnection) -> Hidden:
        """What those said who were erased since."""
        return await forgotten_noes(connection, self.target.account_id, self.addresses.values())

    async def overlap(self, connection: AsyncConnection, rows: Sequence[Row]) -> int:
        """How many of the accepted addresses other accounts have as well; where those are many, by a sample."""
        keys = sorted({row.address.key for row in rows if row.address is not None and not row.reason})
        others = list(await connection.scalars(select(account.c.account_id).where(_is_not(self.target))))
        if not keys or not others:
            return 0
        asked = keys[:: max(1, len(keys) * len(others) // _LOOK_UPS)]
        theirs = contact.c.account_id.in_(others) & contact.c.address_key.in_(asked)
        found = await connection.scalar(select(func.count(distinct(contact.c.address_key))).where(theirs)) or 0
        return round(found * len(keys) / len(asked))


def _is_not(target: Target) -> ColumnElement[bool]:
    return account.c.account_id != target.account_id


@dataclass(frozen=True, slots=True)
class Weighed:
    """Rows with what stands against them."""

    rows: list[Row]
    forgotten: frozenset[str]
    """Keys of people who were erased: nothing of them is kept again."""


async def weighed(connection: AsyncConnection, chunk: Chunk, hidden: Hidden) -> Weighed:
    """Rows that a 'no' stands against become refused ones."""
    target = chunk.target
    keys = {row.address.key for row in chunk.rows if row.address is not None and not row.reason}
    noes = await standing_noes(connection, target.account_id, target.list_id, sorted(keys)) if keys else {}
    said = {key: no.reason for key, no in noes.items()}
    for key, rows in hidden.items():
        if (gravest := _for_list(rows, target.list_id)) is not None:
            said.setdefault(key, gravest)
    if not said:
        return Weighed(list(chunk.rows), frozenset(hidden))
    return Weighed([_against(row, said) for row in chunk.rows], frozenset(hidden))


def _for_list(rows: Sequence[Found[tuple[object, ...]]], list_id: int) -> SuppressionReason | None:
    """The first reason of POLICY.md's order that holds for a list."""
    said = {
        SuppressionReason(row._mapping["reason"]) for row in rows if row._mapping["list_id"] in (EVERY_LIST, list_id)
    }
    return next((reason for reason in SuppressionReason if reason in said), None)


def _against(row: Row, said: Mapping[str, SuppressionReason]) -> Row:
    no = said.get(row.address.key) if row.address is not None and not row.reason else None
    return row if no is None else row.refused(NO_RULE[no], _HOW)
