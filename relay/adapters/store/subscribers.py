"""One person's subscriptions: added by hand, confirmed by the person (clauses 2.3 and 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import Confirm, SubscriptionStatus
from relay.adapters.store.contacts import contact_id_of, contact_row, made_contact
from relay.adapters.store.day_batches import Joining, join_day_batch
from relay.adapters.store.engine import Engine, optional_us, to_us
from relay.adapters.store.history import Act, record_consent, record_event
from relay.adapters.store.names import NotFound, account_id_of, list_id_of
from relay.adapters.store.noes import lift_for_list
from relay.adapters.tables import mailing_list, subscription
from relay.ports import Event

_UNCHANGED = {SubscriptionStatus.CONFIRMED, SubscriptionStatus.SUBSCRIBED, SubscriptionStatus.IMPORTED}
"""What adding a person by hand does not touch."""


@dataclass(frozen=True, slots=True)
class Request:
    """A person put on a list by hand, with what is claimed of their consent."""

    address: Address
    name: str = ""
    consented_at: datetime | None = None
    source: str = ""
    basis: str = ""
    refused_rule: str = ""
    """Rule that refuses the address; it is kept as refused, so that a later RCPT says why."""
    joining: Joining | None = None
    """None: it joins no batch of the day."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a person confirmed by double opt-in, as it is kept for ever (STANDARDS.md §4.5)."""

    method: str
    ip: str = ""
    agent: str = ""
    message_id: str = ""
    """Message-ID of the confirmation mail."""
    wording: str = ""
    """The exact words agreed to."""
    wording_hash: str = ""
    language: str = ""
    privacy_notice: str = ""
    """Version of the privacy notice shown."""


class Subscribers:
    """Subscriptions one at a time; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, account_name: str, list_name: str, request: Request, act: Act) -> SubscriptionStatus:
        """Put an address on a list. It never becomes confirmed by that, and no 'no' is lifted."""
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, account_name)
            list_id = await list_id_of(connection, account_id, list_name)
            confirm = await _confirm_of(connection, account_id, list_id)
            contact_id = await made_contact(connection, account_id, request.address, request.name, act.at)
            before = await status_of(connection, account_id, contact_id, list_id)
            if before in _UNCHANGED:
                return before
            status = _first_status(request, confirm)
            await put(connection, (account_id, contact_id, list_id), status, request, act, before is not None)
            detail = {
                "status": status.value,
                "source": request.source,
                "basis": request.basis,
                "claimed_at": request.consented_at.isoformat() if request.consented_at else None,
                "rule": request.refused_rule,
                "by": act.by,
            }
            await record_consent(connection, account_id, contact_id, list_id, act.at, "added", detail)
            if request.joining is not None:
                await join_day_batch(connection, (account_id, contact_id, list_id), request.joining, act)
            return status

    async def confirm(
        self, account_id: int, list_id: int, contact_id: int, confirmation: Confirmation, at: datetime
    ) -> None:
        """The person confirmed by double opt-in: for this list that lifts every 'no' said before."""
        async with self._engine.begin() as connection:
            ref, address = await confirm_within(connection, (account_id, contact_id, list_id), confirmation, at)
            fields = {"recipient": address, "client": confirmation.ip, "way": confirmation.method}
            await record_event(connection, Event("confirm", ref, at, "info", account_id, fields=fields))

    async def confirm_named(
        self, account_name: str, list_name: str, address: Address, confirmation: Confirmation, at: datetime
    ) -> None:
        """`confirm` by names; NotFound where the address was not put on the list before."""
        async with self._engine.connect() as connection:
            account_id = await account_id_of(connection, account_name)
            list_id = await list_id_of(connection, account_id, list_name)
            contact_id = await contact_id_of(connection, account_id, address)
        if not contact_id:
            raise NotFound(f"{address} was not put on {list_name}")
        await self.confirm(account_id, list_id, contact_id, confirmation, at)


async def confirm_within(
    connection: AsyncConnection, keys: tuple[int, int, int], confirmation: Confirmation, at: datetime
) -> tuple[str, str]:
    """The same in a caller's transaction, without the journal's row; (REF of the consent event, address)."""
    account_id, contact_id, list_id = keys
    key, address, _ = await contact_row(connection, account_id, contact_id)
    values = {"status": SubscriptionStatus.CONFIRMED.value, "confirmed_at": to_us(at), "refused_rule": ""}
    done = await connection.execute(update(subscription).where(this_one(*keys)).values(**values))
    if done.rowcount == 0:
        raise NotFound(f"{address} was not put on that list")
    await lift_for_list(connection, account_id, list_id, key, at)
    detail = {
        "method": confirmation.method,
        "ip": confirmation.ip,
        "agent": confirmation.agent,
        "message_id": confirmation.message_id,
        "wording": confirmation.wording,
        "wording_hash": confirmation.wording_hash,
        "language": confirmation.language,
        "privacy_notice": confirmation.privacy_notice,
    }
    return await record_consent(connection, account_id, contact_id, list_id, at, "confirmed", detail), address


async def set_status(connection: AsyncConnection, keys: tuple[int, int, int], status: SubscriptionStatus) -> None:
    """Another status, and nothing else, for a subscription there is."""
    await connection.execute(update(subscription).where(this_one(*keys)).values(status=status.value))


def this_one(account_id: int, contact_id: int, list_id: int) -> ColumnElement[bool]:
    """The row of one subscription."""
    return and_(
        subscription.c.account_id == account_id,
        subscription.c.contact_id == contact_id,
        subscription.c.list_id == list_id,
    )


def _first_status(request: Request, confirm: Confirm) -> SubscriptionStatus:
    if request.refused_rule:
        return SubscriptionStatus.REFUSED
    return SubscriptionStatus.PENDING if confirm is Confirm.DOUBLE else SubscriptionStatus.SUBSCRIBED


async def put(
    connection: AsyncConnection,
    keys: tuple[int, int, int],
    status: SubscriptionStatus,
    request: Request,
    act: Act,
    there: bool,
) -> None:
    account_id, contact_id, list_id = keys
    values = {
        "status": status.value,
        "refused_rule": request.refused_rule,
        "basis": request.basis,
        "consented_at": optional_us(request.consented_at),
        "source": request.source,
        "recorded_by": act.by,
    }
    if there:
        await connection.execute(update(subscription).where(this_one(*keys)).values(**values))
        return
    ids = {"account_id": account_id, "contact_id": contact_id, "list_id": list_id}
    await connection.execute(insert(subscription).values(**ids, **values, created_at=to_us(act.at)))


async def _confirm_of(connection: AsyncConnection, account_id: int, list_id: int) -> Confirm:
    statement = select(mailing_list.c.confirm).where(
        mailing_list.c.account_id == account_id, mailing_list.c.list_id == list_id
    )
    return Confirm((await connection.execute(statement)).scalar_one())


async def status_of(
    connection: AsyncConnection, account_id: int, contact_id: int, list_id: int
) -> SubscriptionStatus | None:
    found = await connection.scalar(select(subscription.c.status).where(this_one(account_id, contact_id, list_id)))
    return None if found is None else SubscriptionStatus(found)
