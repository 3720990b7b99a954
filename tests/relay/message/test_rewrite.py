"""Bytes in, bytes out: only what is named changes, in any encoding and charset."""

from __future__ import annotations

import base64
import email
import email.policy
import quopri
from dataclasses import replace

import pytest
from rewriting_samples import COPY, HEAD, OTHER, RECIPE, Keys, body_lines, message, shown, verified

from relay.message.charset import codec_named
from relay.message.header_fields import HeaderFault
from relay.message.parts import DisplayedPart, Message
from relay.message.recode import RewriteFault
from relay.message.rewrite import Change, Prepared, prepare
from relay.message.scan import scan

OLD = b"https://kopi.example/out?id=1"
HTML = b'<html><body><p>Halo\r\n</p><a href="' + OLD + b'">Berhenti</a>\r\n</body></html>\r\n'


def prepared(one: Message, *displayed: DisplayedPart) -> Prepared:
    return prepare(one, displayed, RECIPE, Keys())


def content(raw: bytes, number: int = 0) -> bytes:
    """What Python's parser decodes a leaf part to."""
    leaves = [part for part in email.message_from_bytes(raw).walk() if not part.is_multipart()]
    payload = leaves[number].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def assert_sound(raw: bytes) -> None:
    assert all(verified(raw))
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_a_link_in_an_eight_bit_part_changes_and_nothing_else_does():
    one = message(*HEAD, "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", "é  ", HTML)
    ready = prepared(one, shown(one, one.raw[one.root.body :], links=(OLD,)))

    raw = ready.render(COPY, eight_bit=True)

    before = one.raw[one.root.body :]
    assert raw.partition(b"\r\n\r\n")[2] == before.replace(OLD, COPY.opt_out_url.encode())
    assert Change("1", "own opt-out link rewritten") in ready.changes
    assert_sound(raw)


def test_an_ampersand_in_the_url_is_escaped_in_html_only():
    one = message(*HEAD, "Content-Type: text/html", "", HTML)
    raw = prepared(one, shown(one, one.raw[one.root.body :], links=(OLD,))).render(OTHER, eight_bit=True)

    assert b'href="https://relay.example/u/ZZZZZZZZ0000?l=id&amp;n=1"' in raw


def test_the_same_copy_renders_to_the_same_octets_and_another_differs():
    one = message(*HEAD, "", "Halo", "", OLD)
    shows = shown(one, one.raw[one.root.body :], links=(OLD,))

    first = prepared(one, shows).render(COPY, eight_bit=True)

    assert first == prepared(one, shows).render(COPY, eight_bit=True)
    assert first != prepared(one, shows).render(OTHER, eight_bit=True)


