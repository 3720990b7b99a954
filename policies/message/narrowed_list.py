"""Clause 3.1: a message that names its list in X-Relay-List goes to people of that list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import MessageFacts, Stream, TransactionFacts
from policies.verdict import ACCEPT, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class NamedList:
    """Reject a list in X-Relay-List that the account does not have."""

    id: ClassVar[str] = "list.unknown"
    clause: ClassVar[str] = "3.1"

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if not message.relay_list or facts.account.list_named(message.relay_list) is not None:
            return ACCEPT
        text = f"{facts.account.name} has no list {message.relay_list}"
        return Reject(Refusal(550, "7.1", text), why=f"{text} (X-Relay-List)")


@dataclass(frozen=True, slots=True)
class PartlyPermitted:
    """Reject, on submission, a message that some of its recipients did not agree to: one answer for all.

    Bulk sends to the rest; where nobody agreed, the stage answers with the rule that refused them (INTERFACE.md §3).
    """

    id: ClassVar[str] = "consent.list"
    clause: ClassVar[str] = "3.1"

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if facts.without_permission == 0 or facts.stream is not Stream.MARKETING:
            return ACCEPT
        if facts.listener == "bulk" and facts.without_permission < facts.recipients:
            return ACCEPT
        text = (
            f"{facts.without_permission} of {facts.recipients} recipients may not be mailed "
            f"on list {message.relay_list}; nothing was sent"
        )
        return Reject(Refusal(550, "7.1", text), why=text)
