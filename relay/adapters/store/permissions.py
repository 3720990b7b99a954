"""Who may be mailed: read from the store at every question, never cached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from policies.address import Address
from policies.facts import (
    Account,
    Confirm,
    RecipientFacts,
    Stream,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionReason,
)
from policies.imports.batch import BatchState, ImportBatch
from policies.recipient.suppression import Known, standing_no
from relay.adapters.store.engine import from_us, optional_at, to_us
from relay.adapters.store.hot import HotReader, KeyedQuery, Query, Statements
from relay.adapters.store.names import fresh_id
from relay.adapters.store.outside import Outside
from relay.adapters.store.writer import Writer
from relay.ports import Clock

HOUR_US = 3_600_000_000

# key, contact_id, list_id, list name, confirm, status, consented, confirmed, last contact, source, refused rule,
# then of its import: batch_id, row, state, ramp from, ramp until, accepted
Membership = tuple[
    str,
    int,
    int | None,
    str,
    str,
    str,
    int | None,
    int | None,
    int | None,
    str,
    str,
    int,
    int,
    str | None,
    int | None,
    int | None,
    int,
]
# address_key, account_id, list_id, reason, at, way
No = tuple[str, int, int, str, int, str]

_MEMBERSHIPS = KeyedQuery[Membership](
    "SELECT c.address_key, c.contact_id, s.list_id, l.name, l.confirm, s.status, s.consented_at, s.confirmed_at,"
    " s.last_contact_at, s.source, s.refused_rule,"
    " s.batch_id, s.batch_row, b.state, b.ramp_from, b.ramp_until, b.accepted"
    " FROM contact c"
    " LEFT JOIN subscription s ON s.account_id = c.account_id AND s.contact_id = c.contact_id"
    " LEFT JOIN mailing_list l ON l.account_id = s.account_id AND l.list_id = s.list_id"
    " LEFT JOIN import_batch b ON b.account_id = s.account_id AND b.batch_id = s.batch_id"
    " WHERE c.account_id = ? AND c.address_key IN ({keys})"
)
_NOES = KeyedQuery[No](
    "SELECT address_key, account_id, list_id, reason, at, way FROM suppression"
    " WHERE account_id IN (0, ?) AND lifted_at IS NULL AND address_key IN ({keys})"
)
_MAY_HAVE_SAID_NO = Query[tuple[int]](
    "SELECT 1 FROM suppression WHERE account_id IN (0, ?) AND lifted_at IS NULL AND address_key = ?"
    " UNION ALL SELECT 1 FROM account a WHERE a.account_id = ?"
    "  AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.account_id = a.account_id AND c.address_key = ?)"
)
"""A 'no' stands, or nobody has the address any more: whoever was forgotten may have said one. Few have either."""
_FORGOTTEN = KeyedQuery[No](
    "SELECT person, account_id, list_id, reason, at, way FROM forgotten"
    " WHERE account_id IN (0, ?) AND person IN ({keys})"
)
_MEMBERSHIPS_OF_ONE, _NOES_OF_ONE = _MEMBERSHIPS.of(1), _NOES.of(1)
_CONTACT = Query[tuple[int]]("SELECT contact_id FROM contact WHERE account_id = ? AND address_key = ?")
_NEW_CONTACT = (
    "INSERT INTO contact (account_id, contact_id, address_key, address, name, created_at)"
    " VALUES (?, ?, ?, ?, '', ?) ON CONFLICT (account_id, address_key) DO NOTHING"
)
_SENT = Query[tuple[int]](
    "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM hourly"
    " WHERE account_id = ? AND hour >= ? AND event = 'delivery.done'"
)

_GRAVEST = (SuppressionReason.COMPLAINT, SuppressionReason.UNREACHABLE, SuppressionReason.OPT_OUT)
"""Order of `suppressed`: those that stop every stream come first (POLICY.md, Streams)."""


class StorePermissions:
    """Permission and suppression of recipients: two look-ups for any number of addresses."""

    def __init__(
        self,
        reader: HotReader,
        writer: Writer,
        clock: Clock,
        outside: Outside | None = None,
        recognise: Callable[[Address], str] | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._outside = outside
        self._recognise = recognise

    async def recipients(
        self, account: Account, list_id: int, list_name: str, stream: Stream, addresses: Sequence[Address]
    ) -> list[RecipientFacts]:
        """Facts of each address, in order; whoever is on no list of the account has contact 0."""
        now = self._clock.now()
        if len(addresses) == 1:
            person = await self._one(account.account_id, addresses[0], now)
            return [RecipientFacts(*person, list_id=list_id, list_name=list_name, stream=stream, now=now)]
        keys = [address.key for address in addresses]
        people = await self._people(account.account_id, addresses, now)
        return [
            RecipientFacts(*people.get(key, _NOBODY), list_id=list_id, list_name=list_name, stream=stream, now=now)
            for key in keys
        ]

    async def suppressed(self, account_id: int, list_id: int, address: Address) -> SuppressionReason | None:
        """The gravest 'no' that stands now for mail of this list; list 0: for mail that names none."""
        key = address.key
        if not await self._reader.fetch(_MAY_HAVE_SAID_NO, (account_id, key, account_id, key)):
            return None
        now = self._clock.now()
        known = await self._one(account_id, address, now)
        facts = RecipientFacts(*known, list_id=list_id, list_name="", stream=Stream.MARKETING, now=now)
        return next((reason for reason in _GRAVEST if standing_no(reason, Known.TO_ALL, facts)), None)

    async def contact(self, account_id: int, address: Address) -> int:
        """The contact id of an address, made where there is none."""
        found = await self._reader.fetch(_CONTACT, (account_id, address.key))
        if found:
            return found[0][0]
        made: dict[str, str | int] = {"account_id": account_id, "contact_id": fresh_id(63), "name": ""}
        made["address"] = str(address)
        made |= {"address_key": address.key, "created_at": to_us(self._clock.now())}
        return await self._writer.run(partial(_make_contact, made=made, outside=self._outside))

    async def sent_since(self, account_id: int, since: datetime) -> int:
        """Copies a smarthost took since the start of that hour: never fewer than since that time."""
        hour = to_us(since) // HOUR_US * HOUR_US
        return (await self._reader.fetch(_SENT, (account_id, hour)))[0][0]

    async def _one(self, account_id: int, address: Address, now: datetime) -> Person:
        """The same of one address, as nearly every question is."""
        parameters = (account_id, address.key)
        memberships = await self._reader.fetch(_MEMBERSHIPS_OF_ONE, parameters)
        noes = await self._reader.fetch(_NOES_OF_ONE, parameters)
        if not memberships:
            noes += await self._forgotten(account_id, [address])
        return _person(list(dict.fromkeys(memberships)), noes, now)

    async def _people(self, account_id: int, addresses: Sequence[Address], now: datetime) -> dict[str, Person]:
        """Contact id, subscriptions and suppressions of each key that has any."""
        if not addresses:
            return {}
        keys = [address.key for address in addresses]
        memberships: dict[str, list[Membership]] = {}
        for row in await _MEMBERSHIPS.fetch(self._reader, (account_id,), keys):
            rows = memberships.setdefault(row[0], [])
            if row not in rows:
                rows.append(row)
        noes: dict[str, list[No]] = {}
        for no in await _NOES.fetch(self._reader, (account_id,), keys):
            noes.setdefault(no[0], []).append(no)
        for no in await self._forgotten(account_id, [one for one in addresses if one.key not in memberships]):
            noes.setdefault(no[0], []).append(no)
        found = memberships.keys() | noes.keys()
        return {key: _person(memberships.get(key, []), noes.get(key, []), now) for key in found}

    async def _forgotten(self, account_id: int, strangers: Sequence[Address]) -> list[No]:
        """What those said who were erased since; whoever is known again has it under the address."""
        if self._recognise is None or not strangers:
            return []
        people = {self._recognise(address): address.key for address in strangers}
        rows = await _FORGOTTEN.fetch(self._reader, (account_id,), list(people))
        return [(people[row[0]], *row[1:]) for row in rows]


Person = tuple[int, tuple[Subscription, ...], tuple[Suppression, ...]]
_NOBODY: Person = (0, (), ())


def _person(memberships: Sequence[Membership], noes: Sequence[No], now: datetime) -> Person:
    subscriptions = tuple([_subscription(row, now) for row in memberships if row[2] is not None])
    suppressions = tuple([_suppression(row, subscriptions) for row in dict.fromkeys(noes)]) if noes else ()
    return (memberships[0][1] if memberships else 0, subscriptions, suppressions)


def _subscription(row: Membership, now: datetime) -> Subscription:
    _, _, list_id, name, confirm, status, consented, confirmed, contacted, source, refused = row[:11]
    return Subscription(
        list_id=list_id or 0,
        list_name=name or "",
        list_confirm=Confirm(confirm) if confirm else Confirm.DOUBLE,
        status=SubscriptionStatus(status),
        consented_at=optional_at(consented),
        confirmed_at=optional_at(confirmed),
        last_contact_at=optional_at(contacted),
        source=source,
        refused_rule=refused,
        batch=_batch(row, now) if row[13] is not None else None,
    )


def _batch(row: Membership, now: datetime) -> ImportBatch | None:
    """The import an address came with, where that is not open to its last address."""
    batch_id, number, state, ramp_from, ramp_until, accepted = row[11:]
    if state == BatchState.OPEN.value and (ramp_until is None or ramp_until <= to_us(now)):
        return None
    return ImportBatch(batch_id, BatchState(state or ""), optional_at(ramp_from), accepted, number)


def _suppression(row: No, subscriptions: Sequence[Subscription]) -> Suppression:
    """A 'no' and the lists for which the person confirmed again later: only that lifts it (clause 3.1)."""
    _, account_id, list_id, reason, at, way = row
    said_at = from_us(at)
    return Suppression(
        reason=SuppressionReason(reason),
        at=said_at,
        way=way,
        list_id=list_id,
        all_accounts=account_id == 0,
        lifted_for=frozenset(one.list_id for one in subscriptions if _confirmed_after(one, said_at)),
    )


def _confirmed_after(subscription: Subscription, at: datetime) -> bool:
    confirmed_at = subscription.confirmed_at
    return subscription.status is SubscriptionStatus.CONFIRMED and confirmed_at is not None and confirmed_at > at


def _make_contact(statements: Statements, made: dict[str, str | int], outside: Outside | None) -> int:
    names = ("account_id", "contact_id", "address_key", "address", "created_at")
    if statements.execute(_NEW_CONTACT, [made[name] for name in names]) and outside is not None:
        outside.keep_people([made])
    return statements.fetch(_CONTACT, (made["account_id"], made["address_key"]))[0][0]
