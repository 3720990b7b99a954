"""What the stages need of the world outside; adapters keep these promises, fakes keep them in tests.

Hot path calls (per message) are marked; everything else is cold (per click, per command).
Every adapter turns its library's exceptions into `StoreUnavailable` or the outcomes below.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from policies.address import Address
from policies.facts import Account, FooterIdentity, MessageFacts, RecipientFacts, Stream, SuppressionReason
from relay.message.parts import DisplayedPart, Message
from relay.transaction import Credential


class StoreUnavailable(Exception):
    """The store could not be read or written: 451 4.3.0, never a pass."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC time."""

    def monotonic(self) -> float:
        """Seconds, for deadlines."""


# ---------------------------------------------------------------- hot: who sends, who may be mailed


class Directory(Protocol):
    """Accounts and credentials; answers may be up to one second old. Hot."""

    async def account(self, account_id: int) -> Account | None: ...

    async def account_named(self, name: str) -> Account | None: ...

    async def owner_of(self, domain: str) -> Account | None:
        """The account that verified this A-label domain or one of its parents."""

    async def credential(self, account_name: str, name: str) -> Credential | None:
        """A login by its two names; account_name '' is a platform credential. Revoked ones come marked."""


class Permissions(Protocol):
    """Permission and suppression; never cached. Hot."""

    async def recipients(
        self, account: Account, list_id: int, list_name: str, stream: Stream, addresses: Sequence[Address]
    ) -> list[RecipientFacts]:
        """Facts of each address, in order. list_id 0: no list named, all of the account's lists."""

    async def suppressed(self, account_id: int, list_id: int, address: Address) -> SuppressionReason | None:
        """The 'no' that stands right now, asked again right before a queued copy's dot."""

    async def contact(self, account_id: int, address: Address) -> int:
        """The contact id of an address under an account, made where there is none (own test addresses)."""

    async def sent_since(self, account_id: int, since: datetime) -> int:
        """Copies of an account that a smarthost took since then."""


# ---------------------------------------------------------------- passwords


class PasswordsBusy(Exception):
    """Too many checks wait already: 454 4.7.0."""


class PasswordVerifier(Protocol):
    """Stored hashes checked off the loop, and guessing slowed (RELIABILITY.md rows 32-34)."""

    async def verify(self, stored: str | None, password: bytes) -> bool:
        """None (no such login) takes as long as a wrong password; PasswordsBusy where too many wait."""

    def blocked(self, login: str, client: str) -> bool:
        """Whether this login was guessed at too often from there lately."""

    def failed(self, login: str, client: str) -> None: ...

    def succeeded(self, login: str, client: str) -> None: ...


# ---------------------------------------------------------------- reading a message


@dataclass(frozen=True, slots=True)
class Readable:
    """A message scanned and read: structure, facts for the rules, places to rewrite."""

    message: Message
    facts: MessageFacts
    displayed: list[DisplayedPart]


class MessageReader(Protocol):
    """Scans and reads received octets; large HTML leaves the event loop. Hot."""

    async def read(self, raw: bytes, footer: FooterIdentity) -> Readable: ...


# ---------------------------------------------------------------- journal


@dataclass(frozen=True, slots=True)
class Event:
    """One journal line (INTERFACE.md §5). Only what is known is written."""

    event: str
    ref: str
    at: datetime
    level: str = "info"
    account_id: int = 0
    account: str = ""
    fields: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """list, campaign, stream, listener, client, tls, reverse_path, recipient, message_id, size, rule, clause,
    reply, why, smarthost, phase, error, duration_ms …"""
    evidence: Mapping[str, object] = field(default_factory=dict)
    """Facts and findings for `explain`; JSON-serialisable; stored, not printed in the line."""


class Journal(Protocol):
    """Never raises, never awaits: the mail may have gone. Hot."""

    def write(self, event: Event) -> None:
        """To stdout/file at once, and to the store with the next batch where the event is kept there."""

    def delivered(self, row: DeliveredRow, event: Event) -> None:
        """A copy the smarthost took: a compact row plus the hour's aggregate, and the line."""


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One refusal as the journal keeps it."""

    ref: str
    at: datetime
    rule: str
    clause: str
    reply: str
    recipients: tuple[str, ...]
    findings: tuple[tuple[str, int, str], ...] = ()
    """(part, line, excerpt)."""


class RefusalRows(Protocol):
    async def refusal(self, ref: str) -> RefusalRow | None:
        """The refusal that bears this REF; None where there is none (any more)."""


@dataclass(frozen=True, slots=True)
class DeliveredRow:
    """Compact record of one delivered copy, kept for the journal's retention."""

    account_id: int
    ref: str
    contact_id: int
    at: datetime
    list_id: int
    recipient_key: str
    smarthost: str
    reply: str
    campaign: str = ""


# ---------------------------------------------------------------- the spool: what 250 rests on


class CopyState(StrEnum):
    """RELIABILITY.md §E4."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    CANCELLED = "cancelled"
    """Suppressed or suspended before its dot; reported by DSN."""
    QUARANTINED = "quarantined"
    """A person must look: in doubt too often, or a poison message."""


@dataclass(frozen=True, slots=True)
class SpooledMessage:
    """A message as the store keeps it: the received bytes and what renders them again."""

    ref: str
    account_id: int
    raw: bytes
    recipe: str
    """JSON of relay.message.recipe.Recipe; empty: `raw` goes out as it is (our own mail)."""
    reverse_path: str
    """The transaction's reverse-path, for DSNs; empty: none."""
    received_at: datetime
    expires_at: datetime
    fingerprint: str
    list_id: int = 0
    envid: str = ""
    ret: str = ""
    message_id: str = ""
    campaign: str = ""
    answer: str = ""
    """The reply the client was given; empty until commit B."""
    purpose: str = "relay"
    """relay, dsn or notice."""


