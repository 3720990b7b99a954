"""Import batches as staff see and decide them, and what comes of them: complaints, bounces, opt-outs (clause 3.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.facts import SuppressionReason
from policies.imports.batch import Aftermath, BatchState, Tolerance
from relay.adapters.store.engine import Engine, from_us, optional_at, to_us
from relay.adapters.store.history import Act, record_event
from relay.adapters.store.import_target import Terms
from relay.adapters.store.names import NotAllowed, NotFound, account_id_of
from relay.adapters.tables import account, import_batch, mailing_list, subscription
from relay.identifiers import new_ref
from relay.ports import Event

_COUNTER = {
    SuppressionReason.COMPLAINT: import_batch.c.complaints,
    SuppressionReason.UNREACHABLE: import_batch.c.bounces,
    SuppressionReason.OPT_OUT: import_batch.c.opt_outs,
}


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One batch with all that is known of it."""

    batch_id: int
    account: str
    list_name: str
    source: str
    day: str
    """Of single additions: who, and which day; empty: a file."""
    file_hash: str
    rows: int
    accepted: int
    verdict: str
    reasons: dict[str, int]
    signals: dict[str, int]
    state: BatchState
    ramp_from: datetime | None
    ramp_until: datetime | None
    complaints: int
    bounces: int
    opt_outs: int
    actor: str
    started_at: datetime
    finished_at: datetime | None
    decided_by: str
    decided_why: str
    decided_at: datetime | None


class Batches:
    """Batches of accounts; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of(self, account_name: str) -> list[BatchRecord]:
        """An account's batches, newest last."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            statement = _records().where(import_batch.c.account_id == account_id)
            rows = await connection.execute(statement.order_by(import_batch.c.started_at))
            return [_record(row) for row in rows]

    async def show(self, account_name: str, batch_id: int) -> BatchRecord:
        """One batch; NotFound where there is none."""
        async with self._engine.connect() as connection:
            return await _found(connection, await account_id_of(connection, account_name), batch_id)

    async def release(self, account_name: str, batch_id: int, why: str, terms: Terms, act: Act) -> BatchRecord:
        """A person lets in what was held or stopped; a big batch begins its ramp now."""
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, account_name)
            batch = await _found(connection, account_id, batch_id)
            if batch.state not in (BatchState.HELD, BatchState.QUARANTINED):
                raise NotAllowed(f"batch {batch_id} is {batch.state}: there is nothing to release")
            ramp: dict[str, int | None] = {}
            if batch.rows >= terms.min_rows:
                until = terms.ramp.over_at(batch.accepted, act.at)
                ramp = {"ramp_from": to_us(act.at), "ramp_until": to_us(until)}
            values = {"state": BatchState.OPEN.value, **_decision(act, why), **ramp}
            await connection.execute(update(import_batch).where(_this(account_id, batch_id)).values(values))
            await record_event(connection, _decided(account_id, batch, "release", why, act))
            return await _found(connection, account_id, batch_id)

    async def quarantine(self, account_name: str, batch_id: int, why: str, act: Act) -> BatchRecord:
        """A person stops a batch: `consent.quarantined` from the next RCPT on."""
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, account_name)
            batch = await _found(connection, account_id, batch_id)
            if batch.state is BatchState.QUARANTINED:
                raise NotAllowed(f"batch {batch_id} is quarantined already")
            values = {"state": BatchState.QUARANTINED.value, **_decision(act, why)}
            await connection.execute(update(import_batch).where(_this(account_id, batch_id)).values(values))
            await record_event(connection, _decided(account_id, batch, "quarantine", why, act))
            return await _found(connection, account_id, batch_id)


async def count_against(
    connection: AsyncConnection, account_id: int, contact_id: int, reason: SuppressionReason
) -> None:
    """Count what somebody said, or that their mailbox is gone, in every batch they came with; once per 'no'."""
    batches = select(subscription.c.batch_id).where(
        subscription.c.account_id == account_id,
        subscription.c.contact_id == contact_id,
        subscription.c.batch_id != 0,
    )
    counter = _COUNTER[reason]
    this = and_(import_batch.c.account_id == account_id, import_batch.c.batch_id.in_(batches))
    await connection.execute(update(import_batch).where(this).values({counter: counter + 1}))


