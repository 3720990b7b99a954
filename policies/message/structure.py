"""Transport's own rules: a message must be whole, not circling, small enough and readable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import Fault, FaultFound, MessageFacts, TransactionFacts
from policies.verdict import ACCEPT, Finding, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class Malformed:
    """Reject what two readers could read differently: faults found while scanning, or no one author."""

    id: ClassVar[str] = "message.malformed"
    clause: ClassVar[str | None] = None

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        faults = message.faults
        if not faults:
            if message.author is not None:
                return ACCEPT
            faults = (FaultFound(Fault.BAD_FROM, "From"),)
        first = faults[0]
        return Reject(
            Refusal(554, "6.0", f"{first.fault} ({first.where})" if first.where else str(first.fault)),
            why="; ".join(f"{one.fault} ({one.where})" for one in faults),
            findings=tuple(Finding(part=one.where, excerpt=one.fault) for one in faults),
        )


@dataclass(frozen=True, slots=True)
class Loop:
    """Reject a message that keeps coming round (RFC 5321 §6.3)."""

    id: ClassVar[str] = "message.loop"
    clause: ClassVar[str | None] = None
    max_received: int = 50
    """Received fields in all."""
    max_own: int = 2
    """Received fields of this relay."""

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if message.own_received > self.max_own:
            text = f"the message came through here {message.own_received} times before"
        elif message.received > self.max_received:
            text = f"the message has {message.received} Received fields, {self.max_received} are taken"
        else:
            return ACCEPT
        return Reject(Refusal(554, "4.6", text), why=f"{text}: it is in a mail loop")


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Reject a message over the limit, whatever MAIL announced."""

    id: ClassVar[str] = "message.too_large"
    clause: ClassVar[str | None] = None
    max_size: int
    """Octets."""

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if message.size <= self.max_size:
            return ACCEPT
        text = f"the message has {message.size} octets, {self.max_size} are taken"
        return Reject(Refusal(552, "3.4", text), why=f"{text} ([limits] max_size)")


@dataclass(frozen=True, slots=True)
class Opaque:
    """Reject what cannot be read or changed without breaking it, unless staff allowed the account such mail."""

    id: ClassVar[str] = "message.opaque"
    clause: ClassVar[str | None] = None

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if not message.opaque or facts.account.sealed_mail:
            return ACCEPT
        text = f"an unsubscribe link cannot be put into this message: {message.opaque}"
        return Reject(Refusal(550, "7.0", text), why=text)
