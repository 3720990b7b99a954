"""What a rule may know: accounts, recipients and messages as facts gathered before any rule runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from policies.account import Account as Account
from policies.account import Confirm as Confirm
from policies.account import FooterIdentity as FooterIdentity
from policies.account import MailingList as MailingList
from policies.account import Standing as Standing
from policies.account import Stream as Stream
from policies.address import Address
from policies.imports.batch import ImportBatch


class SubscriptionStatus(StrEnum):
    """State of one address on one list. Only 'confirmed' is double opt-in."""

    CONFIRMED = "confirmed"
    SUBSCRIBED = "subscribed"
    IMPORTED = "imported"
    PENDING = "pending"
    REFUSED = "refused"
    """Refused at import and kept, so that a later RCPT says why."""
    LAPSED = "lapsed"
    """Asked to confirm and never did, or said that somebody else had asked; kept as evidence."""


@dataclass(slots=True)
class Subscription:
    """One address on one list, with what its permission rests on (clauses 2.3, 3.1, 3.4)."""

    list_id: int
    list_name: str
    list_confirm: Confirm
    status: SubscriptionStatus
    consented_at: datetime | None = None
    confirmed_at: datetime | None = None
    last_contact_at: datetime | None = None
    source: str = ""
    refused_rule: str = ""
    """Rule id of the import verdict, when status is 'refused'."""
    batch: ImportBatch | None = None
    """The import it came with; None also where that is open to the last address."""


class SuppressionReason(StrEnum):
    """Why nothing may be sent; each outlives any later import."""

    OPT_OUT = "opted-out"
    COMPLAINT = "complained"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One standing 'no' for an address."""

    reason: SuppressionReason
    at: datetime
    way: str
    """one-click, page, mailto, reply, staff, import, bounce, report …"""
    list_id: int = 0
    """0: everything the account sends."""
    all_accounts: bool = False
    lifted_for: frozenset[int] = frozenset()
    """Lists for which a newer double opt-in lifted it."""


@dataclass(slots=True)
class Recipient:
    """One forward-path of a transaction."""

    address: Address
    own: bool = False
    """At the account's own verified domain or its registered e-mail: needs no permission."""
    account_name: str = ""
    """Of the sender, for reply texts."""
    standing: Standing = Standing.PENDING
    """Of the sender; whoever does not say gets the sandbox, not a pass."""
    pending_because: str = ""
    sent_today: int = 0
    """Copies since midnight UTC, those of this transaction included; counted while pending or under a cap."""
    per_day: int | None = None
    """Copies a day of the account; None: no cap."""
    place: int = 1
    """Which recipient of its transaction this is, from 1."""
    stream_today: int = 0
    """Copies of this login since midnight UTC, those of this transaction included; counted for personal mail."""
    null_path: bool = False
    """The transaction's reverse-path is the null one."""


@dataclass(slots=True)
class RecipientFacts:
    """All that is known of one address under one account."""

    contact_id: int
    """0: nobody on this account's lists."""
    subscriptions: tuple[Subscription, ...]
    suppressions: tuple[Suppression, ...]
    list_id: int
    """The transaction's list; 0: none named, permission on any list counts."""
    list_name: str
    stream: Stream
    now: datetime


@dataclass(slots=True)
class Sender:
    """Who opens a transaction: at AUTH the account alone, at MAIL with the command's arguments."""

    account: Account | None
    """Authenticated, or on bulk the owner of the reverse-path's domain; None: nobody's."""
    reverse_path: Address | None = None
    """None is the null reverse-path."""
    list_name: str = ""
    """XLIST, else the credential's; empty: none named."""
    declared_size: int | None = None
    """SIZE parameter, octets."""


