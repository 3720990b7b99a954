"""The ports in memory: real classes that keep relay/ports.py's promises, for tests of stages and listeners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from policies.address import Address
from policies.facts import Account, RecipientFacts, Stream, Subscription, Suppression, SuppressionReason
from policies.recipient.suppression import Known, standing_no
from relay.message.address_book import AddressBook
from relay.permission.my_mail import Sender
from relay.ports import DeliveredRow, Event, RefusalRow, StoreUnavailable, Tally
from relay.transaction import Credential

SPRING = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(slots=True)
class FakeClock:
    """Stands still until a test moves it."""

    at: datetime = SPRING
    seconds: float = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, step: timedelta) -> None:
        self.at += step
        self.seconds += step.total_seconds()


@dataclass(slots=True)
class MemoryDirectory:
    """Accounts and credentials; `stopped` makes it a store that cannot be read."""

    accounts: dict[int, Account] = field(default_factory=dict)
    credentials: dict[tuple[str, str], Credential] = field(default_factory=dict)
    stopped: bool = False

    def add(self, account: Account, *credentials: Credential) -> None:
        self.accounts[account.account_id] = account
        self.credentials.update({(one.account_name, one.name): one for one in credentials})

    def _read(self) -> list[Account]:
        if self.stopped:
            raise StoreUnavailable("the store is stopped")
        return list(self.accounts.values())

    async def account(self, account_id: int) -> Account | None:
        return next((one for one in self._read() if one.account_id == account_id), None)

    async def account_named(self, name: str) -> Account | None:
        return next((one for one in self._read() if one.name == name), None)

    async def owner_of(self, domain: str) -> Account | None:
        return next((one for one in self._read() if one.owns(domain)), None)

    async def credential(self, account_name: str, name: str) -> Credential | None:
        self._read()
        return self.credentials.get((account_name, name))


@dataclass(slots=True)
class Person:
    """What one account's store knows of one address."""

    contact_id: int
    subscriptions: list[Subscription] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)


@dataclass(slots=True)
class MemoryPermissions:
    """Permission and suppression by account and address key; `stopped` makes it a store that cannot be read."""

    clock: FakeClock
    people: dict[tuple[int, str], Person] = field(default_factory=dict)
    sent: list[tuple[int, datetime]] = field(default_factory=list)
    """Account and time of each copy taken."""
    stopped: bool = False

    def person(self, account_id: int, address: Address) -> Person:
        """The row of an address under an account, made where there is none."""
        return self.people.setdefault((account_id, address.key), Person(len(self.people) + 1))

    def subscribe(self, account_id: int, address: Address, subscription: Subscription) -> None:
        self.person(account_id, address).subscriptions.append(subscription)

    def suppress(self, account_id: int, address: Address, suppression: Suppression) -> None:
        self.person(account_id, address).suppressions.append(suppression)

    def _suppressions(self, account_id: int, address: Address) -> tuple[Suppression, ...]:
        """The account's own, and what the person told every sender elsewhere."""
        return tuple(
            no
            for (owner, key), person in self.people.items()
            if key == address.key
            for no in person.suppressions
            if owner == account_id or no.all_accounts
        )

    def _facts(
        self, account: Account, list_id: int, list_name: str, stream: Stream, address: Address
    ) -> RecipientFacts:
        person = self.people.get((account.account_id, address.key), Person(0))
        on_list = tuple(one for one in person.subscriptions if list_id in (0, one.list_id))
        suppressions = self._suppressions(account.account_id, address)
        return RecipientFacts(person.contact_id, on_list, suppressions, list_id, list_name, stream, self.clock.now())

    def _read(self) -> None:
        if self.stopped:
            raise StoreUnavailable("the store is stopped")

    async def recipients(
        self, account: Account, list_id: int, list_name: str, stream: Stream, addresses: Sequence[Address]
    ) -> list[RecipientFacts]:
        self._read()
        return [self._facts(account, list_id, list_name, stream, address) for address in addresses]

    async def suppressed(self, account_id: int, list_id: int, address: Address) -> SuppressionReason | None:
        self._read()
        person = self.people.get((account_id, address.key), Person(0))
        facts = RecipientFacts(
            person.contact_id,
            tuple(person.subscriptions),
            self._suppressions(account_id, address),
            list_id,
            "",
            Stream.MARKETING,
            self.clock.now(),
        )
        return next((reason for reason in SuppressionReason if standing_no(reason, Known.TO_ALL, facts)), None)

    async def contact(self, account_id: int, address: Address) -> int:
        self._read()
        return self.person(account_id, address).contact_id

    async def sent_since(self, account_id: int, since: datetime) -> int:
        self._read()
        return sum(1 for owner, at in self.sent if owner == account_id and at >= since)


