"""Runs a stage's rules and weighs what they say into one Decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from policies.facts import MessageFacts, Recipient, RecipientFacts, Sender, SenderFacts, TransactionFacts
from policies.verdict import ACCEPT, Accept, Defer, Finding, Hold, Reject, Verdict

Subject = TypeVar("Subject", contravariant=True)
Facts = TypeVar("Facts", contravariant=True)


class Rule(Protocol[Subject, Facts]):
    """A frozen object with its thresholds as fields; `check` is pure."""

    @property
    def id(self) -> str:
        """As in replies, settings and the journal: 'consent.withdrawn'."""

    @property
    def clause(self) -> str | None:
        """The policy's clause it keeps; None: a rule of transport."""

    def check(self, subject: Subject, facts: Facts, /) -> Verdict: ...


SenderRule: TypeAlias = Rule[Sender, SenderFacts]
RecipientRule: TypeAlias = Rule[Recipient, RecipientFacts]
MessageRule: TypeAlias = Rule[MessageFacts, TransactionFacts]


@dataclass(frozen=True, slots=True)
class Observed(Generic[Subject, Facts]):
    """A rule with `mode = "observe"`: what it would have said is recorded, not applied."""

    rule: Rule[Subject, Facts]

    @property
    def id(self) -> str:
        return self.rule.id

    @property
    def clause(self) -> str | None:
        return self.rule.clause

    def check(self, subject: Subject, facts: Facts, /) -> Verdict:
        return self.rule.check(subject, facts)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a rule in observe mode would have said."""

    rule: str
    clause: str | None
    verdict: Hold | Defer | Reject


@dataclass(frozen=True, slots=True)
class Decision:
    """A stage's answer: the verdict that weighs most and the rule it came from."""

    verdict: Verdict
    rule: str = ""
    """Empty when every rule accepts."""
    clause: str | None = None
    observed: tuple[Observation, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return () if isinstance(self.verdict, Accept) else self.verdict.findings

    @property
    def why(self) -> str:
        """For whoever must mend it; empty when accepted."""
        return "" if isinstance(self.verdict, Accept) else self.verdict.why


_ACCEPTED = Decision(ACCEPT)
_WEIGHT: dict[type[Verdict], int] = {Accept: 0, Hold: 1, Defer: 2, Reject: 3}


def decide(rules: Iterable[Rule[Subject, Facts]], subject: Subject, facts: Facts) -> Decision:
    """Every rule runs. Reject outweighs Defer, Defer Hold, Hold Accept; among equals the first in order wins."""
    said = [(rule, verdict) for rule in rules if (verdict := rule.check(subject, facts)) is not ACCEPT]
    return _weigh(said) if said else _ACCEPTED


def _weigh(said: list[tuple[Rule[Subject, Facts], Verdict]]) -> Decision:
    verdict: Verdict = ACCEPT
    winner: Rule[Subject, Facts] | None = None
    observed: dict[str, Observation] = {}
    for rule, told in said:
        if isinstance(told, Accept):
            continue
        if isinstance(rule, Observed):
            # A rule may stand in a stage twice (registry.py); its first finding is recorded.
            observed.setdefault(rule.id, Observation(rule.id, rule.clause, told))
        elif _WEIGHT[type(told)] > _WEIGHT[type(verdict)]:
            verdict, winner = told, rule
    seen = tuple(observed.values())
    return Decision(ACCEPT, observed=seen) if winner is None else Decision(verdict, winner.id, winner.clause, seen)
