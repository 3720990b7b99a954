"""The one form of a refusal (INTERFACE.md §3)."""

from __future__ import annotations

import pytest

from policies.chain import Decision
from policies.verdict import ACCEPT, Defer, Hold, Refusal, Reject
from relay.key_ring import KeyRing
from relay.refusals import Refusals, Unrewritable
from relay.tokens import Tokens

REF = "01KB0000000000000000000000"
TOKENS = Tokens(KeyRing({1: b"1" * 32}))


@pytest.fixture(params=["https://policy.example", "https://policy.example/", "https://policy.example/mail/"])
def refusals(request: pytest.FixtureRequest) -> Refusals:
    return Refusals(request.param, TOKENS)


def test_a_refusal_names_rule_ref_and_a_page_that_opens(refusals: Refusals) -> None:
    decision = Decision(Reject(Refusal(550, "7.1", "bob has not agreed"), why=""), "consent.missing")

    line = str(refusals.reply(decision, REF))

    start, _, name = line.rpartition("/r/")
    assert start == f"550 5.7.1 consent.missing: bob has not agreed [{REF}] {refusals.public_url.rstrip('/')}"
    assert TOKENS.read_refusal(name) == REF


def test_a_deferral_has_the_same_form(refusals: Refusals) -> None:
    decision = Decision(Defer(Refusal(450, "7.1", "too much"), why=""), "volume.day")

    assert str(refusals.reply(decision, REF)).startswith(f"450 4.7.1 volume.day: too much [{REF}] https://")


@pytest.mark.parametrize("text", ["x" * 2000, "ümlaut\r\n250 ok \x00\x1b[31m" * 100, ""])
def test_whatever_the_text_is_ref_and_page_fit_on_one_clean_line(refusals: Refusals, text: str) -> None:
    line = str(refusals.reply(Decision(Reject(Refusal(550, "7.1", text), why=""), "consent.missing"), REF))

    assert len(line) <= 510
    assert line.isascii()
    assert line.isprintable()
    assert line.endswith(f"[{REF}] {refusals.url(REF)}")


@pytest.mark.parametrize("verdict", [ACCEPT, Hold("look at it")])
def test_what_refuses_nothing_has_no_reply(refusals: Refusals, verdict: object) -> None:
    with pytest.raises(TypeError):
        refusals.reply(Decision(verdict), REF)  # type: ignore[arg-type]


def test_what_cannot_be_rewritten_is_refused_by_the_link_rule(refusals: Refusals) -> None:
    decision = refusals.unrewritable(Unrewritable("part 1 shows no link"))

    assert (decision.rule, decision.clause, decision.why) == ("unsubscribe.link", "5.5", "part 1 shows no link")
    assert str(refusals.reply(decision, REF)).startswith("550 5.7.0 unsubscribe.link: ")


def test_our_own_fault_tells_nothing_of_itself(refusals: Refusals) -> None:
    assert str(refusals.internal(REF)) == (
        f"451 4.3.0 internal: a fault of ours, not of your message; try again later [{REF}] {refusals.url(REF)}"
    )
