"""Clauses 2.3, 3.1 and 3.4: mail goes to people who gave permission, verifiably, and not too long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from policies.facts import Confirm, Recipient, RecipientFacts, Stream, Subscription, SubscriptionStatus
from policies.verdict import ACCEPT, Refusal, Reject, Verdict

_CONFIRMED = SubscriptionStatus.CONFIRMED
_REFUSED = SubscriptionStatus.REFUSED
_GIVEN = frozenset({SubscriptionStatus.SUBSCRIBED, SubscriptionStatus.IMPORTED})
_MARKETING = Stream.MARKETING

# A recipient may be mailed when one and the same subscription is live, confirmed as its list asks, dated and
# fresh. Each rule below narrows what the one before left, and takes all of it where nothing is left (then the
# rule before has said no): so a pass needs one subscription with everything, also while a rule only observes.


def on_list(facts: RecipientFacts) -> tuple[Subscription, ...]:
    """Subscriptions, refused ones too, on the transaction's list; on all of the account's where none is named."""
    if facts.list_id == 0:
        return facts.subscriptions
    return tuple(one for one in facts.subscriptions if one.list_id == facts.list_id)


def _live(facts: RecipientFacts) -> list[Subscription]:
    return [one for one in on_list(facts) if one.status is not _REFUSED]


def refused_by(rule: str, facts: RecipientFacts) -> Subscription | None:
    """The row that this rule refused at import, where the address has no other on the list."""
    rows = on_list(facts)
    if any(one.status is not _REFUSED for one in rows):
        return None
    return next((one for one in rows if one.refused_rule == rule), None)


def is_confirmed(subscription: Subscription) -> bool:
    """Whether the list's own way of subscribing is complete: double opt-in, or given on a single opt-in list."""
    if subscription.status is _CONFIRMED:
        return True
    return subscription.list_confirm is Confirm.SINGLE and subscription.status in _GIVEN


def _is_dated(subscription: Subscription, now: datetime) -> bool:
    """Permission has a date that has come, and without double opt-in a source; no date is never 'today'."""
    if subscription.status is _CONFIRMED:
        return subscription.confirmed_at is not None and subscription.confirmed_at <= now
    given = subscription.consented_at
    return given is not None and given <= now and bool(subscription.source)


def last_sign(subscription: Subscription, now: datetime) -> datetime | None:
    """The last of permission, confirmation and contact; dates that have not come do not count."""
    dates = (subscription.consented_at, subscription.confirmed_at, subscription.last_contact_at)
    return max((one for one in dates if one is not None and one <= now), default=None)


def _is_sound(subscription: Subscription, facts: RecipientFacts) -> bool:
    """On the transaction's list, confirmed and dated: all but fresh. The quick way through for nearly everybody."""
    if facts.list_id not in (0, subscription.list_id):
        return False
    return is_confirmed(subscription) and _is_dated(subscription, facts.now)


def _has_sound(facts: RecipientFacts) -> bool:
    return any(_is_sound(one, facts) for one in facts.subscriptions)


def _confirmed(facts: RecipientFacts) -> list[Subscription]:
    live = _live(facts)
    return [one for one in live if is_confirmed(one)] or live


def _dated(facts: RecipientFacts) -> list[Subscription]:
    confirmed = _confirmed(facts)
    return [one for one in confirmed if _is_dated(one, facts.now)] or confirmed


def usable(facts: RecipientFacts, max_age: timedelta) -> list[Subscription]:
    """Those that the rules below would have left: dated, and fresh where one is."""
    dated = [one for one in _dated(facts) if _is_dated(one, facts.now)]
    signs = [(one, last_sign(one, facts.now)) for one in dated]
    fresh = [one for one, sign in signs if sign is not None and facts.now - sign < max_age]
    return fresh or dated


def _needs_permission(recipient: Recipient, facts: RecipientFacts) -> bool:
    return facts.stream is _MARKETING and not recipient.own


def _sender(recipient: Recipient) -> str:
    return recipient.account_name or "this account"


def _lists(rows: list[Subscription]) -> str:
    return ", ".join(sorted({one.list_name for one in rows}))


@dataclass(frozen=True, slots=True)
class Missing:
    """Reject recipients who gave this account no permission, or none with a date and a source."""

    id: ClassVar[str] = "consent.missing"
    clause: ClassVar[str] = "3.1"

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if not _needs_permission(recipient, facts) or _has_sound(facts):
            return ACCEPT
        rows = _dated(facts)
        if any(_is_dated(one, facts.now) for one in rows):
            return ACCEPT
        text = f"{recipient.address} has not given {_sender(recipient)} permission"
        return Reject(Refusal(550, "7.1", text), why=f"{text}: {self._why(rows, facts)}")

    def _why(self, rows: list[Subscription], facts: RecipientFacts) -> str:
        if rows:
            return f"on {_lists(rows)} without a usable date and source of consent"
        refused = sorted({one.refused_rule for one in on_list(facts)})
        if refused:
            return f"refused at import by {', '.join(refused)}"
        return f"not on list {facts.list_name}" if facts.list_id else "on none of its lists"


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Reject recipients who did not confirm, where the list takes double opt-in."""

    id: ClassVar[str] = "consent.unconfirmed"
    clause: ClassVar[str] = "2.3"

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if not _needs_permission(recipient, facts) or _has_sound(facts):
            return ACCEPT
        rows = _live(facts)
        if any(is_confirmed(one) for one in rows) or not (rows or refused_by(self.id, facts)):
            return ACCEPT
        text = f"{recipient.address} has not confirmed its subscription to {_sender(recipient)}"
        states = ", ".join(f"{one.list_name}: {one.status}" for one in rows) or "refused at import"
        return Reject(Refusal(550, "7.1", text), why=f"{text} ({states}); only the person's double opt-in counts")


@dataclass(frozen=True, slots=True)
class Expired:
    """Reject recipients whose permission, confirmation and last contact all lie too far back."""

    id: ClassVar[str] = "consent.expired"
    clause: ClassVar[str] = "3.4"
    max_age: timedelta

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        if not _needs_permission(recipient, facts) or self._has_fresh(facts):
            return ACCEPT
        refused = refused_by(self.id, facts)
        signs = [sign for one in _dated(facts) if (sign := last_sign(one, facts.now)) is not None]
        if refused is not None:
            return self._reject(recipient, refused.consented_at or refused.last_contact_at)
        if not signs or facts.now - max(signs) < self.max_age:
            return ACCEPT
        return self._reject(recipient, max(signs))

    def _has_fresh(self, facts: RecipientFacts) -> bool:
        for one in facts.subscriptions:
            if _is_sound(one, facts):
                sign = last_sign(one, facts.now)
                if sign is not None and facts.now - sign < self.max_age:
                    return True
        return False

    def _reject(self, recipient: Recipient, last: datetime | None) -> Reject:
        text = f"the permission {recipient.address} gave {_sender(recipient)} is over {self.max_age.days} days old"
        since = "without a date" if last is None else f"{last:%d %b %Y}"
        return Reject(Refusal(550, "7.1", text), why=f"{text}: last permission, confirmation or contact {since}")
