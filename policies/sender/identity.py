"""Clause 5.3: the reverse-path is the sender's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import (
    Account,
    MessageFacts,
    Recipient,
    RecipientFacts,
    Sender,
    SenderFacts,
    Stream,
    TransactionFacts,
)
from policies.verdict import ACCEPT, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class ReversePath:
    """Reject a reverse-path outside the account's verified domains, and one nobody verified.

    The null one is for reports and automatic answers of service and personal logins, never for the bulk listener.
    """

    id: ClassVar[str] = "identity.reverse_path"
    clause: ClassVar[str] = "5.3"

    def check(self, sender: Sender, facts: SenderFacts) -> Verdict:
        account, path = sender.account, sender.reverse_path
        if account is not None and path is not None and account.owns(path.domain):
            return ACCEPT
        if path is None and account is not None and _may_report(facts):
            return ACCEPT
        if path is None:
            text = "the null reverse-path is not taken; send from an address at a verified domain"
        elif account is None:
            text = f"no account has verified the domain {path.domain}"
        else:
            text = f"{path.domain} is not a verified domain of {account.name}"
        return Reject(Refusal(550, "7.1", text), why=f"{text}; {_verified(account)}")


def _may_report(facts: SenderFacts) -> bool:
    return facts.listener == "submission" and facts.stream is not Stream.MARKETING


@dataclass(frozen=True, slots=True)
class OneReportRecipient:
    """Reject a second recipient behind the null reverse-path: a report answers one message to one sender."""

    id: ClassVar[str] = "identity.reverse_path"
    clause: ClassVar[str] = "5.3"

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if not recipient.null_path or recipient.place == 1:
            return ACCEPT
        text = "a message with the null reverse-path has one recipient"
        return Reject(Refusal(550, "7.1", text), why=f"{text}; {recipient.address} is number {recipient.place}")


@dataclass(frozen=True, slots=True)
class ReportsOnly:
    """Reject what comes with the null reverse-path and is neither a report nor an automatic answer (RFC 3834 §5)."""

    id: ClassVar[str] = "identity.reverse_path"
    clause: ClassVar[str] = "5.3"

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if not facts.null_path or message.automatic:
            return ACCEPT
        text = "the null reverse-path is for reports and automatic answers; this message says it is neither"
        return Reject(
            Refusal(550, "7.1", text),
            why=f"{text}: it is no multipart/report and has no Auto-Submitted field other than 'no'",
        )


def _verified(account: Account | None) -> str:
    if account is None:
        return "the transaction belongs to no account"
    return f"verified: {', '.join(sorted(account.domains)) or 'none'}"
