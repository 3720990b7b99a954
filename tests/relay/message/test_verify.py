"""Clause 5.5: what was rewritten is read again, and hidden or foreign links do not count."""

from __future__ import annotations

from dataclasses import replace

from golden import FOOTER, prepared
from rewriting_samples import COPY, HEAD, RECIPE, Keys, message, shown

from relay.message.rewrite import prepare
from relay.message.verify import problems

OLD = b"https://kopi.example/unsubscribe"
TEXT = "Halo Ani, panen sudah tiba dan kopi pertama sudah disangrai pagi ini."


def html(link: bytes) -> bytes:
    return (
        b"<html><body><p>"
        + TEXT.encode()
        + b"</p>"
        + link
        + b"<p>Kopi &amp; Teh, Jalan Melati 7, 55281 Yogyakarta</p></body></html>\r\n"
    )


def test_a_rewritten_message_that_shows_both_has_no_problems():
    raw = message(*HEAD, "", TEXT).raw
    assert problems(prepared(raw), COPY, FOOTER, RECIPE) == []


def test_a_hidden_link_does_not_count_whatever_was_read_before():
    body = html(b'<a style="display:none" href="' + OLD + b'">Unsubscribe</a>')
    one = message(*HEAD, "Content-Type: text/html", "", body.removesuffix(b"\r\n"))
    ready = prepare(one, [shown(one, body, links=(OLD,))], RECIPE, Keys())

    assert problems(ready, COPY, FOOTER, RECIPE) == ["part 1: no opt-out link of ours is surely visible at its end"]


def test_what_leaves_the_reader_in_doubt_is_named():
    sheet = b'<head><link rel="stylesheet" href="https://kopi.example/a.css"></head>'
    raw = message(*HEAD, "Content-Type: text/html", "", html(b"").replace(b"<html>", b"<html>" + sheet)).raw

    (found,) = problems(prepared(raw), COPY, FOOTER, RECIPE)

    assert found.endswith("(a style sheet from elsewhere)")


def test_a_foreign_link_does_not_count():
    body = html(b'<p><a href="' + OLD + b'">Unsubscribe</a></p>')
    one = message(*HEAD, "Content-Type: text/html", "", body.removesuffix(b"\r\n"))
    ready = prepare(one, [shown(one, body)], RECIPE, Keys())

    assert problems(ready, COPY, FOOTER, RECIPE) == ["part 1: no opt-out link of ours is surely visible at its end"]


def test_a_missing_address_is_named_unless_it_is_not_ours_to_write():
    one = message(*HEAD, "", TEXT)
    ready = prepare(one, [shown(one, TEXT.encode() + b"\r\n", needs="link")], RECIPE, Keys())

    missing = "part 1: the registered postal address does not stand in its footer"
    assert problems(ready, COPY, FOOTER, RECIPE) == [missing]
    assert problems(ready, COPY, FOOTER, replace(RECIPE, inject_address=False)) == []


def test_a_stream_without_footers_is_not_asked_for_one():
    one = message(*HEAD, "", TEXT)
    bare = replace(RECIPE, footer=False)
    assert problems(prepare(one, [], bare, Keys()), COPY, FOOTER, bare) == []


def test_a_message_that_shows_no_text_is_a_problem():
    one = message(*HEAD, "Content-Type: application/pdf", "", "%PDF")
    assert "no part of the message is shown as text" in problems(
        prepare(one, [], RECIPE, Keys()), COPY, FOOTER, RECIPE
    )