@dataclass(slots=True)
class SenderFacts:
    """What is known of a session when its sender is judged."""

    listener: Literal["submission", "bulk"]
    stream: Stream
    now: datetime


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """What a login has sent, this message included; 0 where its stream does not count it."""

    copies_today: int = 0
    """Since midnight UTC; personal mail."""
    same_content_today: int = 0
    """Messages of the account with this content since midnight UTC; personal mail."""
    reports_this_hour: int = 0
    """Messages with the null reverse-path since the hour began."""


NOT_COUNTED = StreamCounts()


@dataclass(slots=True)
class TransactionFacts:
    """What a message's rules may know of the transaction it came in."""

    account: Account
    listener: Literal["submission", "bulk"]
    stream: Stream
    now: datetime
    recipients: int = 1
    """Accepted at RCPT."""
    without_permission: int = 0
    """Of these, refused by a recipient rule for the list that X-Relay-List names."""
    null_path: bool = False
    """The transaction's reverse-path is the null one."""
    aligned: bool = True
    """There is a DKIM key for the From domain."""
    counts: StreamCounts = NOT_COUNTED


class Fault(StrEnum):
    """A reason a message cannot be taken, found while scanning (RELIABILITY.md rows 9-25)."""

    LONG_LINE = "a body line is longer than 998 octets"
    EIGHT_BIT_HEADER = "a header field has 8-bit octets"
    BAD_HEADER = "a header line is not a field"
    HEADERS_TOO_LARGE = "the header is over 100 KiB or 500 fields"
    TOO_MANY_ADDRESSES = "a header field has more than 1,000 addresses"
    DUPLICATE_FIELD = "a field that may stand once stands twice"
    MISSING_FROM = "there is no From field"
    BAD_FROM = "From does not hold exactly one mailbox"
    TOO_DEEP = "parts are nested more than 50 deep"
    TOO_MANY_PARTS = "there are more than 1,000 parts"
    HTML_TOO_LARGE = "an HTML part is over 1 MiB or nests over 512 elements"
    BROKEN_MULTIPART = "a multipart has no usable boundary"
    BROKEN_ENCODING = "a part does not decode"


@dataclass(frozen=True, slots=True)
class FaultFound:
    """A fault and where it stands: field name or part, for the reply and for `explain`."""

    fault: Fault
    where: str


@dataclass(frozen=True, slots=True)
class Found:
    """Something found in a displayed part."""

    part: str
    """Part number, '1', '1.2'; '1' for a message that is one part."""
    line: int
    """Line in the part's decoded text, from 1."""
    excerpt: str


@dataclass(slots=True)
class PartFacts:
    """What a reader sees in one displayed text part (clauses 5.1, 5.4, 5.5)."""

    part: str
    content_type: str
    opt_out: Found | None
    """An opt-out link that a person sees, at the bottom; None also when in doubt."""
    placeholder: Found | None
    """An opt-out placeholder that rewriting fills in, visible and at the bottom."""
    postal_address: Found | None
    """The registered address, standing in the footer."""
    cannot_inject: str = ""
    """Why a footer cannot be written into this part; empty: it can."""
    near_address: Found | None = None
    """Another text that looks like the registered address, but differs."""


@dataclass(slots=True)
class MessageFacts:
    """One message as its rules see it."""

    size: int
    author: Address | None
    """The one mailbox of From."""
    sender: Address | None
    """The mailbox of Sender, where the field stands."""
    faults: tuple[FaultFound, ...]
    parts: tuple[PartFacts, ...]
    opaque: str
    """Why the message cannot be read or rewritten (encrypted, signed …); empty: it can."""
    received: int
    """Received fields in all."""
    own_received: int
    """Received fields this relay wrote."""
    message_id: str = ""
    subject: str = ""
    relay_list: str = ""
    """X-Relay-List, where given."""
    campaign: str = ""
    """X-Relay-Campaign, where given."""
    automatic: bool = False
    """A report or an automatic answer: multipart/report, or Auto-Submitted other than 'no' (RFC 3834 §5)."""
    foreign_address: Found | None = None
    """Another account's registered address, standing in the footer."""
    notes: tuple[str, ...] = field(default=())
