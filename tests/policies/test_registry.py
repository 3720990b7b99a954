"""The registry: every rule with its own numbers, in order, observing where it is told to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from config.schema import OBSERVED, Imports, Limits, Platform, RulePolicy, Settings, Streams
from policies.chain import Observed
from policies.facts import Stream
from policies.message.unsubscribe import UnsubscribeLink
from policies.recipient.consent import Expired
from policies.registry import build
from policies.sender.announced import AnnouncedSize
from policies.sender.standing import AT_AUTH, Pending, Suspended
from policies.sender.stream import Caps, FewRecipients, OwnWords
from policies.sender.volume import Reports


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
        "consent.quarantined",
        "consent.list",
        *OBSERVED,
    }


def test_by_default_every_rule_is_in_force_but_those_that_are_known_to_observe() -> None:
    observing = {rule.id for rule in build(Settings()).everything() if isinstance(rule, Observed)}

    assert observing == OBSERVED == {"identity.unaligned", "footer.foreign_address"}


def test_what_observes_by_default_needs_a_table_of_its_own_to_be_in_force() -> None:
    policy = {"identity": RulePolicy(), "footer.foreign_address": RulePolicy()}
    rules = build(replace(Settings(), policy=policy)).everything()

    assert {rule.id for rule in rules if isinstance(rule, Observed)} == {"identity.unaligned"}


def test_personal_mail_goes_without_a_footer_where_settings_say_so() -> None:
    bare = build(replace(Settings(), streams=Streams(personal_footer="off"))).message
    line = build(replace(Settings(), streams=Streams(personal_footer="line"))).message

    assert UnsubscribeLink(frozenset({Stream.MARKETING, Stream.SERVICE})) in bare
    assert UnsubscribeLink() in line


def test_streams_receive_their_caps() -> None:
    streams = Streams(personal_recipients=3, personal_per_day=4, personal_same_content=5, reports_per_hour=6)
    rules = build(replace(Settings(), streams=streams))

    assert FewRecipients(Caps(1), Caps(3, 4, 5)) in rules.recipient
    assert OwnWords(Caps(1), Caps(3, 4, 5)) in rules.message
    assert Reports(6) in rules.message
