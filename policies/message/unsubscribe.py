"""Clause 5.4: an unsubscribe link at the bottom of each message, in every part a reader may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.facts import MessageFacts, PartFacts, Stream, TransactionFacts
from policies.verdict import ACCEPT, Finding, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """Reject a message with a displayed part that has no opt-out link or placeholder and cannot be given one."""

    id: ClassVar[str] = "unsubscribe.link"
    clause: ClassVar[str] = "5.4"
    streams: frozenset[Stream] = frozenset(Stream)
    """Whose mail bears a footer."""

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if facts.stream not in self.streams or message.opaque:
            # What only its reader can open bears no footer; message.opaque has judged it.
            return ACCEPT
        if not message.parts:
            text = "the message has no text in which an unsubscribe link could stand"
            return Reject(Refusal(550, "7.0", text), why=text)
        bad = [part for part in message.parts if _has_no_link(part) and part.cannot_inject]
        if not bad:
            return ACCEPT
        first = bad[0]
        text = f"part {first.part} has no unsubscribe link and none can be written in: {first.cannot_inject}"
        return Reject(
            Refusal(550, "7.0", text),
            why="; ".join(f"part {one.part} ({one.content_type}): {one.cannot_inject}" for one in bad),
            findings=tuple(Finding(one.part, excerpt=one.cannot_inject) for one in bad),
        )


def _has_no_link(part: PartFacts) -> bool:
    return part.opt_out is None and part.placeholder is None
