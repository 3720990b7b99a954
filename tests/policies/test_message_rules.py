"""The rules of a message: structure, identity, list, footer, link."""

from __future__ import annotations

from dataclasses import replace

import pytest
from people import ACME, GOOD, LINK, part, transaction

from config.schema import RulePolicy, Settings
from policies.address import Address
from policies.chain import Decision, decide
from policies.facts import Fault, FaultFound, FooterIdentity, Found, MessageFacts, PartFacts, Stream, TransactionFacts
from policies.message.identity import From, Unaligned
from policies.message.postal_address import ForeignAddress, PostalAddress
from policies.message.unsubscribe import UnsubscribeLink
from policies.registry import build
from policies.verdict import ACCEPT, Finding, Refusal, Reject

RULES = build(Settings()).message
FOREIGN = Address.parse("boss@bank.example")


def judge(message: MessageFacts, facts: TransactionFacts | None = None) -> Decision:
    return decide(RULES, message, transaction() if facts is None else facts)


def refused(decision: Decision) -> tuple[str, str]:
    assert isinstance(decision.verdict, Reject)
    refusal = decision.verdict.refusal
    return decision.rule, f"{refusal.code} {refusal.enhanced} {refusal.text}"


def test_a_good_message_passes() -> None:
    assert judge(GOOD).verdict is ACCEPT
    assert judge(replace(GOOD, sender=Address.parse("x@mail.acme.test"))).verdict is ACCEPT


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_makes_a_message_malformed(fault: Fault) -> None:
    decision = judge(replace(GOOD, faults=(FaultFound(fault, "Subject"), FaultFound(Fault.TOO_DEEP, "1.2"))))

    assert refused(decision) == ("message.malformed", f"554 5.6.0 {fault} (Subject)")
    assert len(decision.findings) == 2
    assert "1.2" in decision.why


def test_a_fault_without_a_place_is_told_without_brackets() -> None:
    decision = judge(replace(GOOD, faults=(FaultFound(Fault.MISSING_FROM, ""),)))

    assert refused(decision)[1] == "554 5.6.0 there is no From field"


def test_a_message_without_one_author_is_malformed_and_no_identity() -> None:
    nameless = replace(GOOD, author=None)

    assert refused(judge(nameless))[0] == "message.malformed"
    assert From().check(nameless, transaction()) is not ACCEPT


@pytest.mark.parametrize(("received", "own", "passes"), [(50, 2, True), (51, 0, False), (3, 3, False)])
def test_a_message_that_keeps_coming_round_is_in_a_loop(received: int, own: int, passes: bool) -> None:
    decision = judge(replace(GOOD, received=received, own_received=own))

    assert (decision.verdict is ACCEPT) is passes
    if not passes:
        assert refused(decision)[0] == "message.loop"
        assert refused(decision)[1].startswith("554 5.4.6 ")


def test_a_message_over_the_limit_is_too_large() -> None:
    limit = Settings().limits.max_size

    assert judge(replace(GOOD, size=limit)).verdict is ACCEPT
    assert refused(judge(replace(GOOD, size=limit + 1))) == (
        "message.too_large",
        f"552 5.3.4 the message has {limit + 1} octets, {limit} are taken",
    )


def test_what_cannot_be_read_is_opaque() -> None:
    assert refused(judge(replace(GOOD, opaque="it is encrypted"))) == (
        "message.opaque",
        "550 5.7.0 an unsubscribe link cannot be put into this message: it is encrypted",
    )


@pytest.mark.parametrize(
    ("message", "name"),
    [(replace(GOOD, author=FOREIGN), "From"), (replace(GOOD, sender=FOREIGN), "Sender")],
)
def test_from_and_sender_are_the_accounts_own(message: MessageFacts, name: str) -> None:
    decision = judge(message)

    assert refused(decision) == ("identity.from", f"550 5.7.1 {name}: bank.example is not a verified domain of acme")
    assert decision.findings == (Finding(part=name, excerpt="boss@bank.example"),)


def test_an_account_without_domains_may_say_nothing_of_itself() -> None:
    bare = transaction(replace(ACME, domains=frozenset()))

    assert "verified domains of acme: none" in judge(GOOD, bare).why


def test_a_list_the_account_does_not_have_is_refused() -> None:
    assert judge(replace(GOOD, relay_list="news")).verdict is ACCEPT
    assert refused(judge(replace(GOOD, relay_list="nosuch"))) == ("list.unknown", "550 5.7.1 acme has no list nosuch")


def test_submission_refuses_all_where_some_did_not_agree_to_the_named_list() -> None:
    decision = judge(replace(GOOD, relay_list="news"), transaction(recipients=5, without_permission=2))

    assert refused(decision) == (
        "consent.list",
        "550 5.7.1 2 of 5 recipients may not be mailed on list news; nothing was sent",
    )


def test_bulk_sends_to_the_rest_but_never_to_nobody() -> None:
    named = replace(GOOD, relay_list="news")

    assert judge(named, transaction(listener="bulk", recipients=5, without_permission=2)).verdict is ACCEPT
    assert judge(named, transaction(listener="bulk", recipients=5, without_permission=5)).rule == "consent.list"


def test_permission_for_a_list_is_a_matter_of_marketing() -> None:
    facts = transaction(recipients=5, without_permission=2, stream=Stream.PERSONAL)

    assert judge(replace(GOOD, relay_list="news"), facts).verdict is ACCEPT


