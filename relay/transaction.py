"""One SMTP session and one mail transaction as the stages see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from policies.address import Address
from policies.chain import Decision
from policies.facts import Account, MailingList, Recipient, RecipientFacts, Stream

Refuse = Literal["at-once", "report"]


@dataclass(frozen=True, slots=True)
class Credential:
    """An SMTP login ACCOUNT/NAME, or a platform credential (account_id 0)."""

    credential_id: int
    account_id: int
    account_name: str
    name: str
    password_hash: str
    stream: Stream = Stream.MARKETING
    list_name: str = ""
    revoked: bool = False
    refuse: Refuse = "at-once"
    """How it hears of refused recipients: at RCPT, or by one DSN after the message."""


class Answered(Protocol):
    """A 250 that its client is not known to have read (RELIABILITY.md §E5)."""

    async def read(self) -> None:
        """The client went on: the same message again is an intended one."""

    async def lost(self) -> None:
        """The session ended without a sign that the client had it: the same again is a retry. Never raises."""


@dataclass(slots=True)
class Session:
    """What stays true from connect to QUIT; STARTTLS forgets everything but the client."""

    listener: Literal["submission", "bulk", "intake"]
    listener_bind: str
    on_unavailable: Literal["queue", "defer"]
    client: str
    """The peer's address."""
    client_port: int
    helo: str = ""
    esmtp: bool = False
    tls: str = ""
    """TLSv1.3 with TLS_AES_256_GCM_SHA384, or empty."""
    credential: Credential | None = None
    account_id: int = 0
    """Authenticated account; 0: none (bulk takes it from the reverse-path)."""
    unread: list[Answered] = field(default_factory=list)
    """Answers since the client last said something."""
    left: bool = False
    """The connection is gone."""


@dataclass(slots=True)
class MailCommand:
    """A parsed MAIL command; every parameter was checked for form."""

    reverse_path: Address | None
    """None is the null reverse-path <>."""
    size: int | None = None
    body: Literal["7BIT", "8BITMIME"] = "7BIT"
    list_name: str = ""
    ret: Literal["", "FULL", "HDRS"] = ""
    envid: str = ""


@dataclass(slots=True)
class RcptCommand:
    """A parsed RCPT command (RFC 3461 §4 parameters included)."""

    forward_path: Address
    notify: frozenset[str] = frozenset()
    """NEVER, or any of SUCCESS, FAILURE, DELAY; empty: not given."""
    orcpt: str = ""


@dataclass(slots=True)
class Envelope:
    """One accepted recipient: the command as given and the facts it was judged by."""

    command: RcptCommand
    recipient: Recipient
    facts: RecipientFacts


@dataclass(slots=True)
class Transaction:
    """From MAIL to the reply to the final dot."""

    ref: str
    """Our ULID, in every reply and journal row of this transaction."""
    session: Session
    account: Account
    stream: Stream
    mail: MailCommand
    mailing_list: MailingList | None
    started_at: datetime
    recipients: list[Envelope] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Keys of recipients taken already: a duplicate RCPT is folded."""
    unpermitted: list[tuple[Envelope, Decision]] = field(default_factory=list)
    """Recipients taken at RCPT though a rule refuses them: told by DSN (`credential add --refuse report`)."""
    sent_before: int | None = None
    """Copies of the account since midnight UTC when first asked; None: not asked yet."""
    refused: int = 0
    """RCPTs refused by a rule in this transaction."""
