"""Telling people from robots without a puzzle: a field that nobody sees, and the time it took to fill a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from relay.ports import Clock
from relay.tokens import Tokens

TRAP = "subject"
"""The field that people do not see; robots fill everything."""
STAMP = "shown"
"""The hidden field that says when the form was shown."""
SOONEST, LATEST = 2, 86_400
"""Seconds between showing a form and sending it; a person who is outside them presses once more."""


class Sender(StrEnum):
    """Who seems to have sent a form."""

    PERSON = "person"
    HASTY = "hasty"
    """Too soon, too late, or from a page of somebody else's: asked to press once more."""
    ROBOT = "robot"


@dataclass(frozen=True, slots=True)
class Robots:
    """Judges forms of ours by what came back with them."""

    tokens: Tokens
    clock: Clock

    def stamp(self, form: str) -> str:
        """For the hidden field of this form."""
        return self.tokens.stamp(form, int(self.clock.now().timestamp()))

    def sender(self, form: str, fields: Mapping[str, str]) -> Sender:
        """Who sent these fields back."""
        if fields.get(TRAP, ""):
            return Sender.ROBOT
        shown = self.tokens.read_stamp(form, fields.get(STAMP, ""))
        if shown is None or not SOONEST <= self.clock.now().timestamp() - shown <= LATEST:
            return Sender.HASTY
        return Sender.PERSON
