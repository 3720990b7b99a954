"""The stages with their real rules, rewriting and settlement; what lies outside them is in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from fakes import SPRING, FakeClock, ListJournal, MemoryBooks, MemoryDirectory, MemoryPermissions, MemoryTallies
from memory_spool import MemorySpool

from config.schema import RulePolicy, Settings, Streams
from policies.address import Address
from policies.facts import (
    Account,
    Confirm,
    FooterIdentity,
    MailingList,
    Standing,
    Stream,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionReason,
)
from policies.registry import build
from policies.verdict import Reply
from relay.adapters.dkim_keys import KeyDirectory
from relay.counters import Counters
from relay.forwarding.answers import Answers
from relay.forwarding.commit import Commit
from relay.forwarding.dsn import Reports
from relay.forwarding.office import Office
from relay.forwarding.recheck import Recheck
from relay.forwarding.states import Timetable
from relay.gather import Gather
from relay.key_ring import KeyRing
from relay.login import Login
from relay.ports import Delivered, Event, Outcome, Outgoing, PasswordsBusy, SpooledMessage
from relay.reading import Reader
from relay.recipes import Recipes
from relay.record import Record
from relay.refusals import Refusals
from relay.sending import Sending
from relay.stages import Stages
from relay.tokens import Tokens
from relay.transaction import Credential, MailCommand, RcptCommand, Refuse, Session, Transaction

NEWS, OFFERS = MailingList(1, "news"), MailingList(2, "offers", Confirm.SINGLE)
ACME = Account(
    7,
    "acme",
    "Acme Ltd",
    Address.parse("owner@acme.example"),
    Standing.ACTIVE,
    frozenset({"acme.test"}),
    (NEWS, OFFERS),
    FooterIdentity("Acme Ltd", "1 High Street, Leeds LS1 1AA"),
)
SHOP = Credential(5, 7, "acme", "shop", "right")
PLATFORM = Credential(6, 0, "", "esp", "right")
RAW = (
    b"From: News <news@acme.test>\r\nTo: anne@example.com\r\nSubject: Hello\r\nMessage-ID: <1@acme.test>\r\n"
    b"Date: Sun, 1 Mar 2026 12:00:00 +0000\r\n\r\nGood morning, this is our letter of the week.\r\n"
)
KINDS: dict[str, Literal["queue", "defer"]] = {"submission": "queue", "bulk": "defer", "intake": "defer"}


@dataclass
class PlainPasswords:
    """Stored passwords in clear; who guesses is remembered."""

    shut: bool = False
    busy: bool = False
    asked: list[str | None] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    right: list[str] = field(default_factory=list)

    async def verify(self, stored: str | None, password: bytes) -> bool:
        if self.busy:
            raise PasswordsBusy
        self.asked.append(stored)
        return stored is not None and stored.encode() == password

    def blocked(self, login: str, client: str) -> bool:
        return self.shut

    def failed(self, login: str, client: str) -> None:
        self.wrong.append(login)

    def succeeded(self, login: str, client: str) -> None:
        self.right.append(login)


@dataclass
class MemorySmarthost:
    """Takes every copy, except where `answer` says otherwise."""

    answer: Outcome | None = None
    refused: dict[str, Outcome] = field(default_factory=dict)
    """By forward-path."""
    taken: dict[str, bytes] = field(default_factory=dict)
    envelopes: list[tuple[str, str]] = field(default_factory=list)
    """Reverse- and forward-path of each copy taken."""

    async def deliver(self, outgoing: Outgoing, timeout: float) -> Outcome:
        octets = outgoing.render(True)
        answer = self.refused.get(outgoing.forward_path, self.answer)
        if answer is not None:
            return answer
        if outgoing.permit is not None:
            await outgoing.permit()
        if outgoing.before_dot is not None:
            outgoing.before_dot()
        self.taken[outgoing.forward_path] = octets
        self.envelopes.append((outgoing.reverse_path, outgoing.forward_path))
        return Delivered("memory", "250 2.0.0 taken")

    def reachable(self) -> bool:
        return True

    async def probe(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing is open."""


