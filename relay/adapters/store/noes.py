"""How a 'no' is kept and found: never twice, never weaker than it was, and lifted by a double opt-in alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import SubscriptionStatus, SuppressionReason
from relay.adapters.append_only import Record
from relay.adapters.store.batches import count_against
from relay.adapters.store.contacts import contact_id_of, contact_ids
from relay.adapters.store.engine import from_us, to_us
from relay.adapters.store.history import Act, record_consent
from relay.adapters.store.names import insert_missing
from relay.adapters.store.outside import LIFTED, SAID, note_noes
from relay.adapters.tables import account, contact, subscription, suppression

BY_STAFF = "staff"
"""The way of a 'no' that staff put in, and the only one they may take out."""
IMPORTED = "import"
EVERY_ACCOUNT = 0
EVERY_LIST = 0


@dataclass(frozen=True, slots=True)
class No:
    """One suppression that stands."""

    address_key: str
    list_id: int
    """0: everything."""
    reason: SuppressionReason
    at: datetime
    way: str
    all_accounts: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """A 'no' to keep: for whom, how wide, and what it rests on."""

    account_id: int
    """0: every account."""
    address: Address
    list_id: int
    """0: everything the account sends."""
    reason: SuppressionReason
    way: str
    act: Act
    client: str = ""
    token: str = ""
    why: str = ""


async def keep(connection: AsyncConnection, wish: Wish) -> bool:
    """Record a wish within the caller's transaction; whether it is new."""
    this = exactly(wish.account_id, wish.address.key, wish.list_id) & (suppression.c.reason == wish.reason.value)
    row = (await connection.execute(select(suppression).where(this))).first()
    values = {
        "at": to_us(wish.act.at),
        "way": wish.way,
        "actor": wish.act.by,
        "client": wish.client,
        "token": wish.token,
        "lifted_at": None,
        "lifted_how": "",
    }
    if row is None:
        keys = {"account_id": wish.account_id, "address_key": wish.address.key, "list_id": wish.list_id}
        await connection.execute(
            insert_missing(connection, suppression).values(**keys, reason=wish.reason.value, **values)
        )
    elif await _still_says_it(connection, wish, row.at, row.way, row.lifted_at):
        return False
    else:
        await connection.execute(update(suppression).where(this).values(**values))
    await _remember(connection, wish)
    await note_noes(connection, [record_of(wish)])
    return True


def record_of(wish: Wish) -> Record:
    """As the file outside the store has it."""
    scope: dict[str, str | int] = {"account_id": wish.account_id, "list_id": wish.list_id}
    said = {"address": str(wish.address), "reason": wish.reason.value, "way": wish.way, "actor": wish.act.by}
    return {"kind": SAID, **scope, **said, "client": wish.client, "token": wish.token, "at": to_us(wish.act.at)}


async def lift(
    connection: AsyncConnection, account_id: int, address: Address, list_id: int, how: str, at: datetime
) -> int:
    """Lift what staff said with exactly this scope; how many it was."""
    by_staff = and_(suppression.c.way == BY_STAFF, suppression.c.lifted_at.is_(None), suppression.c.at <= to_us(at))
    this = exactly(account_id, address.key, list_id) & by_staff
    values = {"lifted_at": to_us(at), "lifted_how": how}
    lifted = (await connection.execute(update(suppression).where(this).values(**values))).rowcount
    record: dict[str, str | int] = {"kind": LIFTED, "account_id": account_id, "list_id": list_id, "how": how}
    await note_noes(connection, [{**record, "address": str(address), "at": to_us(at)}])
    return lifted


async def _still_says_it(connection: AsyncConnection, wish: Wish, at: int, way: str, lifted_at: int | None) -> bool:
    """Whether the row there already means all that the wish does: not lifted, and no weaker than a person's own."""
    if lifted_at is not None or (way == BY_STAFF and wish.way != BY_STAFF):
        return False
    return not await _confirmed_since(connection, wish, at)


async def _confirmed_since(connection: AsyncConnection, wish: Wish, at: int) -> bool:
    """Whether the person confirmed any list after that time; for every account, under any."""
    accounts = select(account.c.account_id)
    if wish.account_id:
        accounts = accounts.where(account.c.account_id == wish.account_id)
    people = select(contact.c.account_id, contact.c.contact_id).where(
        contact.c.account_id.in_(accounts), contact.c.address_key == wish.address.key
    )
    for account_id, contact_id in (await connection.execute(people)).all():
        newer = select(subscription.c.contact_id).where(
            subscription.c.account_id == account_id,
            subscription.c.contact_id == contact_id,
            subscription.c.confirmed_at > at,
        )
        if await connection.scalar(newer.limit(1)) is not None:
            return True
    return False


async def keep_imported(
    connection: AsyncConnection,
    account_id: int,
    list_id: int,
    said: Sequence[tuple[Address, SuppressionReason]],
    act: Act,
) -> None:
    """What a file says of its own addresses: an opt-out for its list, a complaint or bounce for all of the account.

    A claim only adds: what a person said stays as it was recorded.
    """
    for reason in SuppressionReason:
        people = {address.key: address for address, one in said if one is reason}
        if keys := sorted(people):
            of = list_id if reason is SuppressionReason.OPT_OUT else EVERY_LIST
            await _keep_all(connection, account_id, of, reason, keys, act)
            wishes = [Wish(account_id, people[key], of, reason, IMPORTED, act) for key in keys]
            await note_noes(connection, [record_of(wish) for wish in wishes])


