"""Weighing: Reject over Defer over Hold over Accept, the first among equals, observers beside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import pytest

from policies.chain import Observation, Observed, decide
from policies.verdict import ACCEPT, Accept, Defer, Finding, Hold, Refusal, Reject, Verdict

REJECT = Reject(Refusal(550, "7.1", "no"), why="said no", findings=(Finding("1", 2, "x"),))
DEFER = Defer(Refusal(450, "7.1", "later"), why="said later")
HOLD = Hold("a person decides")


@dataclass(frozen=True, slots=True)
class Says:
    """A rule that says one thing."""

    id: str
    verdict: Verdict
    clause: str | None = "3.1"

    def check(self, subject: str, facts: str) -> Verdict:
        return self.verdict


def test_without_objections_the_decision_is_acceptance() -> None:
    decision = decide((Says("a", ACCEPT), Says("b", ACCEPT)), "", "")

    assert decision.verdict is ACCEPT
    assert (decision.rule, decision.clause, decision.findings, decision.why) == ("", None, (), "")


def test_no_rules_accept() -> None:
    assert decide((), "", "").verdict is ACCEPT


@pytest.mark.parametrize("order", list(permutations([ACCEPT, HOLD, DEFER, REJECT])))
def test_reject_outweighs_all_in_any_order(order: tuple[Verdict, ...]) -> None:
    decision = decide([Says(type(one).__name__, one) for one in order], "", "")

    assert decision.verdict is REJECT
    assert decision.rule == "Reject"
    assert decision.clause == "3.1"
    assert decision.findings == REJECT.findings
    assert decision.why == "said no"


@pytest.mark.parametrize("order", list(permutations([ACCEPT, HOLD, DEFER])))
def test_defer_outweighs_hold_in_any_order(order: tuple[Verdict, ...]) -> None:
    assert decide([Says("x", one) for one in order], "", "").verdict is DEFER


@pytest.mark.parametrize("order", list(permutations([ACCEPT, HOLD])))
def test_hold_outweighs_accept_in_any_order(order: tuple[Verdict, ...]) -> None:
    assert decide([Says("x", one) for one in order], "", "").verdict is HOLD


def test_an_acceptance_made_anew_is_an_acceptance() -> None:
    assert decide([Says("a", Accept())], "", "").verdict is ACCEPT


def test_among_equals_the_first_in_order_is_heard() -> None:
    other = Reject(Refusal(554, "6.0", "no"), why="")

    assert decide([Says("first", REJECT), Says("second", other)], "", "").rule == "first"


def test_a_rule_that_only_observes_is_recorded_and_not_applied() -> None:
    decision = decide([Observed(Says("quiet", REJECT)), Says("b", ACCEPT)], "", "")

    assert decision.verdict is ACCEPT
    assert decision.observed == (Observation("quiet", "3.1", REJECT),)


def test_an_observation_stands_beside_the_verdict_of_another_rule() -> None:
    decision = decide([Observed(Says("quiet", REJECT)), Says("loud", DEFER)], "", "")

    assert (decision.verdict, decision.rule) == (DEFER, "loud")
    assert [one.rule for one in decision.observed] == ["quiet"]


def test_a_rule_that_stands_twice_is_observed_once() -> None:
    decision = decide([Observed(Says("quiet", REJECT)), Observed(Says("quiet", HOLD))], "", "")

    assert decision.observed == (Observation("quiet", "3.1", REJECT),)