class Relay:
    """Stages and everything a test may look at or break."""

    def __init__(self, folder: Path, *observed: str, account: Account = ACME, streams: Streams | None = None) -> None:
        policy = {rule: RulePolicy("observe") for rule in observed}
        self.settings = Settings(policy=policy, streams=streams or Streams())
        self.clock = FakeClock()
        self.directory = MemoryDirectory()
        self.directory.add(account, SHOP, PLATFORM)
        self.permissions = MemoryPermissions(self.clock)
        self.tallies, self.books = MemoryTallies(), MemoryBooks()
        self.keyed = {"acme.test"}
        """From domains with a DKIM key."""
        self.journal = ListJournal()
        self.spool = MemorySpool()
        self.smarthost = MemorySmarthost()
        self.passwords = PlainPasswords()
        self.tokens = Tokens(KeyRing({1: b"1" * 32}))
        self.refusals = Refusals(self.settings.platform.public_url, self.tokens)
        self.record = Record(self.journal, self.clock)
        self.stages = self._stages(KeyDirectory(folder / "dkim"))

    def _stages(self, keys: KeyDirectory) -> Stages:
        settings, clock = self.settings, self.clock
        rules = build(settings)
        login = Login(rules, self.directory, self.passwords, self.refusals, self.record, clock)
        reader = Reader(settings.hostname, settings.platform.public_url)
        gather = Gather(self.directory, self.permissions, reader, self.books, lambda domain: domain in self.keyed)
        recipes = Recipes(settings, self.tokens, lambda _domain: ())
        commit = Commit(self._office())
        sending = Sending(recipes, keys, self.permissions, commit, self.refusals, self.record, clock)
        return Stages(
            settings, rules, gather, login, sending, Counters(self.tallies), self.refusals, self.record, clock
        )

    def _office(self) -> Office:
        platform = self.settings.platform
        reports = Reports(self.settings.hostname, platform.mail_domain, "en", lambda raw: raw, self.clock, 345600.0)
        recheck = Recheck(self.directory, self.permissions)
        answers = Answers(self.refusals.url)
        timetable = Timetable(self.settings.delivery, lambda: 0.0)
        return Office(
            self.smarthost, self.spool, self.journal, self.clock, timetable, recheck, reports, answers, lambda: None
        )

    def subscribe(self, address: str, mailing_list: MailingList = NEWS, *, days: float = 30, owner: int = 7) -> None:
        """A confirmed subscription, so many days old."""
        at = SPRING - timedelta(days=days)
        one = Subscription(
            mailing_list.list_id,
            mailing_list.name,
            mailing_list.confirm,
            SubscriptionStatus.CONFIRMED,
            confirmed_at=at,
        )
        self.permissions.subscribe(owner, Address.parse(address), one)

    def suppress(self, address: str, reason: SuppressionReason = SuppressionReason.OPT_OUT, list_id: int = 0) -> None:
        self.permissions.suppress(7, Address.parse(address), Suppression(reason, SPRING, "page", list_id))

    def stop_store(self) -> None:
        self.directory.stopped = self.permissions.stopped = self.tallies.stopped = self.spool.stopped = True

    def session(
        self,
        kind: Literal["submission", "bulk", "intake"] = "submission",
        *,
        stream: Stream | None = None,
        refuse: Refuse = "at-once",
    ) -> Session:
        """Authenticated by acme/shop on submission; nobody on bulk."""
        session = Session(kind, "127.0.0.1:2587", KINDS[kind], "192.0.2.7", 4711, "client.example", True)
        if kind == "submission":
            session.credential = replace(SHOP, stream=stream or Stream.MARKETING, refuse=refuse)
            session.account_id = 7
        return session

    async def mail(
        self, kind: Literal["submission", "bulk"] = "submission", path: str | None = "bounce@acme.test", **more: str
    ) -> tuple[Reply, Transaction | None]:
        command = MailCommand(Address.parse(path) if path else None, list_name=more.get("list_name", ""))
        return await self.stages.mail(self.session(kind), command)

    async def by(
        self,
        stream: Stream,
        recipients: Sequence[str] = (),
        *,
        refuse: Refuse = "at-once",
        path: str | None = "bounce@acme.test",
    ) -> Transaction:
        """A transaction of a login of this stream whose recipients were all taken."""
        session = self.session(stream=stream, refuse=refuse)
        reply, tx = await self.stages.mail(session, MailCommand(Address.parse(path) if path else None))
        assert tx is not None, reply
        for one in recipients:
            reply = await self.rcpt(tx, one)
            assert reply.code == 250, reply
        return tx

    def mails(self, purpose: str) -> list[SpooledMessage]:
        """What the spool holds of our own mail of this purpose."""
        return [one.message for one in self.spool.entries.values() if one.message.purpose == purpose]

    async def opened(
        self, kind: Literal["submission", "bulk"] = "submission", recipients: Sequence[str] = (), **more: str
    ) -> Transaction:
        """A transaction whose recipients were all taken."""
        reply, tx = await self.mail(kind, **more)
        assert tx is not None, reply
        for one in recipients:
            reply = await self.rcpt(tx, one)
            assert reply.code == 250, reply
        return tx

    async def rcpt(self, tx: Transaction, address: str) -> Reply:
        return await self.stages.recipient(tx, RcptCommand(Address.parse(address)))

    def event(self, name: str) -> Event:
        """The one journal event of this kind."""
        [found] = self.journal.named(name)
        return found


def raw(**fields: str) -> bytes:
    """RAW with fields added on top; X_Relay_List becomes X-Relay-List."""
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return head.encode() + RAW