def test_a_missing_address_that_can_be_written_in_passes() -> None:
    assert judge(replace(GOOD, parts=(part(address=None),))).verdict is ACCEPT


def test_a_missing_address_that_cannot_be_written_in_is_refused() -> None:
    message = replace(GOOD, parts=(part(), part("2", address=None, cannot_inject="unknown charset")))

    assert refused(judge(message)) == (
        "footer.postal_address",
        "550 5.7.0 part 2 does not have your registered postal address in its footer "
        "and it cannot be written there: unknown charset",
    )


def test_where_injection_is_off_a_missing_address_is_refused_and_what_comes_near_is_shown() -> None:
    rules = build(replace(Settings(), policy={"footer.postal_address": RulePolicy(missing="reject")})).message
    near = Found("1", 30, "2 High Street, Leeds")
    message = replace(GOOD, parts=(part("1", address=None, near=near), part("2", address=None)))
    decision = decide(rules, message, transaction())

    assert refused(decision) == (
        "footer.postal_address",
        "550 5.7.0 part 1 does not have your registered postal address in its footer",
    )
    assert decision.why.endswith("part 1, line 30 comes near it: 2 High Street, Leeds")
    assert decision.findings == (Finding("1", 30, "2 High Street, Leeds"), Finding("2"))


def test_an_account_without_a_registered_address_cannot_send() -> None:
    nowhere = transaction(replace(ACME, footer=FooterIdentity("Acme Ltd", " ")))

    assert refused(judge(GOOD, nowhere)) == (
        "footer.postal_address",
        "550 5.7.0 acme has no registered postal address",
    )


def test_mail_that_only_its_reader_can_open_leaves_where_staff_allowed_it() -> None:
    sealed = replace(GOOD, parts=(), opaque="the message is S/MIME encrypted")

    assert refused(judge(sealed))[0] == "message.opaque"
    assert judge(sealed, transaction(replace(ACME, sealed_mail=True))).verdict is ACCEPT


def test_a_message_without_text_has_no_place_for_address_or_link() -> None:
    blank = replace(GOOD, parts=())
    observing = {"footer.postal_address": RulePolicy(mode="observe")}
    rules = build(replace(Settings(), policy=observing)).message

    assert PostalAddress("inject").check(blank, transaction()) is not ACCEPT
    assert refused(decide(rules, blank, transaction())) == (
        "unsubscribe.link",
        "550 5.7.0 the message has no text in which an unsubscribe link could stand",
    )


@pytest.mark.parametrize(
    "good",
    [
        part(),
        part(link=None),
        part(link=None, placeholder=LINK, cannot_inject="broken markup"),
        part(cannot_inject="broken markup"),
    ],
)
def test_a_link_that_stands_is_filled_in_or_can_be_written_passes(good: PartFacts) -> None:
    assert judge(replace(GOOD, parts=(good,))).verdict is ACCEPT


def test_a_part_without_a_link_that_cannot_take_one_is_refused() -> None:
    message = replace(GOOD, parts=(part(), part("1.2", link=None, cannot_inject="broken markup")))
    decision = judge(message)

    assert decision.verdict == Reject(
        Refusal(550, "7.0", "part 1.2 has no unsubscribe link and none can be written in: broken markup"),
        why="part 1.2 (text/plain): broken markup",
        findings=(Finding("1.2", excerpt="broken markup"),),
    )


def test_a_from_domain_without_a_key_is_unaligned() -> None:
    unsigned = replace(transaction(), aligned=False)

    assert Unaligned().check(GOOD, transaction()) is ACCEPT
    assert Unaligned().check(replace(GOOD, author=None), unsigned) is ACCEPT
    verdict = Unaligned().check(GOOD, unsigned)
    assert isinstance(verdict, Reject)
    assert str(verdict.refusal).startswith("550 5.7.1 From: acme.test has no DKIM key here")
    assert "relay dkim keygen acme.test" in verdict.why
    assert verdict.findings == (Finding(part="From", excerpt="news@acme.test"),)


def test_another_senders_address_in_the_footer_is_foreign() -> None:
    found = Found("1", 12, "9 Harbour Road, Hull HU1 1AA")

    assert ForeignAddress().check(GOOD, transaction()) is ACCEPT
    verdict = ForeignAddress().check(replace(GOOD, foreign_address=found), transaction())
    assert isinstance(verdict, Reject)
    assert verdict.refusal == Refusal(
        550, "7.1", "part 1 has a postal address in its footer that another sender registered"
    )
    assert verdict.why.endswith(found.excerpt)
    assert verdict.findings == (Finding("1", 12, found.excerpt),)


def test_what_observes_by_default_refuses_nothing() -> None:
    found = Found("1", 12, "9 Harbour Road, Hull HU1 1AA")
    decision = judge(replace(GOOD, foreign_address=found), replace(transaction(), aligned=False))

    assert decision.verdict is ACCEPT
    assert [one.rule for one in decision.observed] == ["identity.unaligned", "footer.foreign_address"]


def test_streams_that_bear_no_footer_are_not_asked_for_one() -> None:
    bare = replace(GOOD, parts=(part(link=None, address=None, cannot_inject="it is too odd"),))
    footed = frozenset({Stream.MARKETING})

    for rule in (PostalAddress("inject", footed), UnsubscribeLink(footed)):
        assert rule.check(bare, transaction(stream=Stream.PERSONAL)) is ACCEPT
        assert isinstance(rule.check(bare, transaction()), Reject)
