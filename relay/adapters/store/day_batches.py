"""Single additions: one batch a day for each list and whoever adds, scored and ramped like a file (clause 6.2)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Row as Found
from sqlalchemy import and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.imports.batch import BatchState, Limits, Score
from relay.adapters.store.engine import from_us, optional_us, to_us
from relay.adapters.store.history import Act, record_event
from relay.adapters.store.import_target import Terms
from relay.adapters.store.names import fresh_id
from relay.adapters.tables import import_batch, subscription
from relay.identifiers import new_ref
from relay.permission.imports import Summary
from relay.ports import Event


@dataclass(frozen=True, slots=True)
class Joining:
    """How a single addition joins the batch of its day, and what it says of that."""

    limits: Limits
    terms: Terms
    reason: str = ""
    """Why it was refused; empty: accepted."""
    marks: tuple[str, ...] = ()


async def join_day_batch(connection: AsyncConnection, keys: tuple[int, int, int], joining: Joining, act: Act) -> None:
    """Count a subscription just made in the batch of its day, and give it its place there for life."""
    account_id, contact_id, list_id = keys
    batch = await _of_today(connection, account_id, list_id, act)
    summary = _counted(batch, joining)
    one = batch._mapping
    score = joining.limits.score(summary.counts)
    values: dict[str, str | int | None] = {
        "rows": summary.rows,
        "accepted": summary.accepted,
        "reasons": json.dumps(summary.reasons, sort_keys=True),
        "signals": json.dumps(summary.signals, sort_keys=True),
    }
    if score.scored:
        values |= await _scored(connection, batch, score, summary, joining.terms, act)
    this = and_(import_batch.c.account_id == account_id, import_batch.c.batch_id == one["batch_id"])
    await connection.execute(update(import_batch).where(this).values(values))
    mine = and_(
        subscription.c.account_id == account_id,
        subscription.c.contact_id == contact_id,
        subscription.c.list_id == list_id,
        subscription.c.batch_id == 0,
    )
    place = {"batch_id": one["batch_id"], "batch_row": summary.rows}
    await connection.execute(update(subscription).where(mine).values(place))


def _counted(batch: Found[tuple[object, ...]], joining: Joining) -> Summary:
    one = batch._mapping
    reasons, signals = Counter(json.loads(one["reasons"] or "{}")), Counter(json.loads(one["signals"] or "{}"))
    signals.update(joining.marks)
    if joining.reason:
        reasons[joining.reason] += 1
    return Summary(one["rows"] + 1, one["accepted"] + (not joining.reason), reasons, signals)


async def _of_today(
    connection: AsyncConnection, account_id: int, list_id: int, act: Act
) -> Found[tuple[object, ...]]:
    """The batch of this list, day and person, made where there is none; writers take turns (engine.py)."""
    day = f"{act.by} {act.at:%Y-%m-%d}"
    this = and_(import_batch.c.account_id == account_id, import_batch.c.list_id == list_id, import_batch.c.day == day)
    row = (await connection.execute(select(import_batch).where(this))).first()
    if row is not None:
        return row
    fresh = {"account_id": account_id, "batch_id": fresh_id(52), "list_id": list_id, "day": day}
    begun = {"source": "single additions", "actor": act.by, "started_at": to_us(act.at)}
    await connection.execute(insert(import_batch).values(fresh | begun))
    return (await connection.execute(select(import_batch).where(this))).one()


async def _scored(
    connection: AsyncConnection,
    batch: Found[tuple[object, ...]],
    score: Score,
    summary: Summary,
    terms: Terms,
    act: Act,
) -> dict[str, str | int | None]:
    """Big enough by now: let in by the ramp, or held; what a person decided stays decided."""
    one = batch._mapping
    since = act.at if one["ramp_from"] is None else from_us(one["ramp_from"])
    until = terms.ramp.over_at(summary.accepted, since)
    values: dict[str, str | int | None] = {"ramp_from": to_us(since), "ramp_until": optional_us(until)}
    if not score.held or one["decided_by"] or one["state"] != BatchState.OPEN.value:
        return values
    fields: dict[str, str | int | float | None] = {
        "batch": one["batch_id"],
        "cause": "import held for review",
        "why": score.why,
    }
    ref = new_ref(to_us(act.at) // 1000)
    await record_event(connection, Event("case.opened", ref, act.at, "info", one["account_id"], "", fields))
    return values | {"state": BatchState.HELD.value, "verdict": "held for review"}
