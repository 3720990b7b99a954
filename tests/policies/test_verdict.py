"""Verdicts and replies: one clean line, code and class never at odds."""

from __future__ import annotations

import pytest

from policies.verdict import MAX_REPLY, Defer, Refusal, Reject, Reply, clean


def test_a_refusal_takes_its_enhanced_class_from_its_code() -> None:
    assert Refusal(550, "7.1", "no").enhanced == "5.7.1"
    assert Refusal(451, "3.0", "later").enhanced == "4.3.0"


def test_a_refusal_prints_as_one_clean_line() -> None:
    assert str(Refusal(550, "7.1", "one\r\ntwo\x00three")) == "550 5.7.1 one two three"


def test_the_reply_names_rule_reference_and_page_however_long_the_text_is() -> None:
    reply = Refusal(550, "7.1", "x" * 900).reply("consent.missing", "01KB", "https://relay.test/r/01KB")

    assert str(reply).startswith("550 5.7.1 consent.missing: xxx")
    assert str(reply).endswith("... [01KB] https://relay.test/r/01KB")
    assert len(str(reply)) <= MAX_REPLY


def test_letters_outside_ascii_become_question_marks() -> None:
    assert clean("bücher") == "b?cher"


def test_a_reply_without_an_enhanced_status_has_no_gap() -> None:
    assert str(Reply(354, "", "go on")) == "354 go on"


def test_reject_takes_permanent_codes_only() -> None:
    with pytest.raises(ValueError, match="5xx"):
        Reject(Refusal(450, "7.1", "later"), why="")


def test_defer_takes_temporary_codes_only() -> None:
    assert Defer(Refusal(450, "7.1", "later"), why="").refusal.code == 450
    with pytest.raises(ValueError, match="4xx"):
        Defer(Refusal(550, "7.1", "no"), why="")
