"""What needs no second reading: HTML in which nothing changed but where its visible opt-out link leads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from golden import FOOTER
from rewriting_samples import COPY, HEAD, RECIPE, Keys, message

from relay.message.parts import Message
from relay.message.read import read
from relay.message.relinked import only_links_changed
from relay.message.rewrite import Prepared, prepare
from relay.message.scan import scan
from relay.message.verify import problems

LINK = '<p><a href="https://kopi.example/unsubscribe?u=7">Unsubscribe</a></p>'
PAGE = (
    "<html><head>{style}</head><body><p>Halo Ani, panen sudah tiba.</p>{link}"
    "<p>Kopi &amp; Teh, Jalan Melati 7, 55281 Yogyakarta</p></body></html>"
)


def ready(style: str = "", link: str = LINK) -> tuple[Message, Prepared]:
    received = message(*HEAD, "Content-Type: text/html", "", PAGE.format(style=style, link=link))
    displayed = read(received, FOOTER).displayed
    return received, prepare(received, displayed, RECIPE, Keys())


def is_known(prepared: Prepared, raw: bytes | None = None) -> bool:
    rewritten = scan(prepared.unsigned(COPY) if raw is None else raw)
    return only_links_changed(rewritten.raw, rewritten.root, prepared.writings["1"], COPY)


def test_a_link_that_was_seen_and_now_leads_to_the_recipients_page_is_known_to_be_seen():
    _, prepared = ready()

    assert is_known(prepared)
    assert problems(prepared, COPY, FOOTER, RECIPE) == []


@pytest.mark.parametrize(
    "style",
    [
        '<style>a[href*="/u/"] { display: none }</style>',
        "<style>p { color: red } a[ HREF ^= 'https://relay'] { font-size: 0 }</style>",
        "<style>p {}</style><style>a[hr\\65 f] { display: none }</style>",
    ],
)
def test_a_style_sheet_that_looks_at_links_is_read_again(style):
    _, prepared = ready(style)

    assert not is_known(prepared)


def test_a_style_sheet_that_looks_at_other_attributes_changes_nothing():
    _, prepared = ready('<style>div[class~="x"] { color: red }</style>')

    assert is_known(prepared)


@pytest.mark.parametrize(
    "link",
    [
        "<p><a href=https://kopi.example/unsubscribe>Unsubscribe</a></p>",
        "<p><a href=\"https://kopi.example/unsubscribe?a='b'\">Unsubscribe</a></p>",
        '<p><a href="https://kopi.example/unsubscribe?-->">Unsubscribe</a></p>',
    ],
)
def test_a_value_on_which_markup_could_hang_is_read_again(link):
    _, prepared = ready(link=link)

    assert not is_known(prepared)


def test_any_other_changed_octet_is_read_again():
    _, prepared = ready()
    raw = prepared.unsigned(COPY)

    assert not is_known(prepared, raw.replace(b"<p>Halo", b"<p hidden>Halo"))
    assert not is_known(prepared, raw.replace(b"Content-Type: text/html", b"Content-Type: text/plain"))


def test_a_link_nobody_saw_is_read_again():
    received, _ = ready()
    displayed = [replace(one, seen_links=()) for one in read(received, FOOTER).displayed]

    assert not is_known(prepare(received, displayed, RECIPE, Keys()))


def test_a_part_that_lacked_a_link_is_read_again():
    _, prepared = ready(link="")

    assert not is_known(prepared)
