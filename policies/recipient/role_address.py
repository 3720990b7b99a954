"""Clause 6.3: no mail to addresses of functions (info@, sales@ …), where no one person can have agreed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import Recipient, RecipientFacts, Stream, SubscriptionStatus
from policies.recipient.consent import on_list
from policies.recipient.suppression import Known
from policies.verdict import ACCEPT, Refusal, Reject, Verdict

_NO_SEPARATORS = str.maketrans("", "", "._-")
_CONFIRMED = SubscriptionStatus.CONFIRMED
_MARKETING = Stream.MARKETING


def is_role(local: str, names: frozenset[str]) -> bool:
    """Whether an ASCII local part names a function: 'info', 'Sales2', 'no-reply', 'info+x', 'sales.id'.

    `names` are lower case, without separators or closing digits.
    """
    name = local.lower().partition("+")[0]
    if name.translate(_NO_SEPARATORS).rstrip("0123456789") in names:
        return True
    first, *rest = name.replace("_", ".").replace("-", ".").split(".")
    return first in names and all(word in names or word.isdigit() or len(word) == 2 for word in rest)


@dataclass(frozen=True, slots=True)
class RoleAddress:
    """Reject role addresses in marketing, unless that very address was confirmed by double opt-in."""

    id: ClassVar[str] = "address.role"
    clause: ClassVar[str] = "6.3"
    names: frozenset[str]
    known: Known
    """TO_ACCOUNT: only of addresses on the account's list; who is on none gets consent.missing."""

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if facts.stream is not _MARKETING or recipient.own:
            return ACCEPT
        rows = on_list(facts)
        if not rows and self.known is Known.TO_ACCOUNT:
            return ACCEPT
        for one in rows:
            if one.status is _CONFIRMED and one.confirmed_at is not None:
                return ACCEPT
        refused = any(one.refused_rule == self.id for one in rows)
        if not refused and not is_role(recipient.address.local, self.names):
            return ACCEPT
        text = f"{recipient.address} is a role address and was not confirmed by double opt-in"
        return Reject(Refusal(550, "7.1", text), why=f"{text}; a person behind it can confirm it")
