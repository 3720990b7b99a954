"""What an import makes of subscriptions: new ones, better grounds for refused and expired ones, else nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
from sqlalchemy import Row as Found
from sqlalchemy import and_, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.facts import SubscriptionStatus
from policies.imports.row import DUPLICATE, Row
from relay.adapters.store.contacts import Made
from relay.adapters.store.engine import optional_at, optional_us, to_us
from relay.adapters.store.history import Act, record_consent
from relay.adapters.store.import_target import Target
from relay.adapters.tables import subscription

Values = Mapping[str, str | int | None]
REFUSED, IMPORTED = SubscriptionStatus.REFUSED.value, SubscriptionStatus.IMPORTED.value
_CLAIMED = (IMPORTED, SubscriptionStatus.SUBSCRIBED.value)
"""Permission that rests on somebody's word: newer words may take its place once it has expired."""

_KEYS = ("account_id", "contact_id", "list_id")


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the rows of a chunk rest on."""

    target: Target
    batch_id: int
    act: Act
    max_age: timedelta

    def values(self, row: Row, contact_id: int) -> Values:
        """The subscription that a row makes."""
        return {
            "account_id": self.target.account_id,
            "contact_id": contact_id,
            "list_id": self.target.list_id,
            "status": REFUSED if row.reason else IMPORTED,
            "refused_rule": row.refused_rule,
            "basis": row.basis,
            "consented_at": optional_us(row.consented_at),
            "last_contact_at": optional_us(row.last_contact_at),
            "source": row.source,
            "claimed_status": row.claimed_status,
            "consent_ip": row.consent_ip,
            "extra": orjson.dumps(dict(row.extra)).decode() if row.extra else "",
            "batch_id": self.batch_id,
            "batch_row": row.number,
            "recorded_by": self.act.by,
            "created_at": to_us(self.act.at),
        }


@dataclass(slots=True)
class _Changes:
    """What one chunk changes, by contact id."""

    new: dict[int, Values] = field(default_factory=dict)
    better: dict[int, Values] = field(default_factory=dict)
    contacted: dict[int, int] = field(default_factory=dict)
    before: dict[int, Found[tuple[object, ...]]] = field(default_factory=dict)
    """What `better` takes the place of: it goes into the person's record."""


async def subscribe(connection: AsyncConnection, grounds: Grounds, rows: Sequence[Row], made: Made) -> None:
    """Keep what the rows make of their addresses' subscriptions to the list."""
    states = await _states(connection, grounds.target, sorted(made.known))
    changes = _Changes()
    for row in rows:
        if row.address is not None and row.reason != DUPLICATE:
            _change(changes, grounds, row, made.ids[row.address.key], states)
    await _write(connection, grounds, changes)


def _change(
    changes: _Changes, grounds: Grounds, row: Row, contact_id: int, states: Mapping[int, Found[tuple[object, ...]]]
) -> None:
    state, new = states.get(contact_id), changes.new.get(contact_id)
    if state is None:
        if new is None or new["status"] == REFUSED:
            changes.new[contact_id] = grounds.values(row, contact_id)
        return
    better = changes.better.get(contact_id)
    if better is not None and better["status"] != REFUSED:
        return
    if _gives_way(state, row, grounds):
        changes.better[contact_id] = grounds.values(row, contact_id)
        changes.before[contact_id] = state
    elif not row.reason and row.last_contact_at is not None:
        changes.contacted[contact_id] = to_us(row.last_contact_at)


def _gives_way(state: Found[tuple[object, ...]], row: Row, grounds: Grounds) -> bool:
    """Whether what stands is worth less than the row: refused before, or claimed and expired."""
    one = state._mapping
    if one["status"] == REFUSED:
        return True
    if row.reason or one["status"] not in _CLAIMED:
        return False
    signs = [at for at in (one["consented_at"], one["confirmed_at"], one["last_contact_at"]) if at is not None]
    return not signs or to_us(grounds.act.at - grounds.max_age) >= max(signs)


async def _states(
    connection: AsyncConnection, target: Target, contact_ids: Sequence[int]
) -> dict[int, Found[tuple[object, ...]]]:
    if not contact_ids:
        return {}
    statement = select(subscription).where(
        subscription.c.account_id == target.account_id,
        subscription.c.list_id == target.list_id,
        subscription.c.contact_id.in_(contact_ids),
    )
    return {row.contact_id: row for row in await connection.execute(statement)}


async def _write(connection: AsyncConnection, grounds: Grounds, changes: _Changes) -> None:
    this = and_(
        subscription.c.account_id == grounds.target.account_id,
        subscription.c.list_id == grounds.target.list_id,
        subscription.c.contact_id == bindparam("of_contact"),
    )
    if changes.new:
        await connection.execute(insert(subscription), list(changes.new.values()))
    if changes.better:
        columns = [name for name in next(iter(changes.better.values())) if name not in _KEYS]
        change = update(subscription).where(this).values({name: bindparam(f"new_{name}") for name in columns})
        rows = [
            {"of_contact": contact_id, **{f"new_{name}": values[name] for name in columns}}
            for contact_id, values in changes.better.items()
        ]
        await connection.execute(change, rows)
        await _record(connection, grounds, changes)
    if changes.contacted:
        later = (subscription.c.last_contact_at.is_(None)) | (subscription.c.last_contact_at < bindparam("at_least"))
        note = update(subscription).where(this, later).values(last_contact_at=bindparam("at_least"))
        await connection.execute(
            note, [{"of_contact": contact_id, "at_least": at} for contact_id, at in changes.contacted.items()]
        )


async def _record(connection: AsyncConnection, grounds: Grounds, changes: _Changes) -> None:
    """Nothing of a person's record is lost: what was there before stands in its history."""
    for contact_id, before in changes.before.items():
        one = before._mapping
        consented_at = optional_at(one["consented_at"])
        detail: dict[str, str | int | None] = {
            "status_before": one["status"],
            "rule_before": one["refused_rule"],
            "source_before": one["source"],
            "claimed_before": consented_at.isoformat() if consented_at else None,
            "import_before": one["batch_id"] or None,
            "import": grounds.batch_id,
            "row": one["batch_row"] or None,
            "status": str(changes.better[contact_id]["status"]),
            "by": grounds.act.by,
        }
        account_id, list_id = grounds.target.account_id, grounds.target.list_id
        await record_consent(connection, account_id, contact_id, list_id, grounds.act.at, "imported again", detail)
