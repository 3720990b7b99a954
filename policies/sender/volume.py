"""Clause 2.1: how much an account may send; over it mail waits, it is not lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import MessageFacts, Recipient, RecipientFacts, TransactionFacts
from policies.verdict import ACCEPT, Defer, Refusal, Verdict


@dataclass(frozen=True, slots=True)
class PerDay:
    """Defer recipients beyond the copies a day that staff set for the account (`account set --per-day`)."""

    id: ClassVar[str] = "volume.per_day"
    clause: ClassVar[str] = "2.1"

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        cap = recipient.per_day
        if cap is None or recipient.sent_today < cap:
            return ACCEPT
        sender = recipient.account_name or "the account"
        text = f"{sender} may send {cap} copies a day and has sent them; again from 00:00 UTC"
        return Defer(Refusal(450, "7.1", text), why=f"{text}; {recipient.sent_today} were sent or are being sent")


@dataclass(frozen=True, slots=True)
class Reports:
    """Defer reports and automatic answers of a login that sends too many: two of them may be answering each other."""

    id: ClassVar[str] = "volume.reports"
    clause: ClassVar[str] = "2.1"
    per_hour: int
    """Messages with the null reverse-path."""

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        count = facts.counts.reports_this_hour
        if count <= self.per_hour:
            return ACCEPT
        text = f"a login may send {self.per_hour} reports and automatic answers an hour; try again later"
        return Defer(Refusal(450, "7.1", text), why=f"{text}; this is number {count}")
