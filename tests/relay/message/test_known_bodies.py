"""A body that was read before gives the facts and octets of a new one, and is known only where it is the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from golden import FOOTER, NAMES, received
from rewriting_samples import COPY, OTHER, RECIPE, Keys

from relay.message.known_bodies import KnownBodies
from relay.message.rewrite import prepare
from relay.message.verify import problems
from relay.ports import Readable
from relay.reading import Reader

HOST, URL = "relay.example", "https://relay.example"
TEXT = b"From: a@acme.test\r\nTo: b@example.test\r\n\r\n" + b"A line of news that says nothing else.\r\n" * 20


def reader() -> Reader:
    return Reader(HOST, URL)


def with_longer_header(raw: bytes) -> bytes:
    return b"X-Campaign-Row: 4711\r\nX-Other: \xc3\xa4".replace(b"\xc3\xa4", b"ae") + b"\r\n" + raw


def rendered(readable: Readable, *, known: bool) -> list[bytes]:
    body = readable.body if known else None
    ready = prepare(readable.message, readable.displayed, RECIPE, Keys(), body)
    assert problems(ready, COPY, FOOTER, RECIPE) == []
    return [ready.render(copy, eight_bit) for copy in (COPY, OTHER) for eight_bit in (True, False)]


@pytest.mark.parametrize("name", NAMES)
async def test_a_message_with_a_known_body_gives_the_facts_and_octets_of_a_new_one(name):
    used, first = reader(), received(name)
    second = with_longer_header(first)
    rendered(await used.read(first, FOOTER), known=True)

    again, fresh = await used.read(second, FOOTER), await reader().read(second, FOOTER)

    assert again.message == fresh.message
    assert again.facts == replace(fresh.facts, parts=again.facts.parts)
    assert list(again.facts.parts) == list(fresh.facts.parts)
    assert again.displayed == fresh.displayed
    assert rendered(again, known=True) == rendered(fresh, known=False)


async def test_a_body_is_known_by_every_octet_of_it():
    used = reader()
    known = (await used.read(TEXT, FOOTER)).body
    assert known is not None

    changed = TEXT.replace(b"A line", b"B line", 1)

    assert (await used.read(with_longer_header(TEXT), FOOTER)).body is known
    assert (await used.read(changed, FOOTER)).body is not known


@pytest.mark.parametrize(
    "field",
    [
        b"Content-Type: text/html",
        b"Content-Type: text/plain; charset=iso-8859-1",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Disposition: attachment",
        b"Content-Language: id",
    ],
)
async def test_a_header_that_reads_the_body_otherwise_has_it_read_anew(field):
    used = reader()
    known = (await used.read(TEXT, FOOTER)).body

    other = await used.read(field + b"\r\n" + TEXT, FOOTER)

    assert other.body is not known
    fresh = await reader().read(field + b"\r\n" + TEXT, FOOTER)
    assert (other.message, other.facts, other.displayed) == (fresh.message, fresh.facts, fresh.displayed)


async def test_another_footer_has_the_body_read_anew():
    used = reader()
    known = (await used.read(TEXT, FOOTER)).body

    assert (await used.read(TEXT, replace(FOOTER, postal_address="2 Other Street"))).body is not known


@pytest.mark.parametrize("before", [b"no field at all\r\n", b"X" * 999 + b": y\r\n", b"From: c@acme.test\r\n"])
async def test_a_fault_in_the_header_is_seen_above_a_known_body(before):
    used = reader()
    await used.read(TEXT, FOOTER)

    again, fresh = await used.read(before + TEXT, FOOTER), await reader().read(before + TEXT, FOOTER)

    assert again.facts.faults == fresh.facts.faults
    assert again.message == fresh.message


async def test_what_a_recipe_writes_decides_which_ready_body_is_used():
    used = reader()
    readable = await used.read(TEXT, FOOTER)
    prepare(readable.message, readable.displayed, RECIPE, Keys(), readable.body)
    other = replace(RECIPE, organisation="Somebody Else")

    ready = prepare(readable.message, readable.displayed, other, Keys(), readable.body)

    assert b"Somebody Else" in ready.render(COPY, True)


async def test_a_body_counts_as_checked_only_for_what_was_written_into_it():
    readable = await reader().read(TEXT, FOOTER)
    ready = prepare(readable.message, readable.displayed, RECIPE, Keys(), readable.body)
    assert problems(ready, COPY, FOOTER, RECIPE) == []

    same, other = (
        prepare(readable.message, readable.displayed, recipe, Keys(), readable.body)
        for recipe in (RECIPE, replace(RECIPE, inject_address=False))
    )

    assert same.ready.checked
    assert not other.ready.checked


async def test_the_longest_unused_bodies_give_way():
    kept = KnownBodies(most=3000)
    used = reader()
    texts = [TEXT.replace(b"news", b"%4d" % number) for number in range(5)]
    found = []
    for text in texts:
        readable = await used.read(text, FOOTER)
        assert readable.body is not None
        found.append(kept.keep(readable.message, FOOTER, readable.body.found))

    assert kept.find(texts[-1], FOOTER) is found[-1]
    assert kept.find(texts[0], FOOTER) is None
