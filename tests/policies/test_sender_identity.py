"""Clause 5.3 at MAIL: the reverse-path, and what MAIL announces."""

from __future__ import annotations

from dataclasses import replace

import pytest
from people import ACME, GOOD, NOW, at_mail, recipient, transaction
from people import facts as recipient_facts

from policies.address import Address
from policies.facts import Account, Sender, SenderFacts, Stream
from policies.sender.announced import AnnouncedList, AnnouncedSize
from policies.sender.identity import OneReportRecipient, ReportsOnly, ReversePath
from policies.verdict import ACCEPT, Refusal, Reject


def sender(reverse_path: str | None, account: Account | None = ACME) -> Sender:
    return Sender(account, None if reverse_path is None else Address.parse(reverse_path))


@pytest.mark.parametrize("path", ["news@acme.test", "bounce@mail.acme.test", "Any.One@ACME.TEST"])
def test_a_reverse_path_at_a_verified_domain_passes(path: str) -> None:
    assert ReversePath().check(sender(path), at_mail()) is ACCEPT


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (sender("x@other.test"), "other.test is not a verified domain of acme"),
        (sender("x@notacme.test"), "notacme.test is not a verified domain of acme"),
        (sender("x@other.test", None), "no account has verified the domain other.test"),
        (sender("x@other.test", replace(ACME, domains=frozenset())), "other.test is not a verified domain of acme"),
        (sender(None), "the null reverse-path is not taken; send from an address at a verified domain"),
        (sender(None, None), "the null reverse-path is not taken; send from an address at a verified domain"),
    ],
)
def test_any_other_reverse_path_is_refused_with_its_reason(subject: Sender, text: str) -> None:
    verdict = ReversePath().check(subject, at_mail())

    assert isinstance(verdict, Reject)
    assert verdict.refusal == Refusal(550, "7.1", text)


def test_a_list_of_the_account_may_be_named() -> None:
    assert AnnouncedList().check(Sender(ACME, list_name="news"), at_mail()) is ACCEPT
    assert AnnouncedList().check(Sender(ACME), at_mail()) is ACCEPT


@pytest.mark.parametrize(("account", "owner"), [(ACME, "acme"), (None, "nobody")])
def test_an_unknown_list_is_refused(account: Account | None, owner: str) -> None:
    verdict = AnnouncedList().check(Sender(account, list_name="nosuch"), at_mail())

    assert isinstance(verdict, Reject)
    assert verdict.refusal == Refusal(550, "7.1", f"{owner} has no list nosuch")


@pytest.mark.parametrize("size", [None, 0, 1000])
def test_an_announced_size_up_to_the_limit_passes(size: int | None) -> None:
    assert AnnouncedSize(1000).check(Sender(ACME, declared_size=size), at_mail()) is ACCEPT


def test_an_announced_size_over_the_limit_is_refused() -> None:
    verdict = AnnouncedSize(1000).check(Sender(ACME, declared_size=1001), at_mail())

    assert isinstance(verdict, Reject)
    assert verdict.refusal == Refusal(552, "3.4", "1001 octets are announced, 1000 are taken")


@pytest.mark.parametrize("stream", [Stream.SERVICE, Stream.PERSONAL])
def test_service_and_personal_logins_may_send_reports(stream: Stream) -> None:
    assert ReversePath().check(sender(None), SenderFacts("submission", stream, NOW)) is ACCEPT


@pytest.mark.parametrize(
    ("subject", "facts"),
    [
        (sender(None), SenderFacts("submission", Stream.MARKETING, NOW)),
        (sender(None), SenderFacts("bulk", Stream.SERVICE, NOW)),
        (sender(None, None), SenderFacts("submission", Stream.PERSONAL, NOW)),
    ],
)
def test_nobody_else_may(subject: Sender, facts: SenderFacts) -> None:
    assert isinstance(ReversePath().check(subject, facts), Reject)


def test_a_report_has_one_recipient() -> None:
    second = replace(recipient(), place=2)
    rule = OneReportRecipient()

    assert rule.check(second, recipient_facts()) is ACCEPT
    assert rule.check(replace(recipient(), null_path=True), recipient_facts()) is ACCEPT
    verdict = rule.check(replace(second, null_path=True), recipient_facts())
    assert isinstance(verdict, Reject)
    assert verdict.refusal == Refusal(550, "7.1", "a message with the null reverse-path has one recipient")
    assert "number 2" in verdict.why


def test_the_null_reverse_path_is_for_reports_and_automatic_answers() -> None:
    null = replace(transaction(stream=Stream.PERSONAL), null_path=True)
    rule = ReportsOnly()

    assert rule.check(GOOD, transaction()) is ACCEPT
    assert rule.check(replace(GOOD, automatic=True), null) is ACCEPT
    verdict = rule.check(GOOD, null)
    assert isinstance(verdict, Reject)
    assert verdict.refusal.text.startswith("the null reverse-path is for reports and automatic answers")
    assert "Auto-Submitted" in verdict.why