async def stop_bad_batches(engine: Engine, tolerance: Tolerance, terms: Terms, now: datetime) -> list[int]:
    """Quarantine every open batch that brought too much, with a case each; their ids.

    What a person released stays open until a person stops it again.
    """
    came = import_batch.c.complaints + import_batch.c.bounces + import_batch.c.opt_outs
    suspicious = _records().where(
        import_batch.c.state == BatchState.OPEN.value,
        import_batch.c.rows >= tolerance.min_rows,
        came >= tolerance.people,
        import_batch.c.decided_by == "",
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(suspicious)).all()
    bad = [(row, why) for row in rows if (why := tolerance.broken_by(_aftermath(_record(row), terms, now)))]
    if bad:
        async with engine.begin() as connection:
            for row, why in bad:
                await _stop(connection, row._mapping["account_id"], _record(row), why, now)
    return [row._mapping["batch_id"] for row, _ in bad]


def _aftermath(batch: BatchRecord, terms: Terms, now: datetime) -> Aftermath:
    ramping = batch.ramp_from is not None
    released = terms.ramp.released(batch.accepted, batch.ramp_from or now, now) if ramping else batch.accepted
    return Aftermath(batch.rows, released, batch.complaints, batch.bounces, batch.opt_outs)


async def _stop(connection: AsyncConnection, account_id: int, batch: BatchRecord, why: str, now: datetime) -> None:
    this = _this(account_id, batch.batch_id) & (import_batch.c.state == BatchState.OPEN.value)
    values = {"state": BatchState.QUARANTINED.value, "decided_why": why, "decided_at": to_us(now)}
    if (await connection.execute(update(import_batch).where(this).values(values))).rowcount != 1:
        return
    fields: dict[str, str | int | float | None] = {
        "list": batch.list_name,
        "batch": batch.batch_id,
        "cause": "import quarantined",
        "rule": "consent.quarantined",
        "why": why,
    }
    ref = new_ref(to_us(now) // 1000)
    await record_event(connection, Event("case.opened", ref, now, "warning", account_id, batch.account, fields))


def _decision(act: Act, why: str) -> dict[str, str | int]:
    return {"decided_by": act.by, "decided_why": why, "decided_at": to_us(act.at)}


def _decided(account_id: int, batch: BatchRecord, outcome: str, why: str, act: Act) -> Event:
    fields: dict[str, str | int | float | None] = {
        "list": batch.list_name,
        "batch": batch.batch_id,
        "outcome": outcome,
        "why": why,
        "actor": act.by,
    }
    ref = new_ref(to_us(act.at) // 1000)
    return Event("case.decided", ref, act.at, "info", account_id, batch.account, fields)


def _this(account_id: int, batch_id: int) -> ColumnElement[bool]:
    return and_(import_batch.c.account_id == account_id, import_batch.c.batch_id == batch_id)


def _records() -> Select[tuple[object, ...]]:
    on_list = and_(
        mailing_list.c.account_id == import_batch.c.account_id, mailing_list.c.list_id == import_batch.c.list_id
    )
    joined = import_batch.join(account, account.c.account_id == import_batch.c.account_id).outerjoin(
        mailing_list, on_list
    )
    names = (account.c.name.label("account"), mailing_list.c.name.label("list_name"))
    return select(import_batch, *names).select_from(joined)


async def _found(connection: AsyncConnection, account_id: int, batch_id: int) -> BatchRecord:
    row = (await connection.execute(_records().where(_this(account_id, batch_id)))).first()
    if row is None:
        raise NotFound(f"the account has no batch {batch_id}")
    return _record(row)


def _record(row: Row[tuple[object, ...]]) -> BatchRecord:
    one = row._mapping
    kept = {name: one[name] for name in BatchRecord.__slots__ if name in one and name not in _READ}
    return BatchRecord(
        **kept,
        reasons=json.loads(one["reasons"] or "{}"),
        signals=json.loads(one["signals"] or "{}"),
        state=BatchState(one["state"]),
        ramp_from=optional_at(one["ramp_from"]),
        ramp_until=optional_at(one["ramp_until"]),
        started_at=from_us(one["started_at"]),
        finished_at=optional_at(one["finished_at"]),
        decided_at=optional_at(one["decided_at"]),
    )


_READ = {"reasons", "signals", "state", "ramp_from", "ramp_until", "started_at", "finished_at", "decided_at"}
"""Columns that are kept in another form."""
