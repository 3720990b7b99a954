"""One person over all accounts: what is known, what is handed out, and how it is erased (clause 3.1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, Table, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address, AddressFault
from policies.imports.row import mailbox_of
from relay.adapters.append_only import Record
from relay.adapters.store.engine import Engine
from relay.adapters.store.evidence import Evidence, PersonRecord
from relay.adapters.store.forgotten import forgotten_noes, recogniser, veil_noes
from relay.adapters.store.history import Act, record_event
from relay.adapters.store.names import NotFound
from relay.adapters.store.outside import erase_person
from relay.adapters.tables import account, consent_event, contact, delivery, import_row, journal, subscription
from relay.identifiers import new_ref
from relay.ports import Event

ERASED = "erased"
_PART = 500
"""Rows changed in one transaction."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that name a person besides evidence and suppressions, as they are kept."""

    deliveries: tuple[dict[str, object], ...]
    journal: tuple[dict[str, object], ...]
    refused_rows: tuple[dict[str, object], ...]
    """Of import files."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What an erasure did."""

    accounts: int
    noes: int
    """That stand on, without the address."""
    rows: int
    """Journal rows, delivered copies and rows of import files from which the address went."""


class Persons:
    """People by address; reading and erasing look through everything, since a person may."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def show(self, address: Address) -> list[PersonRecord]:
        """What each account knows of the person; NotFound where nobody knows anything."""
        async with self._engine.connect() as connection:
            names = list(await connection.scalars(select(account.c.name).order_by(account.c.name)))
        records = []
        for name in names:
            try:
                records.append(await Evidence(self._engine).show(name, address))
            except NotFound:
                continue
        known = [record for record in records if record.subscriptions or record.no is not None or record.name]
        if not known:
            raise NotFound(f"nobody here knows anything of {address}")
        return known

    async def export(self, address: Address) -> Kept:
        """All else that is kept under the address."""
        async with self._engine.connect() as connection:
            deliveries = await connection.execute(select(delivery).where(delivery.c.recipient_key == address.key))
            rows = await _journal_rows(connection, address)
            return Kept(
                tuple(dict(row._mapping) for row in deliveries),
                tuple(json.loads(row.line) for row in rows),
                tuple(dict(row._mapping) for row in await _import_rows(connection, address)),
            )

    async def forget(self, address: Address, act: Act) -> Forgotten:
        """Erase a person under every account; what they said stands on as a keyed hash that later imports meet."""
        async with self._engine.connect() as connection:
            journal_rows = await _journal_rows(connection, address)
            import_rows = await _import_rows(connection, address)
        rows = await self._erase_journal(journal_rows, address) + await self._erase_imports(import_rows)
        async with self._engine.begin() as connection:
            recognise = recogniser(connection)
            if recognise is None:
                raise NotFound("the store was opened without the key ring: nobody could be recognised afterwards")
            accounts = list(await connection.scalars(select(contact.c.account_id).where(_theirs(address))))
            hidden = await forgotten_noes(connection, 0, [address])
            noes = await veil_noes(connection, address, recognise(address))
            if not (accounts or noes or rows or hidden):
                raise NotFound(f"nobody here knows anything of {address}")
            rows += await _erase_contacts(connection, address)
            await record_event(connection, _event(accounts, noes, act))
        async with self._engine.begin() as connection:
            await erase_person(connection, lambda record: _is_of(record, address))
        return Forgotten(len(accounts), noes, rows)

    async def _erase_journal(self, rows: Sequence[Row[tuple[object, ...]]], address: Address) -> int:
        for part in _parts(rows):
            async with self._engine.begin() as connection:
                for row in part:
                    texts = {
                        name: _without(row._mapping[name], address) for name in ("line", "evidence", "recipient")
                    }
                    this = _exactly(journal, row, ("account_id", "ref", "ordinal"))
                    await connection.execute(update(journal).where(this).values(texts))
        return len(rows)

    async def _erase_imports(self, rows: Sequence[Row[tuple[object, ...]]]) -> int:
        for part in _parts(rows):
            async with self._engine.begin() as connection:
                for row in part:
                    this = _exactly(import_row, row, ("account_id", "batch_id", "row"))
                    await connection.execute(update(import_row).where(this).values(email=ERASED, suggestion=""))
        return len(rows)


async def _erase_contacts(connection: AsyncConnection, address: Address) -> int:
    """Subscriptions, records and the contact; of delivered copies the address alone. How many copies."""
    people = (await connection.execute(select(contact).where(_theirs(address)))).all()
    for row in people:
        for table in (subscription, consent_event, contact):
            await connection.execute(delete(table).where(_exactly(table, row, ("account_id", "contact_id"))))
    copies = update(delivery).where(delivery.c.recipient_key == address.key).values(recipient_key="")
    return (await connection.execute(copies)).rowcount


async def _journal_rows(connection: AsyncConnection, address: Address) -> Sequence[Row[tuple[object, ...]]]:
    """Rows that name the address anywhere."""
    columns = [journal.c[name] for name in ("account_id", "ref", "ordinal", "recipient", "line", "evidence")]
    named = or_(
        *(func.lower(journal.c[name]).contains(address.key, autoescape=True) for name in ("line", "evidence"))
    )
    rows = (await connection.execute(select(*columns).where(named))).all()
    return [row for row in rows if any(_names(row._mapping[name], address) for name in ("line", "evidence"))]


async def _import_rows(connection: AsyncConnection, address: Address) -> list[Row[tuple[object, ...]]]:
    """Refused rows of files whose cell holds this very address."""
    alike = func.lower(import_row.c.email).contains(address.local.lower(), autoescape=True)
    rows = (await connection.execute(select(import_row).where(alike))).all()
    return [row for row in rows if _key_in(row.email) == address.key]


def _key_in(cell: str) -> str:
    try:
        return Address.parse(mailbox_of(cell)).key
    except AddressFault:
        return ""


def _names(text: str, address: Address) -> bool:
    return _without(text, address) != text


def _without(text: str, address: Address) -> str:
    """The text with every mention of the address erased; longer addresses that end or begin alike stay."""
    found, lower, at = [], text.lower(), 0
    while (start := lower.find(address.key, at)) >= 0:
        end = start + len(address.key)
        whole = not _goes_on(lower[start - 1 : start]) and not _goes_on(
            lower[end : end + 1], lower[end + 1 : end + 2]
        )
        found.append(text[at:start] + (ERASED if whole else text[start:end]))
        at = end
    return "".join([*found, text[at:]])


def _goes_on(sign: str, after: str = "x") -> bool:
    """Whether a sign beside an address belongs to it; a full stop only where a letter follows."""
    return sign.isalnum() or (sign in {"-", "_", "+"} and bool(sign)) or (sign == "." and after.isalnum())


def _is_of(record: Record, address: Address) -> bool:
    try:
        return Address.parse(str(record.get("address", ""))).key == address.key
    except AddressFault:
        return False


def _theirs(address: Address) -> ColumnElement[bool]:
    """By account, so that the index is walked."""
    return and_(contact.c.account_id.in_(select(account.c.account_id)), contact.c.address_key == address.key)


def _exactly(table: Table, row: Row[tuple[object, ...]], names: Iterable[str]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == row._mapping[name] for name in names))


def _parts(rows: Sequence[Row[tuple[object, ...]]]) -> Iterable[Sequence[Row[tuple[object, ...]]]]:
    return [rows[at : at + _PART] for at in range(0, len(rows), _PART)]


def _event(accounts: Sequence[int], noes: int, act: Act) -> Event:
    fields: dict[str, str | int | float | None] = {"actor": act.by, "accounts": len(accounts), "noes": noes}
    return Event("service.person_forgotten", new_ref(), act.at, "info", fields=fields)
