"""Import batches: rows kept chunk by chunk, each with its batch and its verdict; no import lifts a 'no'."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.facts import Confirm, SubscriptionStatus
from policies.imports.row import DUPLICATE, NO_RULE, Row
from relay.adapters.store.contacts import made_contacts
from relay.adapters.store.engine import Engine, optional_us, to_us
from relay.adapters.store.history import Act, record_event
from relay.adapters.store.names import account_id_of, fresh_id, list_id_of
from relay.adapters.store.noes import keep_imported, standing_noes
from relay.adapters.tables import domain, import_batch, mailing_list, subscription
from relay.identifiers import new_ref
from relay.permission.imports import Summary
from relay.ports import Event

Values = Mapping[str, str | int | None]
REFUSED, IMPORTED = SubscriptionStatus.REFUSED.value, SubscriptionStatus.IMPORTED.value


@dataclass(frozen=True, slots=True)
class Target:
    """The list an import goes to."""

    account_id: int
    account_name: str
    list_id: int
    list_name: str
    confirm: Confirm
    domains: frozenset[str]
    """The account's verified domains."""


class Imports:
    """Opens batches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        """A new batch, its provenance recorded before its first row."""
        batch_id = fresh_id(52)
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(import_batch).values(
                    account_id=target.account_id,
                    batch_id=batch_id,
                    list_id=target.list_id,
                    source=source,
                    file_hash=file_hash,
                    actor=act.by,
                    started_at=to_us(act.at),
                )
            )
        return StoredBatch(self._engine, target, batch_id, source, act)

    def rehearse(self, target: Target) -> Rehearsal:
        """A batch that keeps nothing."""
        return Rehearsal(self._engine, target)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an import would do: looks, and changes nothing."""

    engine: Engine
    target: Target

    async def take(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with the verdict they would get."""
        async with self.engine.connect() as connection:
            return await _weighed(connection, self.target, rows)

    async def finish(self, summary: Summary) -> None:
        """There is nothing to end."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One import under way."""

    engine: Engine
    target: Target
    batch_id: int
    source: str
    act: Act

    async def take(self, rows: Sequence[Row]) -> list[Row]:
        """Keep the rows in one transaction; each comes back with its verdict."""
        target, at = self.target, self.act.at
        # Of an address that stands there twice, the first spelling is kept.
        addresses = {row.address.key: row.address for row in reversed(rows) if row.address is not None}
        names = {row.address.key: row.name for row in reversed(rows) if row.address is not None and row.name}
        async with self.engine.begin() as connection:
            ids = await made_contacts(connection, target.account_id, tuple(addresses.values()), names, at)
            said = [(row.address, row.says_no) for row in rows if row.address is not None and row.says_no]
            await keep_imported(connection, target.account_id, target.list_id, said, self.act)
            weighed = await _weighed(connection, target, rows)
            await self._subscribe(connection, weighed, ids)
        return weighed

    async def finish(self, summary: Summary) -> None:
        """Write the batch's end and its journal row."""
        target, now = self.target, self.act.at
        this = and_(import_batch.c.account_id == target.account_id, import_batch.c.batch_id == self.batch_id)
        values = {
            "rows": summary.rows,
            "accepted": summary.accepted,
            "verdict": summary.verdict,
            "reasons": json.dumps(summary.reasons, sort_keys=True),
            "finished_at": to_us(now),
        }
        fields: dict[str, str | int | float | None] = {
            "list": target.list_name,
            "batch": self.batch_id,
            "rows": summary.rows,
            "accepted": summary.accepted,
            "verdict": summary.verdict,
            "source": self.source,
            "actor": self.act.by,
        }
        event = Event(
            "import.finished",
            new_ref(to_us(now) // 1000),
            now,
            account_id=target.account_id,
            account=target.account_name,
            fields=fields,
            evidence={"reasons": dict(summary.reasons)},
        )
        async with self.engine.begin() as connection:
            await connection.execute(update(import_batch).where(this).values(**values))
            await record_event(connection, event)

    async def _subscribe(self, connection: AsyncConnection, rows: Sequence[Row], ids: Mapping[str, int]) -> None:
        """New subscriptions and better grounds for refused ones; whatever stands is left as it stands."""
        states = await _states(connection, self.target, list(ids.values()))
        new: dict[int, Values] = {}
        better: dict[int, Values] = {}
        contacted: dict[int, int] = {}
        for row in rows:
            if row.address is None or row.reason == DUPLICATE:
                continue
            contact_id = ids[row.address.key]
            state = states.get(contact_id)
            if state is None or (contact_id in new and state == REFUSED):
                new[contact_id] = self._values(row, contact_id)
            elif state == REFUSED:
                better[contact_id] = self._values(row, contact_id)
            elif not row.reason and row.last_contact_at is not None:
                contacted[contact_id] = to_us(row.last_contact_at)
                continue
            else:
                continue
            states[contact_id] = REFUSED if row.reason else IMPORTED
        await _write(connection, self.target, new, better, contacted)

    def _values(self, row: Row, contact_id: int) -> Values:
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
            "extra": json.dumps(dict(row.extra), ensure_ascii=False) if row.extra else "",
            "batch_id": self.batch_id,
            "recorded_by": self.act.by,
            "created_at": to_us(self.act.at),
        }


async def _weighed(connection: AsyncConnection, target: Target, rows: Sequence[Row]) -> list[Row]:
    """Rows that a 'no' stands against become refused ones."""
    keys = {row.address.key for row in rows if row.address is not None and not row.reason}
    noes = await standing_noes(connection, target.account_id, target.list_id, sorted(keys)) if keys else {}
    weighed = []
    for row in rows:
        no = noes.get(row.address.key) if row.address is not None and not row.reason else None
        how = "only a new double opt-in by the person lifts this"
        weighed.append(row if no is None else row.refused(NO_RULE[no.reason], how))
    return weighed


async def _states(connection: AsyncConnection, target: Target, contact_ids: Sequence[int]) -> dict[int, str]:
    statement = select(subscription.c.contact_id, subscription.c.status).where(
        subscription.c.account_id == target.account_id,
        subscription.c.list_id == target.list_id,
        subscription.c.contact_id.in_(contact_ids),
    )
    return dict((await connection.execute(statement)).all())


async def _write(
    connection: AsyncConnection,
    target: Target,
    new: Mapping[int, Values],
    better: Mapping[int, Values],
    contacted: Mapping[int, int],
) -> None:
    this = and_(
        subscription.c.account_id == target.account_id,
        subscription.c.list_id == target.list_id,
        subscription.c.contact_id == bindparam("of_contact"),
    )
    if new:
        await connection.execute(insert(subscription), list(new.values()))
    if better:
        columns = [
            name for name in next(iter(better.values())) if name not in ("account_id", "contact_id", "list_id")
        ]
        change = update(subscription).where(this).values({name: bindparam(f"new_{name}") for name in columns})
        rows = [
            {"of_contact": contact_id, **{f"new_{name}": values[name] for name in columns}}
            for contact_id, values in better.items()
        ]
        await connection.execute(change, rows)
    if contacted:
        later = (subscription.c.last_contact_at.is_(None)) | (subscription.c.last_contact_at < bindparam("at_least"))
        note = update(subscription).where(this, later).values(last_contact_at=bindparam("at_least"))
        await connection.execute(
            note, [{"of_contact": contact_id, "at_least": at} for contact_id, at in contacted.items()]
        )
