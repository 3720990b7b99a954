"""What a login has sent, counted before it goes, so that two processes never both take the last place. Hot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tally:
    """So many of one thing under an account, within the hour or day that began at `since`."""

    account_id: int
    subject: str
    """At most 80 characters."""
    since: datetime
    count: int


class Tallies(Protocol):
    async def counted(self, account_id: int, subject: str, since: datetime) -> int:
        """What stands there now."""

    async def add(self, tallies: Sequence[Tally]) -> list[int]:
        """Add each, in one transaction; what then stands there, in order. A negative count takes back."""
