"""What owners of accounts were told of refusals, and what there is to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from policies.facts import Standing
from relay.ports.journal import RefusalRow
from relay.ports.spool import OwnMail


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is told."""

    account_id: int
    account: str
    organisation: str
    email: str
    """As registered; empty: nobody can be told."""
    country: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Told:
    """How far an account's owner has been told of refusals."""

    account_id: int
    turn: int
    """Counts the changes; 0: never told."""
    until: datetime
    """Refusals up to here are settled."""
    at: datetime
    """Of the refusal told at once, or the end of the last digest's day."""
    due_at: datetime | None
    """Of the next digest; None: quiet, the next refusal is told at once."""
    first_ref: str = ""
    """REF of the refusal that was told at once, and so stands in no digest."""
    notice_ref: str = ""
    """REF of the last mail."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """How often one recipient was refused, and the newest refusal."""

    recipient: str
    count: int
    ref: str


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """What one rule refused within a digest's day."""

    rule: str
    count: int
    recipients: int
    """Different ones; 0 where the rule answers to MAIL or to the whole message."""
    newest: RefusalRow
    most: tuple[Recipients, ...] = ()
    """Those refused most often, a few."""


class NoticeRows(Protocol):
    """Cold. A refusal is a 5xx that a rule gave to an account that is known."""

    async def fresh(self, since: datetime, limit: int) -> list[int]:
        """Accounts that are quiet and were refused after `since`."""

    async def due(self, now: datetime, limit: int) -> list[int]:
        """Accounts whose digest is due."""

    async def owner(self, account_id: int) -> Owner | None: ...

    async def told(self, account_id: int) -> Told | None: ...

    async def first(self, account_id: int, since: datetime) -> RefusalRow | None:
        """The oldest refusal after `since`, with every recipient it concerned."""

    async def summary(self, told: Told, until: datetime) -> list[RuleSummary]:
        """What was refused after `told.until` up to `until`, most frequent first; without `told.first_ref`."""

    async def bounced(self, told: Told) -> str:
        """The address at which the last mail was refused for good; empty: none."""

    async def keep(self, told: Told, mails: Sequence[OwnMail]) -> bool:
        """The new state and its mails, in one transaction; False where another keeper was first: nothing is kept."""
