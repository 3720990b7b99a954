"""Import batches begun, gone on with, and rehearsed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row as Found
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.facts import Confirm
from policies.imports.batch import BatchState, Score
from policies.imports.row import Row
from relay.adapters.store.engine import Engine, from_us, to_us
from relay.adapters.store.history import Act
from relay.adapters.store.import_chunks import Chunk, weighed
from relay.adapters.store.import_running import StoredBatch
from relay.adapters.store.import_target import Target, Terms
from relay.adapters.store.names import account_id_of, fresh_id, list_id_of
from relay.adapters.tables import domain, import_batch, mailing_list
from relay.permission.imports import OVERLAP, Summary


class Imports:
    """Opens batches."""

    def __init__(self, engine: Engine, terms: Terms | None = None) -> None:
        self._engine = engine
        self._terms = terms or Terms()

    async def target(self, account_name: str, list_name: str) -> Target:
        """The list by its names; NotFound where there is none."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            list_id = await list_id_of(connection, account_id, list_name)
            kind = select(mailing_list.c.confirm).where(
                mailing_list.c.account_id == account_id, mailing_list.c.list_id == list_id
            )
            confirm = Confirm((await connection.execute(kind)).scalar_one())
            own = select(domain.c.domain).where(domain.c.account_id == account_id, domain.c.verified_at.is_not(None))
            domains = frozenset(await connection.scalars(own))
        return Target(account_id, account_name, list_id, list_name, confirm, domains)

    async def begin(self, target: Target, source: str, file_hash: str, act: Act) -> StoredBatch:
        """The batch of this very file that did not come to its end, else a new one; before its first row."""
        async with self._engine.begin() as connection:
            row = await _unfinished(connection, target, source, file_hash)
            if row is not None:
                one = row._mapping
                since = Act(one["actor"], from_us(one["started_at"]))
                return self._batch(target, one["batch_id"], source, since, act.at, _summary(row))
            batch_id = fresh_id(52)
            await connection.execute(
                insert(import_batch).values(
                    account_id=target.account_id,
                    batch_id=batch_id,
                    list_id=target.list_id,
                    source=source,
                    file_hash=file_hash,
                    actor=act.by,
                    state=BatchState.RUNNING.value,
                    started_at=to_us(act.at),
                )
            )
        return self._batch(target, batch_id, source, act, act.at, Summary())

    def _batch(
        self, target: Target, batch_id: int, source: str, begun: Act, now: datetime, summary: Summary
    ) -> StoredBatch:
        return StoredBatch(self._engine, target, batch_id, source, begun, now, summary, self._terms)

    def rehearse(self, target: Target, act: Act) -> Rehearsal:
        """A batch that keeps nothing."""
        return Rehearsal(self._engine, target, act)


@dataclass(slots=True)
class Rehearsal:
    """What an import would do: looks, and changes nothing."""

    engine: Engine
    target: Target
    begun: Act
    summary: Summary = field(default_factory=Summary)

    async def refused(self) -> Mapping[int, tuple[str, str]]:
        """Nothing was kept before."""
        return {}

    async def take(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with the verdict they would get."""
        chunk = Chunk(self.target, rows)
        async with self.engine.connect() as connection:
            taken = (await weighed(connection, chunk, await chunk.forgotten(connection))).rows
            self.summary.signals[OVERLAP] += await chunk.overlap(connection, taken)
        for row in taken:
            self.summary.count(row)
        return taken

    async def finish(self, score: Score) -> None:
        """There is nothing to end."""
        self.summary.score = score


async def _unfinished(
    connection: AsyncConnection, target: Target, source: str, file_hash: str
) -> Found[tuple[object, ...]] | None:
    """The newest batch of the file that was not read to its end; a file without a hash is never gone on with."""
    table = import_batch.c
    statement = (
        select(import_batch)
        .where(
            table.account_id == target.account_id,
            table.list_id == target.list_id,
            table.file_hash == file_hash,
            table.source == source,
            table.state == BatchState.RUNNING.value,
        )
        .order_by(table.started_at.desc())
    )
    return (await connection.execute(statement.limit(1))).first()


def _summary(row: Found[tuple[object, ...]]) -> Summary:
    one = row._mapping
    reasons, signals = json.loads(one["reasons"] or "{}"), json.loads(one["signals"] or "{}")
    return Summary(one["rows"], one["accepted"], Counter(reasons), Counter(signals))
