"""Clauses 3.2 and 3.3: an address is worth what the import is worth that it came with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from policies.facts import Recipient, RecipientFacts, Stream, Subscription, SubscriptionStatus
from policies.imports.batch import BatchState, ImportBatch, Ramp
from policies.recipient.consent import usable
from policies.verdict import ACCEPT, Defer, Refusal, Reject, Verdict

_STOPPED = frozenset({BatchState.HELD, BatchState.QUARANTINED})
_WORDS = {
    BatchState.HELD: "came with an import that is held for review",
    BatchState.QUARANTINED: "came with an import that was stopped",
}


def _batch(subscription: Subscription) -> ImportBatch | None:
    """The batch that this permission hangs on; what the person confirmed hangs on none."""
    return None if subscription.status is SubscriptionStatus.CONFIRMED else subscription.batch


def _all_in(
    recipient: Recipient, facts: RecipientFacts, max_age: timedelta, stands: Callable[[ImportBatch], bool]
) -> ImportBatch | None:
    """The first batch in the way, where every permission that could count came with such a one."""
    if facts.stream is not Stream.MARKETING or recipient.own:
        return None
    if all(one.batch is None for one in facts.subscriptions):
        return None
    found = [_batch(one) for one in usable(facts, max_age)]
    in_the_way = [one for one in found if one is not None and stands(one)]
    return in_the_way[0] if in_the_way and len(in_the_way) == len(found) else None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Reject addresses of an import that is held for review or was stopped; one that still runs defers."""

    id: ClassVar[str] = "consent.quarantined"
    clause: ClassVar[str] = "3.2"
    max_age: timedelta

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        batch = _all_in(recipient, facts, self.max_age, lambda one: one.state is not BatchState.OPEN)
        if batch is None:
            return ACCEPT
        if batch.state in _STOPPED:
            text = f"{recipient.address} {_WORDS[batch.state]}"
            return Reject(Refusal(550, "7.1", text), why=f"{text} (batch {batch.batch_id}); a person must release it")
        text = f"{recipient.address} comes with an import that has not ended; try again later"
        how = "run the same import command again if it was stopped"
        return Defer(Refusal(450, "7.1", text), why=f"{text} (batch {batch.batch_id}); {how}")


@dataclass(frozen=True, slots=True)
class VolumeRamp:
    """Defer addresses of a big new import that its daily ramp has not released yet."""

    id: ClassVar[str] = "volume.ramp"
    clause: ClassVar[str] = "3.2"
    ramp: Ramp
    max_age: timedelta

    def check(self, recipient: Recipient, facts: RecipientFacts) -> Verdict:
        batch = _all_in(recipient, facts, self.max_age, lambda one: not self.ramp.takes(one, facts.now))
        if batch is None or batch.ramp_from is None:
            return ACCEPT
        released = self.ramp.released(batch.accepted, batch.ramp_from, facts.now)
        days = (facts.now - batch.ramp_from) // timedelta(days=1)
        again = batch.ramp_from + (days + 1) * timedelta(days=1)
        over = self.ramp.over_at(batch.accepted, batch.ramp_from)
        text = (
            f"{recipient.address} came with a new import, of which {released} of {batch.accepted} may be mailed now"
        )
        return Defer(
            Refusal(450, "7.1", f"{text}; more from {again:%d %b %H:%M} UTC"),
            why=f"{text} (batch {batch.batch_id}, day {days + 1}); twice as many from {again:%d %b %Y %H:%M} UTC, "
            f"all from {over:%d %b %Y}",
        )