@dataclass(slots=True)
class MemoryTallies:
    """Counts by account, subject and beginning."""

    counts: dict[tuple[int, str, datetime], int] = field(default_factory=dict)
    stopped: bool = False

    async def counted(self, account_id: int, subject: str, since: datetime) -> int:
        if self.stopped:
            raise StoreUnavailable("the store is stopped")
        return self.counts.get((account_id, subject, since), 0)

    async def add(self, tallies: Sequence[Tally]) -> list[int]:
        if self.stopped:
            raise StoreUnavailable("the store is stopped")
        for one in tallies:
            key = (one.account_id, one.subject, one.since)
            self.counts[key] = self.counts.get(key, 0) + one.count
        return [self.counts[one.account_id, one.subject, one.since] for one in tallies]


@dataclass(slots=True)
class MemoryBooks:
    """The registered addresses of all accounts, as a test writes them down."""

    addresses: list[tuple[int, str]] = field(default_factory=list)

    async def book(self) -> AddressBook:
        return AddressBook(self.addresses)


@dataclass(slots=True)
class ListJournal:
    """Keeps what it is told, in order."""

    events: list[Event] = field(default_factory=list)
    rows: list[DeliveredRow] = field(default_factory=list)

    def write(self, event: Event) -> None:
        self.events.append(event)

    def delivered(self, row: DeliveredRow, event: Event) -> None:
        self.rows.append(row)
        self.events.append(event)

    def named(self, name: str) -> list[Event]:
        """The events of one kind."""
        return [event for event in self.events if event.event == name]


class NobodyAsked:
    """Double opt-in where no list has a form and no link a question."""

    async def form(self, account_name: str, list_name: str) -> None:
        return None

    async def find(self, account_id: int, contact_id: int, list_id: int, message: int, now: datetime) -> None:
        return None


class NobodyKnown:
    """/me where no account knows anybody."""

    async def senders(self, address: Address) -> list[Sender]:
        return []

    async def address(self, account_id: int, contact_id: int) -> None:
        return None


@dataclass(slots=True)
class MemoryPeople:
    """The store's side of opt-outs, on the same people whose permission is asked at RCPT."""

    directory: MemoryDirectory
    permissions: MemoryPermissions
    said: list[tuple[int, str, int, SuppressionReason, str, str, str]] = field(default_factory=list)
    """What is new: account (0: all), address key, list (0: all), reason, way, client, token."""
    stopped: bool = False
    """Nothing can be read or written."""
    full: bool = False
    """Nothing can be written."""

    async def subject(
        self, account_id: int, contact_id: int, list_id: int
    ) -> tuple[Address, str, str, str, str] | None:
        if self.stopped:
            raise StoreUnavailable("the store is stopped")
        account = self.directory.accounts.get(account_id)
        keys = (
            key
            for (owner, key), one in self.permissions.people.items()
            if (owner, one.contact_id) == (account_id, contact_id)
        )
        key = next(keys, None)
        if account is None or key is None:
            return None
        list_name = next((one.name for one in account.lists if one.list_id == list_id), "")
        return Address.parse(key), account.name, account.organisation, list_name, ""

    async def suppress(
        self,
        account_id: int,
        address: Address,
        list_id: int,
        reason: SuppressionReason,
        way: str,
        client: str,
        token: str,
    ) -> bool:
        if self.stopped or self.full:
            raise StoreUnavailable("the store is stopped")
        known = {(one[:4]) for one in self.said}
        if (account_id, address.key, list_id, reason) in known:
            return False
        self.said.append((account_id, address.key, list_id, reason, way, client, token))
        owners = [account_id] if account_id else list(self.directory.accounts)
        for owner in owners:
            no = Suppression(reason, self.permissions.clock.now(), way, list_id, all_accounts=account_id == 0)
            self.permissions.suppress(owner, address, no)
        return True


@dataclass(slots=True)
class MemoryRefusals:
    """Refusals by REF, as the journal keeps them."""

    rows: dict[str, RefusalRow] = field(default_factory=dict)
    stopped: bool = False

    async def refusal(self, ref: str) -> RefusalRow | None:
        if self.stopped:
            raise StoreUnavailable("the store is stopped")
        return self.rows.get(ref)


@dataclass(slots=True)
class Reachable:
    """What /readyz asks."""

    store: bool = True
    smarthost: bool = True

    async def probe_store(self) -> None:
        if not self.store:
            raise StoreUnavailable("the store is stopped")

    async def probe_smarthost(self) -> bool:
        return self.smarthost