async def _keep_all(
    connection: AsyncConnection, account_id: int, list_id: int, reason: SuppressionReason, keys: list[str], act: Act
) -> None:
    same = {"account_id": account_id, "list_id": list_id, "reason": reason.value}
    fresh = {"at": to_us(act.at), "way": IMPORTED, "actor": act.by}
    rows = [{**same, **fresh, "address_key": key} for key in keys]
    await connection.execute(insert_missing(connection, suppression), rows)
    # A 'no' that was lifted, or that a double opt-in for the list has outlived, is said again.
    outlived = await _outlived(connection, account_id, list_id, keys)
    this = and_(
        suppression.c.account_id == account_id,
        suppression.c.list_id == list_id,
        suppression.c.reason == reason.value,
        suppression.c.address_key.in_(keys),
        or_(suppression.c.lifted_at.is_not(None), suppression.c.address_key.in_(outlived)),
    )
    await connection.execute(update(suppression).where(this).values(**fresh, lifted_at=None, lifted_how=""))


async def _outlived(connection: AsyncConnection, account_id: int, list_id: int, keys: Sequence[str]) -> list[str]:
    """Keys whose 'no' of this scope is older than a confirmation of a list it covers."""
    confirmed = await _confirmations(connection, account_id, list_id, keys)
    if not confirmed:
        return []
    said = select(suppression.c.address_key, suppression.c.at).where(
        suppression.c.account_id == account_id,
        suppression.c.list_id == list_id,
        suppression.c.address_key.in_(list(confirmed)),
    )
    rows = (await connection.execute(said)).all()
    return [key for key, at in rows if confirmed[key] > at]


async def _remember(connection: AsyncConnection, wish: Wish) -> None:
    if wish.account_id == EVERY_ACCOUNT:
        return  # no account's record; the suppression itself carries the evidence
    contact_id = await contact_id_of(connection, wish.account_id, wish.address)
    if not contact_id:
        return
    detail = {
        "method": wish.way,
        "ip": wish.client,
        "token": wish.token,
        "reason": wish.reason.value,
        "why": wish.why,
        "by": wish.act.by,
    }
    if wish.way != BY_STAFF:
        await count_against(connection, wish.account_id, contact_id, wish.reason)
    event = "withdrawn" if wish.reason is SuppressionReason.OPT_OUT else wish.reason.value
    await record_consent(connection, wish.account_id, contact_id, wish.list_id, wish.act.at, event, detail)


async def standing_noes(
    connection: AsyncConnection, account_id: int, list_id: int, keys: Sequence[str]
) -> dict[str, No]:
    """The 'no' of each address that holds for a list now, the first reason of POLICY.md's order."""
    table = suppression.c
    statement = select(suppression).where(
        table.account_id.in_([EVERY_ACCOUNT, account_id]),
        table.address_key.in_(keys),
        table.list_id.in_([EVERY_LIST, list_id]),
        table.lifted_at.is_(None),
    )
    rows = (await connection.execute(statement)).all()
    if not rows:
        return {}
    confirmed = await _confirmations(connection, account_id, list_id, [row.address_key for row in rows])
    noes = [
        No(row.address_key, row.list_id, SuppressionReason(row.reason), from_us(row.at), row.way, not row.account_id)
        for row in rows
        if confirmed.get(row.address_key, -1) <= row.at
    ]
    order = list(SuppressionReason)
    noes.sort(key=lambda no: order.index(no.reason), reverse=True)
    return {no.address_key: no for no in noes}


async def _confirmations(
    connection: AsyncConnection, account_id: int, list_id: int, keys: Sequence[str]
) -> dict[str, int]:
    """When each address last confirmed this list (0: any) by double opt-in; a newer one lifts a 'no' for the list.

    In two steps: joined, the planner may walk the whole account once a key.
    """
    ids = await contact_ids(connection, account_id, keys)
    table = subscription.c
    statement = select(table.contact_id, table.confirmed_at).where(
        table.account_id == account_id,
        table.contact_id.in_(list(ids.values())),
        table.status == SubscriptionStatus.CONFIRMED.value,
        table.confirmed_at.is_not(None),
    )
    if list_id != EVERY_LIST:
        statement = statement.where(table.list_id == list_id)
    latest: dict[int, int] = {}
    for contact_id, at in await connection.execute(statement):
        latest[contact_id] = max(at, latest.get(contact_id, at))
    return {key: latest[contact_id] for key, contact_id in ids.items() if contact_id in latest}


async def lift_for_list(connection: AsyncConnection, account_id: int, list_id: int, key: str, at: datetime) -> None:
    """What a new double opt-in does to the list's own suppressions; wider ones yield to its date alone."""
    this = exactly(account_id, key, list_id) & suppression.c.lifted_at.is_(None)
    values = {"lifted_at": to_us(at), "lifted_how": "double opt-in"}
    await connection.execute(update(suppression).where(this).values(**values))


def exactly(account_id: int, key: str, list_id: int) -> ColumnElement[bool]:
    """The rows of one address with one scope, whatever their reason."""
    return and_(
        suppression.c.account_id == account_id, suppression.c.address_key == key, suppression.c.list_id == list_id
    )
