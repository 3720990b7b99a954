"""Clauses 1.1, 1.2, 7.3: standing at AUTH, MAIL and RCPT."""

from __future__ import annotations

from dataclasses import replace

import pytest
from people import ACME, at_mail, facts, recipient

from policies.facts import Sender, Standing
from policies.sender.standing import AT_AUTH, AT_MAIL, Deactivated, Door, Pending, Suspended
from policies.verdict import ACCEPT, Refusal, Reject, Verdict

CONTACT = "policy@relay.test"


def refusal(verdict: Verdict) -> Refusal:
    assert isinstance(verdict, Reject)
    return verdict.refusal


@pytest.mark.parametrize(("door", "code", "enhanced"), [(AT_AUTH, 525, "5.7.13"), (AT_MAIL, 550, "5.7.1")])
def test_a_suspended_account_is_told_so_where_it_knocks(door: Door, code: int, enhanced: str) -> None:
    account = replace(ACME, standing=Standing.SUSPENDED, warned_because="2 complaints")
    told = refusal(Suspended(door, CONTACT).check(Sender(account), at_mail()))

    assert (told.code, told.enhanced) == (code, enhanced)
    assert told.text == "acme is suspended: 2 complaints; ask policy@relay.test"


@pytest.mark.parametrize(("door", "code", "enhanced"), [(AT_AUTH, 525, "5.7.13"), (AT_MAIL, 550, "5.7.1")])
def test_a_deactivated_account_is_told_so_where_it_knocks(door: Door, code: int, enhanced: str) -> None:
    account = replace(ACME, standing=Standing.DEACTIVATED)
    told = refusal(Deactivated(door, CONTACT).check(Sender(account), at_mail()))

    assert (told.code, told.enhanced) == (code, enhanced)
    assert told.text == "acme is deactivated; ask policy@relay.test"


@pytest.mark.parametrize("standing", [Standing.ACTIVE, Standing.WARNED, Standing.PENDING])
def test_other_standings_open_transactions(standing: Standing) -> None:
    sender = Sender(replace(ACME, standing=standing))

    assert Suspended(AT_MAIL, CONTACT).check(sender, at_mail()) is ACCEPT
    assert Deactivated(AT_MAIL, CONTACT).check(sender, at_mail()) is ACCEPT


def test_nobodys_transaction_has_no_standing() -> None:
    assert Suspended(AT_MAIL, CONTACT).check(Sender(None), at_mail()) is ACCEPT
    assert Deactivated(AT_MAIL, CONTACT).check(Sender(None), at_mail()) is ACCEPT


def test_a_pending_account_may_not_write_to_others_and_hears_what_is_missing() -> None:
    told = refusal(
        Pending(200).check(
            recipient(standing=Standing.PENDING, pending_because="the policy was not accepted"), facts()
        )
    )

    assert told == Refusal(550, "7.1", "acme may write to its own addresses only: the policy was not accepted")


@pytest.mark.parametrize(("sent_today", "passes"), [(0, True), (199, True), (200, False), (500, False)])
def test_a_pending_account_sends_test_copies_up_to_the_days_number(sent_today: int, passes: bool) -> None:
    to = recipient("me@acme.test", own=True, standing=Standing.PENDING, sent_today=sent_today)

    assert (Pending(200).check(to, facts()) is ACCEPT) is passes


def test_an_approved_account_is_not_in_the_sandbox() -> None:
    assert Pending(200).check(recipient(sent_today=10_000), facts()) is ACCEPT
