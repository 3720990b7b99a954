"""Refusals as their own pages show them, out of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relay.adapters.store.journal_reading import Entry, JournalReader
from relay.ports import RefusalRow

REFUSALS = frozenset(
    {
        "auth.failed",
        "sender.refused",
        "recipient.refused",
        "recipient.deferred",
        "message.refused",
        "message.deferred",
    }
)


@dataclass(frozen=True, slots=True)
class StoreRefusals:
    """The port `RefusalRows`."""

    reader: JournalReader

    async def refusal(self, ref: str) -> RefusalRow | None:
        """The newest refusal that bears the REF, with every recipient it concerned."""
        story = await self.reader.story(ref)
        found = [entry for entry in story.entries if entry.line.get("event") in REFUSALS]
        return row_of(ref, found) if found else None


def row_of(ref: str, entries: list[Entry]) -> RefusalRow:
    """One refusal out of its rows, oldest first; there is at least one."""
    newest = entries[-1]
    recipients = [str(one.line["recipient"]) for one in entries if "recipient" in one.line]
    named = newest.evidence.get("recipients")
    if not recipients and isinstance(named, list):
        recipients = [str(one) for one in named]
    return RefusalRow(
        ref=ref,
        at=newest.at,
        rule=str(newest.line.get("rule", "")),
        clause=str(newest.line.get("clause") or ""),
        reply=str(newest.line.get("reply", "")),
        recipients=tuple(dict.fromkeys(recipients)),
        findings=_findings(newest.evidence),
    )


def _findings(evidence: Mapping[str, object]) -> tuple[tuple[str, int, str], ...]:
    found = evidence.get("findings")
    if not isinstance(found, list):
        return ()
    return tuple((str(one["part"]), int(one["line"]), str(one["excerpt"])) for one in found if isinstance(one, dict))
