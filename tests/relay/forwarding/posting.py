"""Everything a test needs to settle a message against a real sink: accounts, copies, clock, journal, wiring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from memory_spool import MemorySpool
from sink import Sink

from config.schema import Delivery
from policies.address import Address
from policies.facts import (
    Account,
    FooterIdentity,
    MailingList,
    RecipientFacts,
    Standing,
    Stream,
    SuppressionReason,
)
from relay.adapters.smarthost import Opener, Route, client_context
from relay.forwarding.answers import Answers
from relay.forwarding.breaker import Breaker
from relay.forwarding.commit import Commit
from relay.forwarding.copies import Copy, Letter
from relay.forwarding.dsn import Reports
from relay.forwarding.links import Links
from relay.forwarding.office import Office
from relay.forwarding.recheck import Recheck
from relay.forwarding.retry import Keeper
from relay.forwarding.smarthosts import Pool, Weighted
from relay.forwarding.states import Timetable
from relay.identifiers import new_ref
from relay.message.recipe import CopyRecipe, Recipe
from relay.ports import DeliveredRow, Event, Smarthosts, SpooledCopy, SpooledMessage, StoreUnavailable
from relay.transaction import Credential, MailCommand, Session, Transaction

NEWS = MailingList(11, "news")
ACME = Account(
    7,
    "acme",
    "Acme Ltd",
    Address.parse("owner@acme.example"),
    Standing.ACTIVE,
    frozenset({"acme.example"}),
    (NEWS,),
    FooterIdentity("Acme Ltd", "1 Road, Town"),
)
RAW = (
    b"From: shop@acme.example\r\nSubject: hello\r\nMessage-ID: <1@acme.example>\r\n\r\nHello\r\n.dot\r\n..\r\nBye\r\n"
)
FAST = Delivery(inline_deadline=0.6, connect_timeout=0.5)


class FakeClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def advance(self, **amount: float) -> None:
        self.at += timedelta(**amount)


@dataclass
class ListJournal:
    events: list[Event] = field(default_factory=list)
    rows: list[DeliveredRow] = field(default_factory=list)

    def write(self, event: Event) -> None:
        self.events.append(event)

    def delivered(self, row: DeliveredRow, event: Event) -> None:
        self.rows.append(row)
        self.events.append(event)

    def named(self, name: str) -> list[Event]:
        return [one for one in self.events if one.event == name]


@dataclass
class OneAccount:
    account_row: Account | None = ACME

    async def account(self, account_id: int) -> Account | None:
        return self.account_row

    async def account_named(self, name: str) -> Account | None:
        return self.account_row

    async def owner_of(self, domain: str) -> Account | None:
        return self.account_row

    async def credential(self, account_name: str, name: str) -> Credential | None:
        return None


@dataclass
class Suppressions:
    said_no: dict[str, SuppressionReason] = field(default_factory=dict)
    stopped: bool = False

    async def recipients(
        self, account: Account, list_id: int, list_name: str, stream: Stream, addresses: Sequence[Address]
    ) -> list[RecipientFacts]:
        raise NotImplementedError("forwarding never asks at RCPT")

    async def suppressed(self, account_id: int, list_id: int, address: Address) -> SuppressionReason | None:
        if self.stopped:
            raise StoreUnavailable("the store is stopped")
        return self.said_no.get(address.key)

    async def contact(self, account_id: int, address: Address) -> int:
        return 1


def render(raw: bytes, recipient: str) -> bytes:
    """What a copy looks like here: the received octets behind a line of its own."""
    return f"X-Copy: {recipient}\r\n".encode() + raw


def render_again(message: SpooledMessage, copy: SpooledCopy):
    return lambda _eight_bit: render(message.raw, copy.recipient)


def recipe(ref: str) -> Recipe:
    return Recipe(
        ref, "relay.example", "Demo", "b.relay.example", "Acme Ltd", "1 Road", "acme", "news",
        "news.acme.b.relay.example", "spring", "from x", 0, "00", (("acme.example", "s1"),),
    )  # fmt: skip


def copy_to(recipient: str, raw: bytes = RAW, **more: object) -> Copy:
    personal = CopyRecipe(recipient, 5, f"v.{recipient.partition('@')[0]}@b.relay.example", "u", "m", "f")
    return Copy(Address.parse(recipient), personal, lambda _eight_bit: render(raw, recipient), **more)  # type: ignore[arg-type]


def transaction(on_unavailable: str = "queue", **mail: str) -> Transaction:
    kind = "submission" if on_unavailable == "queue" else "bulk"
    session = Session(kind, "127.0.0.1:2587", on_unavailable, "127.0.0.1", 4711)  # type: ignore[arg-type]
    command = replace(MailCommand(Address.parse("shop@acme.example")), **mail)  # type: ignore[arg-type]
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return Transaction(new_ref(), session, ACME, Stream.MARKETING, command, NEWS, now)


def links_to(
    sink: Sink,
    clock: FakeClock,
    scheme: str = "smtp",
    login: str = "",
    tls=None,
    limit: int = 20,
    per_link: int = 500,
    idle: float = 30.0,
) -> Links:
    route = Route.parse(f"{scheme}://{login}127.0.0.1:{sink.port}")
    opener = Opener(route, "relay.example", FAST.connect_timeout, tls or client_context(False))
    return Links(route.name, opener.open, limit, per_link, idle, Breaker(clock.monotonic))


def pool_to(sink: Sink, clock: FakeClock, **more) -> Pool:
    return Pool([Weighted(links_to(sink, clock, **more))], lambda: 0.5)


class Post:
    """A whole forwarding office on one smarthost."""

    def __init__(self, smarthosts: Smarthosts, clock: FakeClock, clocks: Delivery = FAST) -> None:
        self.smarthosts = smarthosts
        self.clock = clock
        self.spool = MemorySpool()
        self.journal = ListJournal()
        self.directory = OneAccount()
        self.suppressions = Suppressions()
        self.woken = 0
        reports = Reports("relay.example", "b.relay.example", "en", lambda raw: raw, clock, 345600.0)
        self.office = Office(
            smarthosts,
            self.spool,
            self.journal,
            clock,
            Timetable(clocks, lambda: 0.0),
            Recheck(self.directory, self.suppressions),
            reports,
            Answers(lambda ref: f"https://relay.example/r/{ref}"),
            self._wake,
        )
        self.commit = Commit(self.office)
        self.keeper = Keeper(self.office, self.directory, render_again)

    def _wake(self) -> None:
        self.woken += 1

    async def send(self, *recipients: str, on_unavailable: str = "queue", tx: Transaction | None = None):
        """Settle one message; the reply and the transaction."""
        tx = tx or transaction(on_unavailable)
        copies = [copy_to(one) for one in recipients]
        letter = Letter(RAW, recipe(tx.ref), "<1@acme.example>")
        return await self.commit.settle(tx, copies, letter), tx
