"""Clauses 2.3, 3.1, 3.4: who may be mailed, and which rule says why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import combinations, product

import pytest
from people import NEWS, NOW, OFFERS, confirmed, days_ago, facts, imported, no, recipient, refused

from config.schema import RulePolicy, Settings
from policies.chain import Decision, decide
from policies.facts import (
    Confirm,
    Recipient,
    RecipientFacts,
    Stream,
    Subscription,
    SubscriptionStatus,
    SuppressionReason,
)
from policies.recipient.consent import Expired, Missing, Unconfirmed
from policies.registry import build
from policies.verdict import ACCEPT, Reject

RULES = build(Settings()).recipient
TOMORROW = NOW + timedelta(days=1)
PENDING = replace(confirmed(at=None), status=SubscriptionStatus.PENDING)


def judge(known: RecipientFacts, to: Recipient | None = None) -> Decision:
    return decide(RULES, recipient() if to is None else to, known)


@pytest.mark.parametrize(
    "subscription",
    [
        confirmed(),
        confirmed(at=days_ago(729)),
        imported(),
        replace(imported(), status=SubscriptionStatus.SUBSCRIBED),
        imported(at=days_ago(2000), contact=days_ago(10)),
        replace(confirmed(at=days_ago(900)), last_contact_at=days_ago(700)),
        replace(confirmed(at=days_ago(900)), consented_at=days_ago(20)),
        replace(confirmed(), consented_at=TOMORROW),
    ],
)
def test_permission_with_date_and_confirmation_passes(subscription: Subscription) -> None:
    assert judge(facts(subscription)).verdict is ACCEPT


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        (facts(), "consent.missing"),
        (facts(list_id=NEWS), "consent.missing"),
        (facts(imported(OFFERS), list_id=NEWS), "consent.missing"),
        (facts(imported(at=None)), "consent.missing"),
        (facts(imported(source="")), "consent.missing"),
        (facts(imported(at=TOMORROW)), "consent.missing"),
        (facts(confirmed(at=None)), "consent.missing"),
        (facts(confirmed(at=TOMORROW)), "consent.missing"),
        (facts(refused("import.no_date")), "consent.missing"),
        (facts(PENDING), "consent.unconfirmed"),
        (facts(imported(NEWS, confirm=Confirm.DOUBLE)), "consent.unconfirmed"),
        (facts(replace(PENDING, list_confirm=Confirm.SINGLE)), "consent.unconfirmed"),
        (facts(refused("consent.unconfirmed")), "consent.unconfirmed"),
        (facts(confirmed(at=days_ago(730))), "consent.expired"),
        (facts(confirmed(at=days_ago(5000))), "consent.expired"),
        (facts(imported(at=days_ago(731))), "consent.expired"),
        (facts(imported(at=days_ago(800), contact=days_ago(731))), "consent.expired"),
        (facts(imported(at=days_ago(800), contact=TOMORROW)), "consent.expired"),
        (facts(refused("consent.expired")), "consent.expired"),
        (facts(refused("consent.expired", at=days_ago(1000))), "consent.expired"),
        (facts(refused("address.role")), "address.role"),
        # One subscription has to have everything; two halves make no whole.
        (facts(confirmed(at=days_ago(900)), imported(OFFERS, confirm=Confirm.DOUBLE)), "consent.expired"),
        (facts(imported(at=days_ago(900)), PENDING), "consent.expired"),
    ],
)
def test_what_lacks_is_named_by_its_rule(known: RecipientFacts, rule: str) -> None:
    decision = judge(known)

    assert isinstance(decision.verdict, Reject)
    assert decision.rule == rule
    assert decision.verdict.refusal.enhanced == "5.7.1"


def test_any_list_of_the_account_will_do_where_none_is_named() -> None:
    assert judge(facts(refused("consent.expired"), imported(OFFERS))).verdict is ACCEPT
    assert judge(facts(PENDING, confirmed(OFFERS, at=days_ago(5)))).verdict is ACCEPT


@pytest.mark.parametrize(
    ("rule", "known", "text"),
    [
        (Missing(), facts(), "Anne@example.com has not given acme permission"),
        (Unconfirmed(), facts(PENDING), "Anne@example.com has not confirmed its subscription to acme"),
        (
            Expired(timedelta(days=730)),
            facts(confirmed(at=days_ago(1000))),
            "the permission Anne@example.com gave acme is over 730 days old",
        ),
    ],
)
def test_the_reply_says_it_in_words_of_the_customer(
    rule: Missing | Unconfirmed | Expired, known: RecipientFacts, text: str
) -> None:
    verdict = rule.check(recipient(), known)

    assert isinstance(verdict, Reject)
    assert verdict.refusal.text == text


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (facts(), "on none of its lists"),
        (facts(list_id=NEWS), "not on list news"),
        (facts(imported(at=None)), "on offers without a usable date and source of consent"),
        (facts(refused("import.no_date")), "refused at import by import.no_date"),
        (facts(PENDING), "news: pending"),
        (facts(refused("consent.unconfirmed")), "refused at import"),
        (facts(confirmed(at=days_ago(1000))), "confirmation or contact 05 Jun 2023"),
        (facts(refused("consent.expired")), "without a date"),
    ],
)
def test_why_tells_staff_what_was_found(known: RecipientFacts, why: str) -> None:
    assert why in judge(known).why


def test_an_account_that_was_not_named_is_this_account() -> None:
    verdict = Missing().check(Recipient(recipient().address), facts())

    assert isinstance(verdict, Reject)
    assert verdict.refusal.text == "Anne@example.com has not given this account permission"


@pytest.mark.parametrize("stream", [Stream.SERVICE, Stream.PERSONAL])
@pytest.mark.parametrize("known", [facts(), facts(PENDING), facts(confirmed(at=days_ago(900)))])
def test_outside_marketing_no_permission_is_asked_for(stream: Stream, known: RecipientFacts) -> None:
    assert judge(replace(known, stream=stream), recipient("info@example.com")).verdict is ACCEPT


def test_own_addresses_need_no_permission_and_may_be_roles() -> None:
    assert judge(facts(), recipient("info@acme.test", own=True)).verdict is ACCEPT
    assert judge(facts(PENDING), recipient("info@acme.test", own=True)).verdict is ACCEPT
    assert judge(facts(confirmed(at=days_ago(900))), recipient("me@acme.test", own=True)).verdict is ACCEPT


@pytest.mark.parametrize("reason", SuppressionReason)
def test_a_suppression_beats_every_lack_of_permission_known_to_the_account(reason: SuppressionReason) -> None:
    for known in (facts(), facts(PENDING), facts(confirmed(at=days_ago(900))), facts(confirmed())):
        decision = judge(replace(known, suppressions=(no(reason),)))

        assert decision.rule == {"opted-out": "consent.withdrawn"}.get(reason, f"consent.{reason}")


@pytest.mark.parametrize("reason", SuppressionReason)
def test_whoever_is_not_on_the_list_gets_missing_whatever_other_accounts_know(reason: SuppressionReason) -> None:
    decision = judge(facts(suppressions=(no(reason, all_accounts=True),)))

    assert decision.rule == "consent.missing"
    assert "opted" not in decision.why


_STATES = [
    replace(imported(NEWS, confirm=confirm, at=given, source="form"), status=status, confirmed_at=proved)
    for status, confirm, given, proved in product(
        [SubscriptionStatus.CONFIRMED, SubscriptionStatus.IMPORTED, SubscriptionStatus.PENDING],
        Confirm,
        [None, days_ago(1), days_ago(900), TOMORROW],
        [None, days_ago(1), days_ago(900), TOMORROW],
    )
]


def _usable(one: Subscription) -> bool:
    """POLICY's sentence, written the other way round."""
    given = one.confirmed_at if one.status is SubscriptionStatus.CONFIRMED else one.consented_at
    single = one.status is SubscriptionStatus.IMPORTED and one.list_confirm is Confirm.SINGLE
    if not (one.status is SubscriptionStatus.CONFIRMED or single) or given is None or given > NOW:
        return False
    return any(date is not None and date == days_ago(1) for date in (one.consented_at, one.confirmed_at))


def test_two_subscriptions_pass_exactly_when_one_of_them_has_everything() -> None:
    for pair in combinations(_STATES, 2):
        passes = judge(facts(*pair)).verdict is ACCEPT

        assert passes is any(_usable(one) for one in pair), pair


def test_one_rule_that_only_observes_leaves_the_others_in_force() -> None:
    observed = {"consent.missing": RulePolicy(mode="observe")}
    rules = build(replace(Settings(), policy=observed)).recipient
    elsewhere = no(all_accounts=True)

    assert decide(rules, recipient(), facts(suppressions=(elsewhere,))).rule == "consent.withdrawn"
    assert decide(rules, recipient("info@example.com"), facts()).rule == "address.role"
    passed = decide(rules, recipient(), facts())
    assert passed.verdict is ACCEPT
    assert [one.rule for one in passed.observed] == ["consent.missing"]
