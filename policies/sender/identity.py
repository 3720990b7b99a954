"""Clause 5.3: the reverse-path is the sender's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import Account, Sender, SenderFacts
from policies.verdict import ACCEPT, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class ReversePath:
    """Reject a reverse-path outside the account's verified domains, the null one, and one nobody verified."""

    id: ClassVar[str] = "identity.reverse_path"
    clause: ClassVar[str] = "5.3"

    def check(self, sender: Sender, facts: SenderFacts) -> Verdict:
        account, path = sender.account, sender.reverse_path
        if account is not None and path is not None and account.owns(path.domain):
            return ACCEPT
        if path is None:
            text = "the null reverse-path is not taken; send from an address at a verified domain"
        elif account is None:
            text = f"no account has verified the domain {path.domain}"
        else:
            text = f"{path.domain} is not a verified domain of {account.name}"
        return Reject(Refusal(550, "7.1", text), why=f"{text}; {_verified(account)}")


def _verified(account: Account | None) -> str:
    if account is None:
        return "the transaction belongs to no account"
    return f"verified: {', '.join(sorted(account.domains)) or 'none'}"
