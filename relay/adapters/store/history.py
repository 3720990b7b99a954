"""What is kept for good of who changed what: standing, permission, and the journal rows that go with them."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.adapters.store.engine import from_us, to_us
from relay.adapters.store.names import account_id_of
from relay.adapters.tables import consent_event, journal, standing_change
from relay.enforcement.standing import Side
from relay.identifiers import new_ref
from relay.journal import json_line, line_of
from relay.ports import Event

Detail = Mapping[str, str | int | None]
"""Members of one consent event; texts are kept whole."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, and when: every change names both."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StandingChange:
    """One audited step of an account's standing."""

    ref: str
    at: datetime
    actor: str
    side: Side
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One thing that happened to an address's permission; `detail` is its evidence."""

    ref: str
    at: datetime
    list_id: int
    event: str
    detail: dict[str, str | int | None]


async def record_standing(connection: AsyncConnection, account_id: int, change: StandingChange) -> None:
    """Append to the account's history; it is never edited, and never goes back in time."""
    table = standing_change.c
    last = await connection.scalar(select(func.max(table.at)).where(table.account_id == account_id))
    await connection.execute(
        insert(standing_change).values(
            account_id=account_id,
            ref=change.ref,
            at=_after(last, change.at),
            actor=change.actor,
            side=change.side.value,
            before=change.before,
            after=change.after,
            reason=change.reason,
        )
    )


async def standing_history(connection: AsyncConnection, name: str) -> list[StandingChange]:
    """Every change of an account's standing, oldest first."""
    account_id = await account_id_of(connection, name)
    table = standing_change.c
    statement = select(standing_change).where(table.account_id == account_id).order_by(table.at, table.ref)
    return [
        StandingChange(row.ref, from_us(row.at), row.actor, Side(row.side), row.before, row.after, row.reason)
        for row in await connection.execute(statement)
    ]


async def record_event(connection: AsyncConnection, event: Event) -> None:
    """A journal row that stands or falls with the change it tells of."""
    await connection.execute(
        insert(journal).values(
            account_id=event.account_id,
            ref=event.ref,
            ordinal=0,
            at=to_us(event.at),
            level=event.level,
            event=event.event,
            rule=str(event.fields.get("rule") or ""),
            recipient=str(event.fields.get("recipient") or ""),
            line=json_line(line_of(event, socket.gethostname())).decode(),
            evidence=json_line(event.evidence).decode() if event.evidence else "",
        )
    )


async def record_consent(
    connection: AsyncConnection,
    account_id: int,
    contact_id: int,
    list_id: int,
    at: datetime,
    event: str,
    detail: Detail,
) -> str:
    """Append to a person's consent record, chained to the event before by its hash; the new event's REF."""
    ref = new_ref(to_us(at) // 1000)
    known = {name: value for name, value in detail.items() if value not in (None, "")}
    last = await _last_consent(connection, account_id, contact_id)
    known["prev_hash"] = _hash(last) if last is not None else ""
    await connection.execute(
        insert(consent_event).values(
            account_id=account_id,
            contact_id=contact_id,
            ref=ref,
            list_id=list_id,
            at=_after(last.at if last is not None else None, at),
            event=event,
            detail=json.dumps(known, ensure_ascii=False, sort_keys=True),
        )
    )
    return ref


def _after(last: int | None, at: datetime) -> int:
    """Microseconds of `at`, but later than the record before: order is part of the evidence."""
    return to_us(at) if last is None else max(to_us(at), last + 1)


async def _last_consent(
    connection: AsyncConnection, account_id: int, contact_id: int
) -> Row[tuple[object, ...]] | None:
    table = consent_event.c
    statement = (
        select(consent_event)
        .where(table.account_id == account_id, table.contact_id == contact_id)
        .order_by(table.at.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).first()


def _hash(event: Row[tuple[object, ...]]) -> str:
    one = event._mapping
    text = "|".join(str(one[name]) for name in ("ref", "list_id", "at", "event", "detail"))
    return hashlib.sha256(text.encode()).hexdigest()


async def consent_history(connection: AsyncConnection, account_id: int, contact_id: int) -> list[ConsentEvent]:
    """A person's consent record under one account, oldest first."""
    table = consent_event.c
    statement = (
        select(consent_event)
        .where(table.account_id == account_id, table.contact_id == contact_id)
        .order_by(table.at, table.ref)
    )
    return [
        ConsentEvent(row.ref, from_us(row.at), row.list_id, row.event, json.loads(row.detail))
        for row in await connection.execute(statement)
    ]
