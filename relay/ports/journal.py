"""What happened: events, delivered copies, refusals looked up again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(slots=True)
class Event:
    """One journal line (INTERFACE.md §5). Only what is known is written."""

    event: str
    ref: str
    at: datetime
    level: str = "info"
    account_id: int = 0
    account: str = ""
    fields: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """list, campaign, stream, listener, client, tls, reverse_path, recipient, message_id, size, rule, clause,
    reply, why, smarthost, phase, error, duration_ms …"""
    evidence: Mapping[str, object] = field(default_factory=dict)
    """Facts and findings for `explain`; JSON-serialisable; stored, not printed in the line."""


class Journal(Protocol):
    """Never raises, never awaits: the mail may have gone. Hot."""

    def write(self, event: Event) -> None:
        """To stdout/file at once, and to the store with the next batch where the event is kept there."""

    def delivered(self, row: DeliveredRow, event: Event) -> None:
        """A copy the smarthost took: a compact row plus the hour's aggregate, and the line."""


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One refusal as the journal keeps it."""

    ref: str
    at: datetime
    rule: str
    clause: str
    reply: str
    recipients: tuple[str, ...]
    findings: tuple[tuple[str, int, str], ...] = ()
    """(part, line, excerpt)."""


class RefusalRows(Protocol):
    async def refusal(self, ref: str) -> RefusalRow | None:
        """The refusal that bears this REF; None where there is none (any more)."""


@dataclass(slots=True)
class DeliveredRow:
    """Compact record of one delivered copy, kept for the journal's retention."""

    account_id: int
    ref: str
    contact_id: int
    at: datetime
    list_id: int
    recipient_key: str
    smarthost: str
    reply: str
    campaign: str = ""
