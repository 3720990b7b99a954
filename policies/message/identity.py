"""Clause 5.3: From and Sender say who really sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import MessageFacts, TransactionFacts
from policies.verdict import ACCEPT, Finding, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class From:
    """Reject a message whose From or Sender lies outside the account's verified domains, or that has no author."""

    id: ClassVar[str] = "identity.from"
    clause: ClassVar[str] = "5.3"

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        account = facts.account
        if message.author is None:
            text = "From does not name one author"
            return Reject(Refusal(550, "7.1", text), why=text)
        for name, mailbox in (("From", message.author), ("Sender", message.sender)):
            if mailbox is None or account.owns(mailbox.domain):
                continue
            verified = ", ".join(sorted(account.domains)) or "none"
            return Reject(
                Refusal(550, "7.1", f"{name}: {mailbox.domain} is not a verified domain of {account.name}"),
                why=f"{name} is {mailbox}; verified domains of {account.name}: {verified}",
                findings=(Finding(part=name, excerpt=str(mailbox)),),
            )
        return ACCEPT
