"""The registry: every rule with its own numbers, in order, observing where it is told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from config.schema import Imports, Limits, Platform, RulePolicy, Settings
from policies.chain import Observed
from policies.recipient.consent import Expired
from policies.registry import build
from policies.sender.announced import AnnouncedSize
from policies.sender.standing import AT_AUTH, Pending, Suspended


def test_rules_receive_their_numbers() -> None:
    settings = replace(
        Settings(),
        limits=replace(Limits(), max_size=1000, sandbox_per_day=3),
        imports=Imports(max_age_days=10),
        platform=replace(Platform(), contact="mailto:ask@relay.test"),
    )
    rules = build(settings)

    assert AnnouncedSize(1000) in rules.sender
    assert Pending(3) in rules.recipient
    assert Expired(timedelta(days=10)) in rules.recipient
    assert Suspended(AT_AUTH, "ask@relay.test") in rules.authentication


def test_a_group_observes_as_a_whole_and_a_rule_of_its_own_table_does_not() -> None:
    policy = {"consent": RulePolicy(mode="observe"), "consent.withdrawn": RulePolicy()}
    rules = build(replace(Settings(), policy=policy)).everything()
    observing = {rule.id for rule in rules if isinstance(rule, Observed)}

    assert observing == {
        "consent.missing",
        "consent.unconfirmed",
        "consent.expired",
        "consent.complained",
        "consent.unreachable",
        "consent.list",
    }


def test_by_default_every_rule_is_in_force() -> None:
    assert not [rule for rule in build(Settings()).everything() if isinstance(rule, Observed)]
