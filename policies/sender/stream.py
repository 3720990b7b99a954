"""Clause 2.2: a login for a person's own mail does not send bulk (POLICY.md, Streams)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import MessageFacts, Recipient, RecipientFacts, Stream, TransactionFacts
from policies.verdict import ACCEPT, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class Caps:
    """What a stream may send; None: no cap of its own."""

    recipients: int | None = None
    """Of one message."""
    per_day: int | None = None
    """Copies of one login since midnight UTC."""
    same_content: int | None = None
    """Messages of one content since midnight UTC, over all logins of the account."""


NO_CAPS = Caps()


@dataclass(frozen=True, slots=True)
class FewRecipients:
    """Reject recipients beyond what the login's stream takes in one message or in one day."""

    id: ClassVar[str] = "stream.mismatch"
    clause: ClassVar[str] = "2.2"
    service: Caps
    personal: Caps

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        stream, caps = facts.stream, _caps(facts.stream, self.service, self.personal)
        if caps.recipients is not None and recipient.place > caps.recipients:
            return _reject(stream, f"{caps.recipients} to a message", f"this is recipient {recipient.place}")
        if caps.per_day is not None and recipient.stream_today >= caps.per_day:
            return _reject(stream, f"{caps.per_day} copies a day", f"{recipient.stream_today} were sent")
        return ACCEPT


@dataclass(frozen=True, slots=True)
class OwnWords:
    """Reject a message whose content was sent too often, or that takes the login over its copies a day."""

    id: ClassVar[str] = "stream.mismatch"
    clause: ClassVar[str] = "2.2"
    service: Caps
    personal: Caps

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        stream, caps, counts = facts.stream, _caps(facts.stream, self.service, self.personal), facts.counts
        if caps.same_content is not None and counts.same_content_today > caps.same_content:
            return _reject(
                stream,
                f"{caps.same_content} messages of one content a day",
                f"this is number {counts.same_content_today}",
            )
        if caps.per_day is not None and counts.copies_today > caps.per_day:
            return _reject(stream, f"{caps.per_day} copies a day", f"this would make {counts.copies_today}")
        return ACCEPT


def _caps(stream: Stream, service: Caps, personal: Caps) -> Caps:
    if stream is Stream.MARKETING:
        return NO_CAPS
    return service if stream is Stream.SERVICE else personal


def _reject(stream: Stream, cap: str, count: str) -> Reject:
    text = f"a login for {stream} mail sends {cap}, {count}"
    return Reject(Refusal(550, "7.1", text), why=f"{text}; mail to many needs a marketing login and permission")
