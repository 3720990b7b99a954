"""Confirmation mails as questions put to people: what is asked, who may be asked again, what they answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from policies.address import Address
from relay.ports import OwnMail

LIVES = timedelta(days=30)
"""A question without an answer lapses after this."""
PAUSE = timedelta(days=90)
"""Whoever did not ask is asked nothing more for so long, by nobody."""
_DAY = timedelta(days=1)


class Asked(StrEnum):
    """What became of a wish to ask somebody."""

    SENT = "sent"
    WAITING = "waiting"
    """A question of the last 24 hours has no answer yet."""
    LIMITED = "limited"
    """Asked as often today as [sign_up] per_person allows."""
    PAUSED = "paused"
    """The person said lately that they had not asked."""


class Answer(StrEnum):
    """What stands against a question; OPEN where nothing does."""

    OPEN = ""
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    """'I did not ask for this.'"""
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    """The person opted out after the question: only a newer one may lift that."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A question put to the same person before, by whichever account."""

    at: datetime
    answer: Answer
    answered_at: datetime | None


def may_ask(earlier: Sequence[Earlier], now: datetime, per_day: int) -> Asked:
    """Whether one more question may go to this person; SENT: it may."""
    declined = [one.answered_at for one in earlier if one.answer is Answer.DECLINED and one.answered_at is not None]
    if any(now - at < PAUSE for at in declined):
        return Asked.PAUSED
    today = [one for one in earlier if now - one.at < _DAY]
    if any(one.answer is Answer.OPEN for one in today):
        return Asked.WAITING
    return Asked.LIMITED if len(today) >= per_day else Asked.SENT


@dataclass(frozen=True, slots=True)
class Form:
    """A list people may put themselves on."""

    account_id: int
    account_name: str
    organisation: str
    reply_to: Address
    list_id: int
    list_name: str
    title: str
    """What recipients know the list by."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a wish came from, as evidence."""

    client: str = ""
    agent: str = ""
    form_url: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Shall this list write to this address? With all that the consent record keeps of the asking."""

    form: Form
    address: Address
    person: str
    """Keyed hash of the address."""
    ref: str
    at: datetime
    language: str
    wording: str
    message_id: str
    visitor: Visitor
    method: str
    """form or staff."""
    by: str
    name: str = ""
    source: str = ""
    consented_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A question that was put, as its link finds it."""

    account_id: int
    account_name: str
    organisation: str
    list_id: int
    list_name: str
    title: str
    contact_id: int
    address: Address
    ref: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Yes:
    """A person's own confirmation: from where, and to which words."""

    visitor: Visitor
    wording: str
    language: str
    message_id: str
    """Of the mail whose link was followed."""


class Questions(Protocol):
    """The store's side; every call is one durable transaction."""

    async def form(self, account_name: str, list_name: str) -> Form | None:
        """The form of a list, where the account may send at all."""

    async def ask(
        self,
        question: Question,
        letter: Callable[[int], OwnMail],
        judge: Callable[[Sequence[Earlier]], Asked],
    ) -> Asked:
        """Put the person on the list as pending and queue the letter to their contact id, where `judge` says SENT."""

    async def find(self, account_id: int, contact_id: int, list_id: int, message: int, now: datetime) -> Sent | None:
        """The question whose REF begins with `message`, as it stands now."""

    async def confirm(self, sent: Sent, yes: Yes, at: datetime) -> Answer | None:
        """The person said yes: what stands before that, None where it was open and is confirmed now."""

    async def decline(self, sent: Sent, visitor: Visitor, at: datetime) -> bool:
        """The person did not ask; whether that is new."""

    async def lapse(self, now: datetime) -> int:
        """End what has waited too long for its answer; how many."""
