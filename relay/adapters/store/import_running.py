"""One import under way: its rows kept chunk by chunk, each with how far it came; and its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.imports.batch import BatchState, Score
from policies.imports.row import Row
from relay.adapters.store.contacts import Made, made_contacts
from relay.adapters.store.engine import Engine, roomy, to_us
from relay.adapters.store.history import Act, record_event
from relay.adapters.store.import_chunks import Chunk, Weighed, weighed
from relay.adapters.store.import_subscriptions import Grounds, subscribe
from relay.adapters.store.import_target import Target, Terms
from relay.adapters.store.names import NotAllowed, insert_missing
from relay.adapters.store.noes import keep_imported
from relay.adapters.tables import import_batch, import_row
from relay.identifiers import new_ref
from relay.permission.imports import OVERLAP, Summary
from relay.ports import Event

Fields = dict[str, str | int | float | None]


@dataclass(slots=True)
class StoredBatch:
    """One import under way."""

    engine: Engine
    target: Target
    batch_id: int
    source: str
    begun: Act
    """Who began it, and when: rows are judged as of then, however often it is gone on with."""
    now: datetime
    summary: Summary
    terms: Terms

    async def refused(self) -> Mapping[int, tuple[str, str]]:
        """What the rows refused so far were told."""
        if not self.summary.rows:
            return {}
        statement = select(import_row.c.row, import_row.c.reason, import_row.c.suggestion).where(
            import_row.c.account_id == self.target.account_id, import_row.c.batch_id == self.batch_id
        )
        async with self.engine.connect() as connection:
            return {row: (reason, how) for row, reason, how in await connection.execute(statement)}

    async def take(self, rows: Sequence[Row]) -> list[Row]:
        """Keep the rows in one transaction; each comes back with its verdict."""
        chunk, counted = Chunk(self.target, rows), self.summary.copy()
        async with self.engine.begin() as connection:
            hidden = await chunk.forgotten(connection)
            said = [(row.address, row.says_no) for row in rows if row.address is not None and row.says_no]
            known = [(address, no) for address, no in said if address.key not in hidden]
            await keep_imported(connection, self.target.account_id, self.target.list_id, known, self.begun)
            judged = await weighed(connection, chunk, hidden)
            await roomy(connection)
            made = await self._people(connection, chunk, judged)
            grounds = Grounds(self.target, self.batch_id, self.begun, self.terms.max_age)
            await subscribe(connection, grounds, [row for row in judged.rows if _key(row) in made.ids], made)
            await self._keep_refused(connection, judged)
            counted.signals[OVERLAP] += await chunk.overlap(connection, judged.rows)
            for row in judged.rows:
                counted.count(row)
            await self._came_to(connection, counted)
        self.summary = counted
        return judged.rows

    async def _people(self, connection: AsyncConnection, chunk: Chunk, judged: Weighed) -> Made:
        """Contacts of everybody but those who were erased."""
        known = [address for key, address in chunk.addresses.items() if key not in judged.forgotten]
        return await made_contacts(connection, self.target.account_id, known, chunk.names, self.begun.at)

    async def _keep_refused(self, connection: AsyncConnection, judged: Weighed) -> None:
        ids = {"account_id": self.target.account_id, "batch_id": self.batch_id}
        rows = [
            {
                **ids,
                "row": row.number,
                "email": "" if _key(row) in judged.forgotten else row.email,
                "reason": row.reason,
                "suggestion": row.suggestion,
            }
            for row in judged.rows
            if row.reason
        ]
        if rows:
            await connection.execute(insert_missing(connection, import_row), rows)

    async def _came_to(self, connection: AsyncConnection, counted: Summary) -> None:
        """How far it came, in the same transaction; NotAllowed where somebody else came further."""
        this = and_(self._this(), import_batch.c.rows == self.summary.rows)
        done = await connection.execute(update(import_batch).where(this).values(**_figures(counted)))
        if done.rowcount != 1:
            raise NotAllowed("another process is running this import")

    async def finish(self, score: Score) -> None:
        """Open the batch to mail, or hold it for a person; with its journal rows."""
        self.summary.score = score
        state = BatchState.HELD if score.held else BatchState.OPEN
        values = _figures(self.summary) | {
            "verdict": self.summary.verdict,
            "state": state.value,
            "finished_at": to_us(self.now),
        }
        if state is BatchState.OPEN and self.summary.rows >= self.terms.min_rows:
            until = self.terms.ramp.over_at(self.summary.accepted, self.now)
            values |= {"ramp_from": to_us(self.now), "ramp_until": to_us(until)}
        async with self.engine.begin() as connection:
            this = and_(self._this(), import_batch.c.state == BatchState.RUNNING.value)
            done = await connection.execute(update(import_batch).where(this).values(**values))
            if done.rowcount != 1:
                raise NotAllowed("another process has ended this import")
            await record_event(connection, self._finished())
            if score.held:
                await record_event(connection, self._case(score))

    def _this(self) -> ColumnElement[bool]:
        return and_(import_batch.c.account_id == self.target.account_id, import_batch.c.batch_id == self.batch_id)

    def _finished(self) -> Event:
        fields: Fields = {
            "rows": self.summary.rows,
            "accepted": self.summary.accepted,
            "verdict": self.summary.verdict,
            "source": self.source,
            "actor": self.begun.by,
        }
        evidence = {
            "reasons": dict(self.summary.reasons),
            "shares": [str(share) for share in self.summary.score.shares],
            "overlap": self.summary.signals[OVERLAP],
        }
        return self._event("import.finished", fields, evidence)

    def _case(self, score: Score) -> Event:
        return self._event("case.opened", {"cause": "import held for review", "why": score.why}, {})

    def _event(self, name: str, fields: Fields, evidence: Mapping[str, object]) -> Event:
        ref, target = new_ref(to_us(self.now) // 1000), self.target
        named: Fields = {"list": target.list_name, "batch": self.batch_id}
        return Event(name, ref, self.now, "info", target.account_id, target.account_name, named | fields, evidence)


def _key(row: Row) -> str:
    return row.address.key if row.address is not None else ""


def _figures(summary: Summary) -> dict[str, str | int]:
    return {
        "rows": summary.rows,
        "accepted": summary.accepted,
        "reasons": json.dumps(summary.reasons, sort_keys=True),
        "signals": json.dumps(summary.signals, sort_keys=True),
    }
