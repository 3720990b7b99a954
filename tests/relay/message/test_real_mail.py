"""Every message and template of ../shared/data: rewritten right, or refused by a named rule."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from real_mail import DATA, Material, messages, templates
from rewriting_samples import COPY, RECIPE, Keys, verified
from unchanged import (
    FOOTER,
    PUBLIC_URL,
    assert_careful_reader_sees_link_and_address,
    assert_only_named_spans_changed,
    digests,
)

from config.schema import Settings
from policies.address import Address
from policies.chain import decide
from policies.facts import Account, Standing, Stream, TransactionFacts
from policies.registry import build
from policies.verdict import Reject
from relay.message.read import read
from relay.message.rewrite import prepare
from relay.message.scan import scan
from relay.message.verify import problems

RULES = build(Settings()).message
ACME = Account(
    7, "acme", "Acme", Address.parse("owner@acme.test"), Standing.ACTIVE, frozenset({"acme.test"}), (), FOOTER
)
FACTS = TransactionFacts(ACME, "submission", Stream.MARKETING, datetime(2026, 3, 1, tzinfo=UTC))
RECIPE_ONE = replace(RECIPE, signers=RECIPE.signers[:1])
MOST_REFUSED = 0.1
SIGNED_IN = 7
"""Every how many messages the signature is verified, which costs more than all the rest."""
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")


def outcome(raw: bytes, verify: bool) -> str:
    """'rewritten' or the rule that refuses it and why; asserts what must hold for each rewritten one."""
    if b"\0" in raw:
        return "message.malformed: NUL"
    message = scan(raw)
    reading = read(message, FOOTER, hostname=RECIPE.hostname, public_url=PUBLIC_URL)
    decision = decide(RULES, reading.facts, FACTS)
    if isinstance(decision.verdict, Reject):
        text = decision.verdict.refusal.text
        return f"{decision.rule}: {text.partition(' (')[0]}"
    ready = prepare(message, reading.displayed, RECIPE_ONE, Keys())
    if problems(ready, COPY, FOOTER, RECIPE_ONE):
        return "unsubscribe.link: not visible after rewriting"
    out = ready.render(COPY, eight_bit=True)
    assert_sound(raw, out)
    assert_only_named_spans_changed(message, reading.displayed, out)
    assert_careful_reader_sees_link_and_address(out)
    assert_same_attachments(raw, out, mended=bool(message.mends))
    if not out.isascii() or verify:
        seven = ready.render(COPY, eight_bit=False)
        assert_sound(raw, seven)
        assert seven.isascii()
        assert_same_attachments(raw, seven, mended=bool(message.mends))
        assert not verify or verified(seven) == [True]
    return "rewritten"


def assert_sound(raw: bytes, out: bytes) -> None:
    assert b"\r" not in out.replace(b"\r\n", b"")
    assert b"\n" not in out.replace(b"\r\n", b"")
    assert b"\0" not in out
    assert max(len(line) for line in out.split(b"\r\n")) <= 998


def assert_same_attachments(raw: bytes, out: bytes, mended: bool) -> None:
    """In a message whose multipart had no usable boundary its parts could not be seen before."""
    before, after = digests(raw), digests(out)
    assert before <= after if mended else before == after


def tried(one: Material, verify: bool) -> str:
    try:
        return outcome(one.of_the_account, verify)
    except Exception as error:
        raise AssertionError(f"{one.kind} {one.name}") from error


@pytest.mark.timeout(240)
def test_real_mail_is_rewritten_right_or_refused_by_a_named_rule(capsys):
    found = defaultdict(Counter)
    for at, one in enumerate([*messages(), *templates()]):
        found[one.kind][tried(one, verify=at % SIGNED_IN == 0)] += 1

    with capsys.disabled():
        for kind, counts in found.items():
            print(f"\n{kind} ({counts.total()}):")
            for said, count in counts.most_common():
                print(f"  {count:4} {count / counts.total():6.1%}  {said}")
    assert found["templates"].keys() == {"rewritten"}
    refused = found["mime"].total() - found["mime"]["rewritten"]
    assert refused <= MOST_REFUSED * found["mime"].total()
