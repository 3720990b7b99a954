"""Clauses 1.1, 1.2 and 7.3: what an account's standing lets it do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import Recipient, RecipientFacts, Sender, SenderFacts, Standing
from policies.verdict import ACCEPT, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class Door:
    """Where standing is asked, which decides the reply: AUTH 525 5.7.13, MAIL 550 5.7.1."""

    code: int
    detail: str


AT_AUTH = Door(525, "7.13")
AT_MAIL = Door(550, "7.1")


@dataclass(frozen=True, slots=True)
class Suspended:
    """Reject an account that complaints or staff suspended until a person has looked."""

    id: ClassVar[str] = "standing.suspended"
    clause: ClassVar[str] = "7.3"
    door: Door
    contact: str
    """Where the customer asks: an address or a URL."""

    def check(self, sender: Sender, facts: SenderFacts) -> Verdict:
        account = sender.account
        if account is None or account.standing is not Standing.SUSPENDED:
            return ACCEPT
        cause = account.warned_because or "its mail is being looked into"
        return Reject(
            Refusal(self.door.code, self.door.detail, f"{account.name} is suspended: {cause}; ask {self.contact}"),
            why=f"{account.name} is suspended ({cause}); only a person reinstates it, with a reason",
        )


@dataclass(frozen=True, slots=True)
class Deactivated:
    """Reject an account that a person closed."""

    id: ClassVar[str] = "standing.deactivated"
    clause: ClassVar[str] = "1.2"
    door: Door
    contact: str

    def check(self, sender: Sender, facts: SenderFacts) -> Verdict:
        account = sender.account
        if account is None or account.standing is not Standing.DEACTIVATED:
            return ACCEPT
        cause = account.warned_because or "no cause recorded"
        return Reject(
            Refusal(self.door.code, self.door.detail, f"{account.name} is deactivated; ask {self.contact}"),
            why=f"{account.name} is deactivated ({cause}); only a person reinstates it, with a reason",
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """The sandbox: until the account is approved it mails its own addresses only, a few copies a day."""

    id: ClassVar[str] = "standing.pending"
    clause: ClassVar[str] = "1.1"
    per_day: int
    """Copies."""

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if recipient.standing is not Standing.PENDING:
            return ACCEPT
        cause = recipient.pending_because or "it is not approved yet"
        sender = recipient.account_name or "the account"
        if not recipient.own:
            text = f"{sender} may write to its own addresses only: {cause}"
        elif recipient.sent_today >= self.per_day:
            text = f"{sender} may send {self.per_day} test copies a day and has sent them: {cause}"
        else:
            return ACCEPT
        return Reject(Refusal(550, "7.1", text), why=f"standing is pending, to {recipient.address}: {text}")