def quoted_sample() -> tuple[Message, DisplayedPart]:
    decoded = "Ini é baris yang panjang sekali supaya patah di tengah jalan, dan lagi: ".encode() * 3
    decoded += b"\r\n<a class=x href='" + OLD + b"'>keluar dari daftar ini, terima kasih banyak ya</a>\r\n=end\r\n"
    encoded = quopri.encodestring(decoded.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    head = ("Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: quoted-printable")
    one = message(*HEAD, *head, "", encoded)
    return one, shown(one, decoded + b"\r\n", links=(OLD,))


def test_quoted_printable_keeps_every_other_encoded_octet_as_it_came():
    one, shows = quoted_sample()
    assert quopri.decodestring(one.raw[one.root.body :]) == shows.decoded

    raw = prepared(one, shows).render(COPY, eight_bit=True)

    was, now = list(body_lines(one.raw)), list(body_lines(raw))
    assert now[:3] == was[:3]
    assert now[-3:] == was[-3:]
    assert max(map(len, now)) <= 76
    assert content(raw) == shows.decoded.replace(OLD, COPY.opt_out_url.encode())
    assert_sound(raw)


@pytest.mark.parametrize("width", [60, 72, 76])
def test_base64_is_encoded_anew_from_the_changed_line_on_and_keeps_its_line_length(width):
    decoded = b"<p>" + bytes(range(65, 91)) * 12 + b'\n<a href="' + OLD + b'">x</a>' + b"trailer" * 30
    text = base64.b64encode(decoded)
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    one = message(*HEAD, "Content-Type: text/html", "Content-Transfer-Encoding: base64", "", *lines)

    raw = prepared(one, shown(one, decoded, links=(OLD,))).render(COPY, eight_bit=True)

    now = list(body_lines(raw))
    same = decoded.index(OLD) // (width // 4 * 3)
    assert now[:same] == lines[:same]
    assert max(map(len, now)) == width
    assert content(raw) == decoded.replace(OLD, COPY.opt_out_url.encode())
    assert_sound(raw)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_part_encoded_in_odd_lines_is_encoded_anew_with_the_same_content(encoding):
    decoded = b"Halo, ini kabar.\r\n" + OLD + b"\r\nsampai jumpa\r\n"
    lines = ["SGFsbywg", "aW5pIGthYmFyLg0KaHR0cHM6Ly9rb3BpLmV4YW1wbGUvb3V0P2lkPTENCnNhbXBhaSBqdW1wYQ0K"]
    if encoding == "quoted-printable":
        lines = ["Halo, ini kabar.  ", "https://kopi.example/out?id=1", "sampai jumpa"]
    one = message(*HEAD, f"Content-Transfer-Encoding: {encoding}", "", *lines)

    ready = prepared(one, shown(one, decoded, links=(OLD,)))

    raw = ready.render(COPY, eight_bit=True)
    assert content(raw) == decoded.replace(OLD, COPY.opt_out_url.encode())
    assert Change("1", f"encoded anew as {encoding}") in ready.changes
    assert_sound(raw)


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-be", "iso-2022-jp", "shift_jis", "gb18030", "euc-kr"])
def test_a_footer_is_written_in_the_charset_of_its_part(charset):
    words = {"iso-2022-jp": "こんにちは", "shift_jis": "こんにちは", "gb18030": "你好", "euc-kr": "안녕하세요"}
    decoded = f"{words.get(charset, 'Halo')} ~+\r\n".encode(charset)
    recipe = replace(RECIPE, organisation=f"{words.get(charset, 'Kopi')} PT")
    text = base64.encodebytes(decoded).replace(b"\n", b"\r\n")
    head = (f"Content-Type: text/plain; charset={charset}", "Content-Transfer-Encoding: base64")
    one = message(*HEAD, *head, "", text.rstrip())
    shows = shown(one, decoded, charset=codec_named(charset), needs="link address")

    raw = prepare(one, [shows], recipe, Keys()).render(COPY, eight_bit=True)

    assert content(raw).startswith(decoded)
    read = content(raw).decode(charset)
    assert f"\r\n-- \r\n{recipe.organisation}\r\nJalan Melati 7\r\n" in read
    assert read.rstrip().endswith(COPY.opt_out_url)
    assert_sound(raw)


def test_what_a_charset_lacks_becomes_a_reference_in_html():
    decoded = "<p>é</p>".encode("latin-1")
    head = ("Content-Type: text/html; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit")
    one = message(*HEAD, *head, "", decoded)
    recipe = replace(RECIPE, organisation="Кофе é")
    shows = shown(one, decoded + b"\r\n", charset="cp1252", needs="link address")

    raw = prepare(one, [shows], recipe, Keys()).render(COPY, eight_bit=True)

    assert "&#1050;&#1086;&#1092;&#1077; é".encode("latin-1") in raw
    assert_sound(raw)


def test_what_a_charset_lacks_turns_that_text_part_into_utf_8():
    decoded = "Grüße für dich\r\n".encode("latin-1")
    head = ('Content-Type: text/plain; format=flowed;\r\n\tcharset="iso-8859-1"', "Content-Transfer-Encoding: 8bit")
    one = message(*HEAD, *head, "", decoded.rstrip())
    recipe = replace(RECIPE, organisation="Кофе")
    ready = prepare(one, [shown(one, decoded, charset="cp1252", needs="link address")], recipe, Keys())

    raw = ready.render(COPY, eight_bit=True)

    assert b"Content-Type: text/plain; format=flowed;\r\n\tcharset=utf-8\r\n" in raw
    assert content(raw).decode("utf-8").startswith("Grüße für dich\r\n\r\n-- \r\nКофе\r\n")
    assert Change("1", "encoded anew in utf-8 as quoted-printable") in ready.changes
    assert_sound(raw)


def test_a_seven_bit_text_with_a_footer_in_other_letters_is_labelled_eight_bit():
    one = message(*HEAD, "", "Halo =20")
    recipe = replace(RECIPE, organisation="Café")
    ready = prepare(one, [shown(one, b"Halo =20\r\n", needs="link address")], recipe, Keys())

    eight = ready.render(COPY, eight_bit=True)
    seven = ready.render(COPY, eight_bit=False)

    assert b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n" in eight
    assert eight.partition(b"\r\n\r\n")[2].startswith("Halo =20\r\n\r\n-- \r\nCafé\r\n".encode())
    assert seven.isascii()
    assert content(seven) == content(eight)
    assert_sound(eight)
    assert_sound(seven)


def test_a_utf_16_body_in_quoted_printable_still_ends_with_a_line_end():
    decoded = "Halo\r\n".encode("utf-16")
    head = ("Content-Type: text/plain; charset=utf-16", "Content-Transfer-Encoding: quoted-printable")
    one = message(*HEAD, *head, "", "".join(f"={octet:02X}" for octet in decoded) + "=")
    shows = shown(one, decoded, charset="utf-16", needs="link address")

    raw = prepared(one, shows).render(COPY, eight_bit=True)

    assert raw.endswith(b"=\r\n")
    assert content(raw).decode("utf-16").startswith("Halo\r\n\r\n-- \r\n")
    assert_sound(raw)


@pytest.mark.parametrize("charset", ["utf-7", "hz", "cp037"])
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_charset_few_readers_know_becomes_utf_8(charset, kind):
    decoded = "<p>Halo ~ + dunia</p>\n".encode(charset)
    text = base64.encodebytes(decoded).replace(b"\n", b"\r\n")
    head = (f"Content-Type: text/{kind}; charset={charset}", "Content-Transfer-Encoding: base64")
    one = message(*HEAD, *head, "", text.rstrip())
    shows = shown(one, decoded, charset=codec_named(charset), needs="link address")

    raw = prepared(one, shows).render(COPY, eight_bit=True)

    assert content(raw).decode("utf-8").startswith("<p>Halo ~ + dunia</p>\n")
    assert f"Content-Type: text/{kind}; charset=utf-8\r\n".encode() in raw
    assert_sound(raw)


def nested() -> tuple[Message, DisplayedPart]:
    html = "<p>é</p>\r\n".encode() + HTML
    one = message(
        *HEAD,
        'Content-Type: multipart/mixed; boundary="out"',
        "Content-Transfer-Encoding: 8bit",
        "",
        "preamble",
        "--out",
        "Content-Type: multipart/alternative; boundary=in",
        "Content-Transfer-Encoding: 8BIT",
        "",
        "--in",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        html,
        "--in--",
        "--out",
        "Content-Type: application/octet-stream",
        "Content-Transfer-Encoding: 8bit",
        "",
        b"\xff\xfe octets \t ",
        "--out--",
    )
    return one, shown(one, html, number="1.1", links=(OLD,))


def test_a_nested_eight_bit_message_goes_out_in_seven_bits_where_it_must():
    one, shows = nested()
    ready = prepared(one, shows)

    seven, eight = ready.render(COPY, eight_bit=False), ready.render(COPY, eight_bit=True)

    assert eight.partition(b"\r\n\r\n")[2] == one.raw[one.root.body :].replace(OLD, COPY.opt_out_url.encode())
    assert seven.isascii()
    assert b"8bit" not in seven.lower()
    assert [content(seven, at) for at in (0, 1)] == [content(eight, at) for at in (0, 1)]
    assert_sound(seven)
    assert_sound(eight)


def test_a_line_that_would_grow_too_long_makes_its_part_quoted_printable():
    long = b"x" * 600 + b' <a href="' + OLD + b'">keluar</a>' + b"y" * 300
    one = message(*HEAD, "Content-Type: text/html", "", long)

    raw = prepared(one, shown(one, long + b"\r\n", links=(OLD,))).render(COPY, eight_bit=True)

    assert content(raw) == long.replace(OLD, COPY.opt_out_url.encode()) + b"\r\n"
    assert b"Content-Transfer-Encoding: quoted-printable\r\n" in raw
    assert_sound(raw)


def test_two_links_and_an_address_in_one_line_are_each_replaced():
    text = b"a [unsubscribe] b {{postal_address}} c [unsub2] d\r\n"
    one = message(*HEAD, "", text.rstrip())
    ready = prepared(one, shown(one, text, links=(b"[unsubscribe]", b"[unsub2]"), addresses=(b"{{postal_address}}",)))

    raw = ready.render(COPY, eight_bit=True)

    url = COPY.opt_out_url
    assert raw.endswith(f"\r\n\r\na {url} b Jalan Melati 7, 55281 Yogyakarta c {url} d\r\n".encode())
    assert [change.what for change in ready.changes if change.part == "1"] == [
        "placeholder filled with the opt-out link",
        "postal address filled in",
        "own opt-out link rewritten",
    ]


@pytest.mark.parametrize("tail", [b"", b"\r\n\r\n\r\n", b" \t\r\n \r\n", b"x \t "])
def test_signatures_hold_whatever_ends_the_body(tail):
    one = message(*HEAD, "", OLD + tail)
    raw = prepared(one, shown(one, OLD + tail + b"\r\n", links=(OLD,))).render(COPY, eight_bit=True)

    assert_sound(raw)


def test_a_message_without_a_body_is_signed():
    one = message(*HEAD, "")
    raw = prepared(one).render(COPY, eight_bit=True)

    assert_sound(raw)


@pytest.mark.parametrize(
    "copy",
    [
        replace(COPY, opt_out_url="https://x/\r\nBcc: all@example.org"),
        replace(COPY, opt_out_url="https://x/" + "y" * 600),
        replace(COPY, opt_out_mailto="mailto:a@b>\r\nX: y"),
        replace(COPY, feedback_id="f\n"),
        replace(COPY, why="because\r\n"),
    ],
)
def test_values_that_could_start_a_field_are_refused(copy):
    one = message(*HEAD, "", "Halo")
    with pytest.raises(HeaderFault):
        prepared(one).render(copy, eight_bit=True)


def test_received_headers_keep_their_folding_and_the_ones_to_hide_are_gone():
    one = message(
        "Return-Path: <a@kopi.example>",
        "DKIM-Signature: v=1; b=abc;\r\n\td=kopi.example",
        "From:\tKopi\r\n\t <kabar@kopi.example>",
        "Subject: =?utf-8?q?a?=\r\n  b\t c ",
        "To: ani@example.org",
        "X-Relay-List: kabar",
        "Bcc: secret@example.org",
        "List-Unsubscribe: <https://evil.example/>",
        "LIST-ID: <x.y>",
        "Feedback-ID: a:b:c:d",
        "Date: Tue, 14 Nov 2023 22:13:20 +0000",
        "Message-Id: <1@kopi.example>",
        "",
        "Halo",
    )
    ready = prepared(one)

    header = ready.render(COPY, eight_bit=True).partition(b"\r\n\r\n")[0] + b"\r\n"

    assert b"From:\tKopi\r\n\t <kabar@kopi.example>\r\nSubject: =?utf-8?q?a?=\r\n  b\t c \r\nTo: ani@" in header
    for gone in (b"Return-Path", b"b=abc", b"X-Relay", b"Bcc", b"evil", b"<x.y>", b"a:b:c:d", b"secret"):
        assert gone not in header
    assert Change("", "Bcc removed") in ready.changes
    assert Change("", "Date added") not in ready.changes
    assert_sound(ready.render(COPY, eight_bit=True))


def test_our_own_output_changes_in_nothing_but_token_signature_and_received():
    one, shows = nested()
    first = prepared(one, shows).render(COPY, eight_bit=True)
    again = message(*first[:-2].split(b"\r\n"))
    decoded = shows.decoded.replace(OLD, COPY.opt_out_url.encode())

    second = prepared(again, shown(again, decoded, "1.1", links=(COPY.opt_out_url.encode(),))).render(OTHER, True)

    def bare(raw: bytes) -> list[tuple[str, str]]:
        parsed = email.message_from_bytes(raw)
        return [(name, str(text)) for name, text in parsed.items() if name not in ("Received", "DKIM-Signature")]

    text = first.partition(b"\r\n\r\n")[2].replace(
        COPY.opt_out_url.encode(), b"https://relay.example/u/ZZZZZZZZ0000?l=id&amp;n=1"
    )
    assert second.partition(b"\r\n\r\n")[2] == text
    changed = {name for (name, was), (_, now) in zip(bare(first), bare(second), strict=True) if was != now}
    assert changed == {"List-Unsubscribe", "CFBL-Feedback-ID"}


def test_insertions_that_overlap_are_a_fault():
    one = message(*HEAD, "", OLD)
    shows = shown(one, OLD + b"\r\n", links=(OLD, OLD[5:]))
    with pytest.raises(RewriteFault):
        prepared(one, shows)


def test_a_link_in_a_last_line_without_a_line_end_is_rewritten_once_and_nothing_is_written_twice():
    page = b'<p>Halo</p><p><a href="https://kopi.example/u">Unsubscribe</a></p>'
    raw = "\r\n".join((*HEAD, "Content-Type: text/html", "", "")).encode() + page
    scanned = scan(raw)
    edits = shown(scanned, page, links=(b"https://kopi.example/u",), needs="address")

    out = prepare(scanned, [edits], RECIPE, Keys()).render(COPY, eight_bit=True)

    assert out.count(b"<p>Halo</p>") == 1
    assert out.count(b">Unsubscribe</a>") == 1
