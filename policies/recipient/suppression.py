"""Clause 3.1: mail stops once a recipient has said no, or the mailbox is gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from policies.facts import Recipient, RecipientFacts, Stream, Suppression, SuppressionReason
from policies.recipient.consent import on_list
from policies.verdict import ACCEPT, Refusal, Reject, Verdict


class Known(StrEnum):
    """Whose knowledge a rule speaks from.

    Whoever is not on the account's own list gets consent.missing, whatever other accounts know. So each rule
    stands in the registry twice: before consent.missing with what the account itself knows, after it with all.
    """

    TO_ACCOUNT = "to-account"
    TO_ALL = "to-all"


def standing_no(reason: SuppressionReason, known: Known, facts: RecipientFacts) -> Suppression | None:
    """The suppression for this reason that holds for this transaction, if there is one."""
    for one in facts.suppressions:
        if one.reason is reason and _holds(one, facts) and _may_be_told(one, known, facts):
            return one
    return None


def _holds(suppression: Suppression, facts: RecipientFacts) -> bool:
    """With a list named: its own and the wide ones. Without: one from any list counts (INTERFACE.md §3)."""
    wide = suppression.all_accounts or suppression.list_id == 0
    if facts.list_id:
        return facts.list_id not in suppression.lifted_for and (wide or suppression.list_id == facts.list_id)
    if not wide:
        return suppression.list_id not in suppression.lifted_for
    lists = {one.list_id for one in facts.subscriptions}
    return not (lists and lists <= suppression.lifted_for)


def _may_be_told(suppression: Suppression, known: Known, facts: RecipientFacts) -> bool:
    return known is Known.TO_ALL or not suppression.all_accounts or bool(on_list(facts))


def _scope(suppression: Suppression, facts: RecipientFacts) -> str:
    if suppression.all_accounts:
        return "every sender here"
    if suppression.list_id == 0:
        return "everything this account sends"
    names = (one.list_name for one in facts.subscriptions if one.list_id == suppression.list_id)
    return f"list {next(names, suppression.list_id)}"


def _why(said: str, recipient: Recipient, no: Suppression, facts: RecipientFacts) -> str:
    return (
        f"{recipient.address} {said} on {no.at:%d %b %Y} ({no.way}), for {_scope(no, facts)}; "
        "only a new double opt-in by the person lifts this"
    )


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Reject recipients who opted out of this list, or of everything this account sends."""

    id: ClassVar[str] = "consent.withdrawn"
    clause: ClassVar[str] = "3.1"
    known: Known

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if not facts.suppressions or facts.stream is not Stream.MARKETING:
            return ACCEPT
        no = standing_no(SuppressionReason.OPT_OUT, self.known, facts)
        if no is None:
            return ACCEPT
        # 5.7.1, not 5.1.1: the mailbox exists; policy forbids it.
        return Reject(
            Refusal(550, "7.1", f"{recipient.address} has opted out"),
            why=_why("opted out", recipient, no, facts),
        )


@dataclass(frozen=True, slots=True)
class Complained:
    """Reject recipients who reported this account's mail as spam, on every stream."""

    id: ClassVar[str] = "consent.complained"
    clause: ClassVar[str] = "3.1"
    known: Known

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if not facts.suppressions:
            return ACCEPT
        no = standing_no(SuppressionReason.COMPLAINT, self.known, facts)
        if no is None:
            return ACCEPT
        return Reject(
            Refusal(550, "7.1", f"{recipient.address} has reported such mail as spam"),
            why=_why("complained", recipient, no, facts),
        )


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Reject mailboxes that bounced for good, on every stream: a dead address is not asked again."""

    id: ClassVar[str] = "consent.unreachable"
    clause: ClassVar[str] = "3.1"
    known: Known

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if not facts.suppressions:
            return ACCEPT
        no = standing_no(SuppressionReason.UNREACHABLE, self.known, facts)
        if no is None:
            return ACCEPT
        return Reject(
            Refusal(550, "1.1", f"{recipient.address} does not take mail any more"),
            why=_why("became unreachable", recipient, no, facts),
        )
