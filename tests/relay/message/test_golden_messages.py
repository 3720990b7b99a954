"""Whole messages read and rewritten: octets in, octets out, in the usual encodings and charsets."""

from __future__ import annotations

import re

import pytest
from golden import FOOTER, NAMES, UNSIGNED, expected, prepared, reading, received
from rewriting_samples import COPY, OTHER, RECIPE, verified

from relay.message.decode import decoded_octets
from relay.message.recode import walk
from relay.message.scan import scan
from relay.message.verify import problems

LINK = re.compile(rb"https://relay\.example/u/[A-Za-z0-9_=&;?-]+")


@pytest.mark.parametrize("name", NAMES)
def test_a_message_comes_out_as_expected(name):
    assert prepared(received(name)).render(COPY, eight_bit=True) == expected(name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_displayed_part_shows_link_and_address_and_both_signatures_hold(name):
    ready = prepared(received(name), signed=True)

    assert problems(ready, COPY, FOOTER, RECIPE) == []
    for eight_bit in (True, False):
        raw = ready.render(COPY, eight_bit)
        assert verified(raw) == [True, True]
        assert eight_bit or raw.isascii()
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize("name", NAMES)
def test_parts_that_are_not_displayed_keep_their_octets(name):
    raw = received(name)
    out = prepared(raw).render(COPY, eight_bit=False)
    shown = {one.part.number for one in reading(raw).displayed}

    for before, after in zip(walk(scan(raw).root), walk(scan(out).root), strict=True):
        if before.number not in shown and not before.children:
            assert decoded_octets(raw, before) == decoded_octets(out, after)


@pytest.mark.parametrize("name", NAMES)
def test_our_own_output_changes_in_nothing_but_token_and_received(name):
    first = expected(name).read_bytes()

    second = prepared(first).render(OTHER, eight_bit=True)

    assert [(d.needs_link, d.needs_address) for d in reading(first).displayed] == [
        (False, False) for _ in reading(first).displayed
    ]
    assert _texts(second) == _texts(first)
    assert [line for line in second.split(b"\r\n") if line.startswith(b"Subject")] == [b"Subject: Panen raya"]


def _texts(raw: bytes) -> list[bytes | None]:
    parts = [part for part in walk(scan(raw).root) if not part.children]
    texts = [(decoded_octets(raw, part) or b"").replace(b"\0", b"") for part in parts]
    return [LINK.sub(b"LINK", text.replace(b"&amp;", b"&")) for text in texts]


def test_an_unsigned_recipe_makes_no_signature():
    assert b"DKIM-Signature" not in prepared(received("plain-7bit")).render(COPY, eight_bit=True)
    assert UNSIGNED.signers == ()
