"""Clause 3.1: a no holds for its list, for the account or for everybody, until the person lifts it."""

from __future__ import annotations

import pytest
from people import NEWS, OFFERS, confirmed, facts, imported, no, recipient

from policies.facts import RecipientFacts, Stream, SuppressionReason
from policies.recipient.suppression import Complained, Known, Unreachable, Withdrawn
from policies.verdict import ACCEPT, Refusal, Reject

BOTH = (confirmed(NEWS), imported(OFFERS))


def withdrawn(known_facts: RecipientFacts, known: Known = Known.TO_ACCOUNT) -> bool:
    return Withdrawn(known).check(recipient(), known_facts) is not ACCEPT


def test_an_opt_out_is_told_with_date_and_way() -> None:
    verdict = Withdrawn(Known.TO_ACCOUNT).check(recipient(), facts(*BOTH, suppressions=(no(),)))

    assert isinstance(verdict, Reject)
    assert verdict.refusal == Refusal(550, "7.1", "Anne@example.com has opted out")
    assert verdict.why == (
        "Anne@example.com opted out on 26 Feb 2026 (one-click), for everything this account sends; "
        "only a new double opt-in by the person lifts this"
    )


def test_a_complaint_and_a_dead_mailbox_have_their_own_replies() -> None:
    complaint = no(SuppressionReason.COMPLAINT)
    dead = no(SuppressionReason.UNREACHABLE)
    said = Complained(Known.TO_ACCOUNT).check(recipient(), facts(*BOTH, suppressions=(dead, complaint)))
    gone = Unreachable(Known.TO_ACCOUNT).check(recipient(), facts(*BOTH, suppressions=(complaint, dead)))

    assert isinstance(said, Reject)
    assert isinstance(gone, Reject)
    assert said.refusal == Refusal(550, "7.1", "Anne@example.com has reported such mail as spam")
    assert gone.refusal == Refusal(550, "1.1", "Anne@example.com does not take mail any more")


@pytest.mark.parametrize("rule", [Withdrawn, Complained, Unreachable])
def test_without_a_no_each_rule_accepts(rule: type[Withdrawn | Complained | Unreachable]) -> None:
    assert rule(Known.TO_ACCOUNT).check(recipient(), facts(*BOTH)) is ACCEPT


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        (Withdrawn, SuppressionReason.COMPLAINT),
        (Complained, SuppressionReason.UNREACHABLE),
        (Unreachable, SuppressionReason.OPT_OUT),
    ],
)
def test_each_rule_hears_its_own_reason_only(
    rule: type[Withdrawn | Complained | Unreachable], other: SuppressionReason
) -> None:
    assert rule(Known.TO_ALL).check(recipient(), facts(*BOTH, suppressions=(no(other),))) is ACCEPT


@pytest.mark.parametrize(
    ("list_id", "suppression_list", "holds"),
    [
        (NEWS, NEWS, True),
        (NEWS, OFFERS, False),
        (NEWS, 0, True),
        (0, NEWS, True),
        (0, OFFERS, True),
        (0, 0, True),
    ],
)
def test_a_no_counts_for_its_list_and_any_no_counts_where_none_is_named(
    list_id: int, suppression_list: int, holds: bool
) -> None:
    assert withdrawn(facts(*BOTH, suppressions=(no(list_id=suppression_list),), list_id=list_id)) is holds


@pytest.mark.parametrize(
    ("list_id", "suppression_list", "lifted", "holds"),
    [
        (NEWS, NEWS, {NEWS}, False),
        (NEWS, NEWS, {OFFERS}, True),
        (NEWS, 0, {NEWS}, False),
        (OFFERS, 0, {NEWS}, True),
        (0, NEWS, {NEWS}, False),
        (0, NEWS, {OFFERS}, True),
        (0, 0, {NEWS}, True),
        (0, 0, {NEWS, OFFERS}, False),
    ],
)
def test_a_double_opt_in_lifts_a_no_for_its_list_only(
    list_id: int, suppression_list: int, lifted: set[int], holds: bool
) -> None:
    suppression = no(list_id=suppression_list, lifted_for=frozenset(lifted))

    assert withdrawn(facts(*BOTH, suppressions=(suppression,), list_id=list_id)) is holds


def test_a_wide_no_is_not_lifted_for_somebody_on_no_list() -> None:
    assert withdrawn(facts(suppressions=(no(lifted_for=frozenset({NEWS})),)))


def test_a_no_to_every_sender_counts_on_every_list_of_the_account() -> None:
    suppression = no(list_id=99, all_accounts=True)
    verdict = Withdrawn(Known.TO_ACCOUNT).check(recipient(), facts(*BOTH, suppressions=(suppression,), list_id=NEWS))

    assert isinstance(verdict, Reject)
    assert "for every sender here" in verdict.why


def test_the_list_of_a_no_is_named_where_the_person_is_on_it() -> None:
    on = Withdrawn(Known.TO_ACCOUNT).check(recipient(), facts(*BOTH, suppressions=(no(list_id=NEWS),)))
    off = Withdrawn(Known.TO_ACCOUNT).check(recipient(), facts(suppressions=(no(list_id=NEWS),)))

    assert isinstance(on, Reject)
    assert isinstance(off, Reject)
    assert "for list news" in on.why
    assert "for list 1" in off.why


def test_what_others_know_is_told_only_of_people_on_the_accounts_own_list() -> None:
    elsewhere = no(all_accounts=True)

    assert withdrawn(facts(confirmed(), suppressions=(elsewhere,)))
    assert not withdrawn(facts(suppressions=(elsewhere,)))
    assert not withdrawn(facts(imported(OFFERS), suppressions=(elsewhere,), list_id=NEWS))
    assert withdrawn(facts(suppressions=(elsewhere,)), Known.TO_ALL)


def test_the_accounts_own_addresses_may_say_no_too() -> None:
    own = recipient("me@acme.test", own=True)

    assert Withdrawn(Known.TO_ACCOUNT).check(own, facts(suppressions=(no(),))) is not ACCEPT


@pytest.mark.parametrize("stream", [Stream.SERVICE, Stream.PERSONAL])
def test_outside_marketing_an_opt_out_does_not_count_but_a_complaint_and_a_dead_mailbox_do(stream: Stream) -> None:
    suppressions = (no(), no(SuppressionReason.COMPLAINT), no(SuppressionReason.UNREACHABLE))
    known = facts(suppressions=suppressions, stream=stream)

    assert Withdrawn(Known.TO_ALL).check(recipient(), known) is ACCEPT
    assert Complained(Known.TO_ALL).check(recipient(), known) is not ACCEPT
    assert Unreachable(Known.TO_ALL).check(recipient(), known) is not ACCEPT
