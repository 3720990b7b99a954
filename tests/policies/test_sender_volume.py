"""Clause 2.1: over a cap mail waits, it is not refused."""

from dataclasses import replace

import pytest
from people import GOOD, facts, recipient, transaction

from policies.facts import StreamCounts
from policies.sender.volume import PerDay, Reports
from policies.verdict import ACCEPT, Defer, Refusal


@pytest.mark.parametrize(("cap", "sent"), [(None, 10_000), (3, 2), (1, 0)])
def test_an_account_below_its_cap_or_without_one_goes_on(cap, sent):
    assert PerDay().check(replace(recipient(sent_today=sent), per_day=cap), facts()) is ACCEPT


@pytest.mark.parametrize("sent", [3, 4])
def test_an_account_at_its_cap_waits_until_tomorrow(sent):
    verdict = PerDay().check(replace(recipient(sent_today=sent), per_day=3), facts())

    assert isinstance(verdict, Defer)
    text = "acme may send 3 copies a day and has sent them; again from 00:00 UTC"
    assert verdict.refusal == Refusal(450, "7.1", text)
    assert verdict.why == f"{text}; {sent} were sent or are being sent"


def test_a_cap_of_a_nameless_account_is_told_too():
    verdict = PerDay().check(replace(recipient(sent_today=1), per_day=1, account_name=""), facts())

    assert verdict.refusal.text.startswith("the account may send 1 copies a day")


def test_reports_of_a_login_are_few():
    assert Reports(60).check(GOOD, replace(transaction(), counts=StreamCounts(reports_this_hour=60))) is ACCEPT

    verdict = Reports(60).check(GOOD, replace(transaction(), counts=StreamCounts(reports_this_hour=61)))

    assert isinstance(verdict, Defer)
    assert (verdict.refusal.code, verdict.refusal.detail) == (450, "7.1")
    assert verdict.why.endswith("this is number 61")
