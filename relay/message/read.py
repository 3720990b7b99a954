"""What a reader of the message sees, as facts for the rules and as places for rewriting."""

from __future__ import annotations

from dataclasses import dataclass

from policies.facts import MessageFacts
from relay.message.parts import DisplayedPart


@dataclass(frozen=True, slots=True)
class Reading:
    """One message read: facts for the rules, and what rewriting changes in each displayed part."""

    facts: MessageFacts
    displayed: list[DisplayedPart]
