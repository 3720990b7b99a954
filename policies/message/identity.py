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


@dataclass(frozen=True, slots=True)
class Unaligned:
    """Reject a message whose From domain has no DKIM key here: receivers cannot tell that the sender is right."""

    id: ClassVar[str] = "identity.unaligned"
    clause: ClassVar[str] = "5.3"

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if facts.aligned or message.author is None:
            return ACCEPT
        domain = message.author.domain
        text = f"From: {domain} has no DKIM key here, so the message cannot be signed for it"
        return Reject(
            Refusal(550, "7.1", text),
            why=f"{text}; relay dkim keygen {domain} makes one",
            findings=(Finding(part="From", excerpt=str(message.author)),),
        )
