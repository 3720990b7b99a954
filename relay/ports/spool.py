"""The spool: what every 250 for queued mail rests on (RELIABILITY.md §E)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

POISON_TRIES = 3
"""A message that so often broke the process that worked on it, or could not be made, is left to a person (row 64)."""


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
    crashes: int = 0
    """Times in a row that a process died at it, or that its octets could not be made."""


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

    async def finish(
        self, lease: Lease, copies: Sequence[SpooledCopy], dsns: Sequence[OwnMail], crashes: int = 0
    ) -> None:
        """The keeper's commit: states, DSNs and the lease's end in one transaction; `crashes` as in the message."""

    async def discard(self, lease: Lease) -> None:
        """Drop a message nobody was promised."""

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[Claimed]:
        """Messages with copies due, now leased to the caller; none that ended a try in a crash."""

    async def claim_suspect(self, now: datetime, until: datetime) -> Claimed | None:
        """One message that did: to be worked on alone, so that another crash is its own."""

    async def recover(self, now: datetime) -> Recovered:
        """After a crash (§E4): drop what nobody was promised, mark SENDING as IN_DOUBT, keep the rest."""

    async def purge(self, before: datetime) -> int:
        """Drop bytes of messages whose last copy became final before this time; how many."""

    async def finished_answer(self, account_id: int, fingerprint: str, since: datetime) -> str | None:
        """The answer a message with this fingerprint was given, where the client may not have seen it."""

    async def seen(self, account_id: int, ref: str) -> None:
        """The client has read its answer; durable a moment later, known in this process at once."""

    async def remember(self, message: SpooledMessage, copies: Sequence[SpooledCopy]) -> None:
        """Keep the answer of a message whose copies have gone already, so that it answers a retry."""

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
    quarantined: int = 0
    """Messages that broke their process once too often."""


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
