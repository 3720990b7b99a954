"""What MAIL announces: the list and the size, judged before a recipient or an octet is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import Sender, SenderFacts
from policies.verdict import ACCEPT, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class AnnouncedList:
    """Reject a list that the account does not have: permission is given to a list (clause 3.1)."""

    id: ClassVar[str] = "list.unknown"
    clause: ClassVar[str] = "3.1"

    def check(self, sender: Sender, facts: SenderFacts) -> Verdict:
        account, name = sender.account, sender.list_name
        if not name or (account is not None and account.list_named(name) is not None):
            return ACCEPT
        owner = "nobody" if account is None else account.name
        text = f"{owner} has no list {name}"
        return Reject(Refusal(550, "7.1", text), why=f"{text} (XLIST or the credential's list)")


@dataclass(frozen=True, slots=True)
class AnnouncedSize:
    """Reject a message whose SIZE parameter is over the limit (RFC 1870 §6.1)."""

    id: ClassVar[str] = "message.too_large"
    clause: ClassVar[str | None] = None
    max_size: int
    """Octets."""

    def check(self, sender: Sender, facts: SenderFacts) -> Verdict:
        size = sender.declared_size
        if size is None or size <= self.max_size:
            return ACCEPT
        text = f"{size} octets are announced, {self.max_size} are taken"
        return Reject(Refusal(552, "3.4", text), why=f"SIZE={size} is over [limits] max_size")
