"""Clause 5.1: the sender's registered postal address stands in each footer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from policies.facts import MessageFacts, PartFacts, Stream, TransactionFacts
from policies.verdict import ACCEPT, Finding, Refusal, Reject, Verdict


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Reject a message in which the registered address is missing and is not, or cannot be, written in."""

    id: ClassVar[str] = "footer.postal_address"
    clause: ClassVar[str] = "5.1"
    missing: Literal["inject", "reject"]
    """What to do where the address does not stand."""
    streams: frozenset[Stream] = frozenset(Stream)
    """Whose mail bears a footer."""

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        if facts.stream not in self.streams or message.opaque:
            # What only its reader can open bears no footer; message.opaque has judged it.
            return ACCEPT
        if not facts.account.footer.postal_address.strip():
            return _reject(f"{facts.account.name} has no registered postal address", ())
        if not message.parts:
            return _reject("the message has no text in which a postal address could stand", ())
        bad = [part for part in message.parts if part.postal_address is None and self._fails(part)]
        if not bad:
            return ACCEPT
        return _reject(self._text(bad[0]), tuple(_finding(part) for part in bad))

    def _fails(self, part: PartFacts) -> bool:
        return self.missing == "reject" or bool(part.cannot_inject)

    def _text(self, part: PartFacts) -> str:
        text = f"part {part.part} does not have your registered postal address in its footer"
        if self.missing == "reject":
            return text
        return f"{text} and it cannot be written there: {part.cannot_inject}"


@dataclass(frozen=True, slots=True)
class ForeignAddress:
    """Reject a message with another account's registered address in its footer (clause 5.3)."""

    id: ClassVar[str] = "footer.foreign_address"
    clause: ClassVar[str] = "5.3"

    def check(self, message: MessageFacts, facts: TransactionFacts) -> Verdict:
        found = message.foreign_address
        if found is None:
            return ACCEPT
        text = f"part {found.part} has a postal address in its footer that another sender registered"
        return Reject(
            Refusal(550, "7.1", text),
            why=f"{text}: {found.excerpt}",
            findings=(Finding(found.part, found.line, found.excerpt),),
        )


def _finding(part: PartFacts) -> Finding:
    near = part.near_address
    return Finding(part.part) if near is None else Finding(near.part, near.line, near.excerpt)


def _reject(text: str, findings: tuple[Finding, ...]) -> Reject:
    near = next((one for one in findings if one.excerpt), None)
    found = "" if near is None else f"; part {near.part}, line {near.line} comes near it: {near.excerpt}"
    return Reject(Refusal(550, "7.0", text), why=text + found, findings=findings)