@dataclass(frozen=True, slots=True)
class SpooledCopy:
    """One recipient's copy."""

    ref: str
    ordinal: int
    recipient: str
    copy: str
    """JSON of relay.message.recipe.CopyRecipe; empty for our own mail."""
    reverse_path: str
    """What MAIL FROM says for this copy; empty: <>."""
    state: CopyState = CopyState.PENDING
    attempts: int = 0
    in_doubt: int = 0
    next_attempt_at: datetime | None = None
    smarthost: str = ""
    code: int = 0
    reply: str = ""
    """The smarthost's last words, cleaned."""
    phase: str = ""
    notify: str = ""
    """NOTIFY values joined by comma; empty: not given."""
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a message until a time; `fence` must still match at every change."""

    ref: str
    fence: int
    until: datetime
    account_id: int = 0
    """Whose message it is: part of its key."""


class Spool(Protocol):
    """Durable (synchronous=FULL) rows behind every 250 'queued'; writes go through the one writer, grouped."""

    async def commit(
        self, message: SpooledMessage, copies: Sequence[SpooledCopy], lease_until: datetime | None
    ) -> Lease:
        """Commit A: bytes and all copies in one transaction. lease_until None: free for the keeper at once."""

    async def update(self, lease: Lease, copies: Sequence[SpooledCopy]) -> None:
        """New state of copies; raises StaleLease where the fence no longer matches."""

    async def answer(self, lease: Lease, reply: str, copies: Sequence[SpooledCopy], dsns: Sequence[OwnMail]) -> None:
        """Commit B: last states, the answer, the DSNs of final failures; gives the lease back. All in one."""

    async def finish(self, lease: Lease, copies: Sequence[SpooledCopy], dsns: Sequence[OwnMail]) -> None:
        """The keeper's commit: states, DSNs and the lease's end in one transaction."""

    async def discard(self, lease: Lease) -> None:
        """Drop a message nobody was promised."""

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[Claimed]:
        """Messages with copies due, now leased to the caller."""

    async def recover(self, now: datetime) -> Recovered:
        """After a crash (§E4): drop what nobody was promised, mark SENDING as IN_DOUBT, keep the rest."""

    async def purge(self, before: datetime) -> int:
        """Drop bytes of messages whose last copy became final before this time; how many."""

    async def finished_answer(self, account_id: int, fingerprint: str, since: datetime) -> str | None:
        """The answer a message with this fingerprint was given, where the client may not have seen it."""

    async def insert_own(self, mails: Sequence[OwnMail]) -> None:
        """Queue mail of our own (notices)."""


class StaleLease(Exception):
    """Another process took the message over; stop working on it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    lease: Lease
    message: SpooledMessage
    copies: tuple[SpooledCopy, ...]
    """Every copy of the message; those due are PENDING or IN_DOUBT with next_attempt_at reached."""


@dataclass(frozen=True, slots=True)
class Recovered:
    dropped: int
    in_doubt: int
    resumed: int


@dataclass(frozen=True, slots=True)
class OwnMail:
    """A DSN or notice: whole bytes, ready to send."""

    ref: str
    account_id: int
    purpose: str
    reverse_path: str
    """'' is <>."""
    recipient: str
    raw: bytes
    at: datetime
    expires_at: datetime


# ---------------------------------------------------------------- smarthosts


class Phase(StrEnum):
    """How far a copy got; everything before DOT is safe to try again."""

    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    """While the body was being written, before the final dot was handed to the kernel."""
    AFTER_DOT = "after_dot"


@dataclass(frozen=True, slots=True)
class Delivered:
    smarthost: str
    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The smarthost's own 5xx to MAIL, RCPT, DATA or the dot; text cleaned and cut."""

    smarthost: str
    code: int
    enhanced: str
    text: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class Postponed:
    """Not taken, may be tried again: a 4xx of its own (code > 0), or unavailable (code 0)."""

    smarthost: str
    code: int
    enhanced: str
    error: str
    """In words a person understands."""
    phase: Phase


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The dot was sent and no usable reply came: it may have been taken."""

    smarthost: str
    error: str


Outcome = Delivered | Refused | Postponed | InDoubt


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One copy on its way: always one RCPT."""

    reverse_path: str
    """'' is <>."""
    forward_path: str
    render: Callable[[bool], bytes]
    """Bytes with CRLF lines, not dot-stuffed; the argument says whether the smarthost takes 8BITMIME."""
    before_dot: Callable[[], None] | None = None
    permit: Callable[[], Awaitable[None]] | None = None
    """Awaited when the smarthost said 354, before the body's first octet (commit SENDING, ask suppression again).
    What it raises gives the copy up, drops the link and leaves `deliver` unchanged."""


class Smarthosts(Protocol):
    """All configured smarthosts behind one door: weights, failover, circuit breaker, kept links. Hot."""

    async def deliver(self, outgoing: Outgoing, timeout: float) -> Outcome:
        """Never raises for anything a smarthost does; `timeout` seconds bound the whole."""

    def reachable(self) -> bool:
        """Whether at least one breaker is not open."""

    async def probe(self) -> bool:
        """Connect and greet at least one smarthost; for readiness."""

    async def close(self) -> None: ...


# ---------------------------------------------------------------- DNS


class TxtAnswer(StrEnum):
    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Resolver(Protocol):
    async def txt(self, name: str) -> tuple[TxtAnswer, tuple[str, ...]]:
        """TXT strings; UNKNOWN is 'could not look it up', never 'absent'."""

    async def takes_mail(self, domain: str) -> TxtAnswer:
        """MX or A/AAAA present (FOUND), none or null MX (ABSENT), or UNKNOWN."""
