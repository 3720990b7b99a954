# ruff: noqa: E501
"""Mail of every shape, octets in to octets out: `rewritten` proves that only the named spans changed, that no
attachment did, and that the careful reader sees link and address; each test adds what is its shape's own.
"""

from __future__ import annotations

import base64
import email
import email.policy
import quopri
import re

import pytest
from rewriting_samples import COPY, HEAD, RECIPE, Keys
from unchanged import FOOTER, PUBLIC_URL, assert_only_named_spans_changed, rewritten

from relay.message.decode import decoded_octets
from relay.message.parts import Part
from relay.message.read import read
from relay.message.recode import walk
from relay.message.rewrite import prepare
from relay.message.scan import scan

LINES = "\r\n".join(HEAD) + "\r\n"
URL = COPY.opt_out_url
PDF = "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK"
PICTURE = "Content-Type: image/png; name=a.png\r\nContent-ID: <a@b>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo="
PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\nRipe apples.\r\n"
RICH = "Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>Ripe apples.</p></body></html>\r\n"
AMP = "Content-Type: text/x-amp-html\r\n\r\n<!doctype html><html amp4email><body>Ripe apples.</body></html>\r\n"
INVITED = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@acme.test\r\nDTSTART:20260301T120000Z\r\n"
    "SUMMARY:Harvest {{unsubscribe_url}}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
INVITATION = f"Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n{INVITED}"


def multipart(kind: str, *parts: str, name: str = "b", more: str = "") -> str:
    inner = "".join(f"--{name}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{name}"{more}\r\n\r\n{inner}--{name}--\r\n'


def mail(entity: str) -> bytes:
    return f"{LINES}{entity}".encode()


def kinds(raw: bytes) -> list[str]:
    return [part.content_type for part in walk(scan(raw).root)]


def text_of(raw: bytes, part: Part) -> str:
    """As the standard library shows it."""
    message = email.message_from_bytes(raw[part.start : part.end], policy=email.policy.default)
    return str(message.get_content())


def changes(raw: bytes) -> list[tuple[str, str]]:
    message = scan(raw)
    reading = read(message, FOOTER, public_url=PUBLIC_URL)
    return [(one.part, one.what) for one in prepare(message, reading.displayed, RECIPE, Keys()).changes]


BESIDE = ("1", "put whole into a multipart/mixed, beside a text part for the footer")


@pytest.mark.parametrize(
    "entity",
    [
        f"{PICTURE}\r\n",
        multipart("mixed", PDF, PICTURE),
        INVITATION,
        multipart("related", PICTURE, PDF),
        f"{PDF}\r\n",
    ],
    ids=["one image", "attachments", "an invitation", "related pictures", "one attachment"],
)
def test_what_shows_no_text_gets_one_beside_it(entity):
    out = rewritten(mail(entity))

    root = scan(out).root
    first = out[root.children[0].start : root.children[0].end]
    assert first.rstrip(b"\r\n") == entity.encode().rstrip(b"\r\n")
    assert [part.content_type for part in root.children][1:] == ["text/plain"]
    assert URL in text_of(out, root.children[1])
    assert BESIDE in changes(mail(entity))
    assert kinds(rewritten(out)) == kinds(out), "and only one"


@pytest.mark.parametrize("kind", ["alternative", "mixed"])
def test_an_invitation_stays_as_it_is_and_where_it_is(kind):
    out = rewritten(mail(multipart(kind, PLAIN, RICH, INVITATION)))

    assert kinds(out) == [f"multipart/{kind}", "text/plain", "text/html", "text/calendar"]
    assert INVITATION.encode() in out, "its placeholder too"


def test_an_amp_version_goes_and_its_siblings_stay():
    inner = multipart("alternative", PLAIN, AMP, RICH, name="i")
    raw = mail(multipart("mixed", inner, PDF))

    out = rewritten(raw)

    assert kinds(out) == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf"]
    assert b"amp4email" not in out
    assert ("1.2", "AMP version dropped: it cannot bear the footer") in changes(raw)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_amp_version_goes_wherever_it_stands_closed_or_not(at):
    parts = [PLAIN, RICH]
    parts.insert(at, AMP)

    for entity in (multipart("alternative", *parts), multipart("alternative", *parts).removesuffix("--b--\r\n")):
        assert kinds(rewritten(mail(entity))) == ["multipart/alternative", "text/plain", "text/html"]


def flowed(text: str, delsp: bool) -> list[str]:
    """Paragraphs as RFC 3676 §4.1 shows them."""
    shown, open_line = [""], False
    for line in text.split("\r\n"):
        line = line.removeprefix(" ")
        soft = line.endswith(" ") and line != "-- "
        line = line[:-1] if soft and delsp else line
        shown = [*shown[:-1], shown[-1] + line] if open_line else [*shown, line]
        open_line = soft
    return shown


@pytest.mark.parametrize("delsp", ["yes", "no"])
@pytest.mark.parametrize(
    "last", ["the end.\r\n", "it goes on \r\nto the end \r\n", "> quoted \r\n>  by them\r\n", "end"]
)
def test_format_flowed_shows_every_line_of_the_footer(delsp, last):
    kind = f"Content-Type: text/plain; charset=utf-8; format=flowed; delsp={delsp}\r\n\r\n"
    out = rewritten(mail(f"{kind}Ripe apples, \r\nsweet \r\npears and {last}"))

    shown = flowed(out.partition(b"\r\n\r\n")[2].decode(), delsp == "yes")
    assert next(line for line in shown if URL in line).strip() in (URL, f"Unsubscribe: {URL}")
    assert {"Kopi & Teh", "Jalan Melati 7", "55281 Yogyakarta", "-- "} <= set(shown)


BOUNDARIES = {
    "no boundary, no parts": ("Content-Type: multipart/mixed\r\n\r\nJust text.\r\n", ["text/plain"]),
    "a boundary that never comes": (
        'Content-Type: multipart/mixed; boundary="x"\r\n\r\nJust text.\r\n', ["text/plain"],
    ),
    "nothing but the closing one": (
        'Content-Type: multipart/mixed; boundary="x"\r\n\r\nJust text.\r\n--x--\r\n', ["text/plain"],
    ),
    "no boundary, but parts": (
        f"Content-Type: multipart/alternative\r\n\r\n--b\r\n{PLAIN}\r\n--b\r\n{RICH}\r\n--b--\r\n",
        ["multipart/alternative", "text/plain", "text/html"],
    ),
    "another boundary than the parts have": (
        multipart("alternative", PLAIN, RICH).replace('"b"', '"c"'), ["multipart/alternative", "text/plain", "text/html"],
    ),
    "the same boundary inside": (
        multipart("mixed", multipart("alternative", PLAIN, RICH), PDF),
        ["multipart/mixed", "text/plain", "text/plain", "text/html"],
    ),
    "a boundary that begins another": (
        multipart("mixed", multipart("alternative", PLAIN, RICH, name="bb"), PDF),
        ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf"],
    ),
    "never closed": (multipart("mixed", PLAIN, PDF).removesuffix("--b--\r\n"), ["multipart/mixed", "text/plain", "application/pdf"]),
    "closed twice": (multipart("mixed", PLAIN, PDF) + "--b--\r\n", ["multipart/mixed", "text/plain", "application/pdf"]),
    "preamble and epilogue": (
        multipart("mixed", PLAIN, PDF).replace("\r\n\r\n--b", "\r\n\r\nNot shown.\r\n--bx\r\n--b", 1) + "--b\r\nNor this.\r\n",
        ["multipart/mixed", "text/plain", "application/pdf"],
    ),
    "blanks behind it": (multipart("mixed", PLAIN, PDF).replace("\r\n--b\r\n", "\r\n--b \t\r\n"), ["multipart/mixed", "text/plain", "application/pdf"]),
    "all that a boundary may be": (
        multipart("mixed", PLAIN, PDF, name="'()+_,-./:=? x"), ["multipart/mixed", "text/plain", "application/pdf"],
    ),
    "a part without a header": (multipart("mixed", "\r\nRipe apples.\r\n", PDF), ["multipart/mixed", "text/plain", "application/pdf"]),
    "a part that is a header alone": (multipart("alternative", PLAIN, "Content-Type: text/html"), ["multipart/alternative", "text/plain", "text/html"]),
    "a part that is a header alone, and 8bit": (multipart("alternative", PLAIN, "Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit"), ["multipart/alternative", "text/plain", "text/html"]),
    "a part that is text at once": (multipart("mixed", "Ripe apples.", PDF), ["multipart/mixed", "text/plain", "application/pdf"]),
    "the first part where the body should be": (
        multipart("mixed", PLAIN, PDF).replace("\r\n\r\n--b", "\r\n--b", 1), ["multipart/mixed", "text/plain", "application/pdf"],
    ),
    "text where the body should be": ("Ripe apples, sweet pears\r\nand plums.\r\n\r\nMore.\r\n", ["text/plain"]),
    "seven deep": (
        multipart("mixed", multipart("related", multipart("alternative", multipart("mixed", PLAIN, PDF, name="4"), RICH, name="3"), PICTURE, name="2"), name="1"),
        ["multipart/mixed", "multipart/related", "multipart/alternative", "multipart/mixed", "text/plain", "application/pdf", "text/html", "image/png"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDARIES)
def test_odd_boundaries_leave_nothing_that_could_be_read_in_two_ways(name):
    entity, parts = BOUNDARIES[name]

    out = rewritten(mail(entity))

    assert kinds(out)[: len(parts)] == parts
    standard = [
        part.get_content_type() for part in email.message_from_bytes(out, policy=email.policy.compat32).walk()
    ]
    assert standard == kinds(out), "another parser sees the same parts"


def test_what_was_mended_is_said():
    typed = ("", "Content-Type that is none named text/plain")
    assert typed in changes(mail("Content-Type: text; charset=utf-8\r\n\r\nRipe apples.\r\n"))
    assert ("", "multipart/mixed without parts named text/plain") in changes(
        mail(BOUNDARIES["no boundary, no parts"][0])
    )
    assert ("", "boundary named as the body has it") in changes(mail(BOUNDARIES["no boundary, but parts"][0]))
    assert ("", "empty line put between header and body") in changes(mail("Ripe apples.\r\n"))
    named = "Content-Type: text/plain\r\nContent-Transfer-Encoding: 9bit\r\n\r\nRipe apples.\r\n"
    assert ("", "unknown transfer encoding 9bit named 8bit") in changes(mail(named))


SPEECH = {
    "utf-16": "Rohkeat omenat – äö", "utf-16le": "Äpfel und Birnen", "utf-16be": "Äpfel und Birnen",
    "utf-32": "Äpfel", "iso-2022-jp": "りんごと梨のお知らせ", "iso-2022-kr": "사과와 배", "gb18030": "苹果和梨𠀀",
    "gb2312": "苹果和梨", "hz-gb-2312": "苹果和梨", "big5": "蘋果和梨", "shift_jis": "りんごと梨の表示", "euc-jp": "りんごと梨",
    "euc-kr": "사과와 배", "koi8-r": "Яблоки и груши", "koi8-u": "Яблука і груші", "windows-1251": "Яблоки и груши",
    "iso-8859-5": "Яблоки", "windows-1256": "تفاح وكمثرى", "iso-8859-8": "תפוחים", "windows-1255": "תפוחים",
    "iso-8859-1": "Äpfel und Birnen", "iso-8859-2": "Jabłka i gruszki", "iso-8859-9": "Elma ve ağaç",
    "iso-8859-15": "Äpfel für 3 €", "windows-1252": "Äpfel – 3 €", "macintosh": "Äpfel", "tis-620": "แอปเปิล",
    "utf-7": "Äpfel und Birnen", "utf-8": "Äpfel 🍎", "cp037": "Apples",
}  # fmt: skip


@pytest.mark.parametrize("label", SPEECH)
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_every_charset_is_read_and_written(label, encoding, kind):
    codec = {"hz-gb-2312": "hz", "macintosh": "mac_roman"}.get(label, label)
    said = (
        f"{SPEECH[label]}\r\nRipe apples.\r\n"
        if kind == "plain"
        else f"<html><body><p>{SPEECH[label]}</p></body></html>\r\n"
    )
    octets = said.encode(codec)
    if encoding == "8bit" and (b"\0" in octets or re.search(rb"\r(?!\n)|(?<!\r)\n", octets) or b"\r\n" not in octets):
        return
    bodies = {
        "8bit": octets,
        "base64": base64.encodebytes(octets).replace(b"\n", b"\r\n"),
        "quoted-printable": quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
        if b"\r\n" in octets
        else b"".join(
            b"".join(b"=%02X" % one for one in octets[at : at + 20]) + b"=\r\n" for at in range(0, len(octets), 20)
        ),
    }
    head = f"Content-Type: text/{kind}; charset={label}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"

    out = rewritten(mail(head) + bodies[encoding])

    shown = (
        text_of(out, scan(out).root) if label not in ("hz-gb-2312",) else decoded_octets(out, scan(out).root).decode()
    )
    assert SPEECH[label] in shown.removeprefix("\ufeff")
    assert URL in shown


def test_a_type_that_is_none_becomes_text_with_its_charset():
    out = rewritten(mail("Content-Type: text; charset=iso-8859-1\r\n\r\n") + "Äpfel\r\n".encode("latin-1"))

    assert b'Content-Type: text/plain; charset="iso-8859-1"\r\n' in out
    assert "Äpfel" in text_of(out, scan(out).root)


def test_damaged_base64_is_written_anew_as_other_readers_read_it():
    head = "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    for damage in ("UmlwZSBhcHBsZXMuDQ\r\n", "UmlwZSBhcHBsZXMuDQo=\r\nnot base64\r\n", "UmlwZSBhcHBsZXMuDQpSi\r\n"):
        for eight_bit in (True, False):
            assert "Ripe apples." in text_of(*with_root(rewritten(mail(f"{head}{damage}"), eight_bit)))


def with_root(raw: bytes) -> tuple[bytes, Part]:
    return raw, scan(raw).root


@pytest.mark.parametrize(
    ("label", "octets"),
    [
        ("x-nobody-knows", "Äpfel".encode()),
        ("us-ascii", "Äpfel".encode("latin-1")),
        ("us-ascii", "Äpfel".encode()),
        ("utf-8", "Äpfel und Birnen".encode("latin-1")),
        ("iso-2022-jp", "Äpfel".encode()),
        ("utf-16", b"Ripe apples are here"),
        ('"utf-8', "Äpfel".encode()),
        ("utf-8; charset=latin-1", "Äpfel".encode()),
        ("", "Äpfel".encode("latin-1")),
    ],
)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_wrong_and_unknown_labels_cost_no_letter(label, octets, kind):
    body = b"<html><body><p>" + octets + b"</p></body></html>\r\n" if kind == "html" else octets + b"\r\n"

    for encoding in ("8bit", "quoted-printable", "base64"):
        encoded = {"8bit": body, "quoted-printable": quopri.encodestring(body, quotetabs=False).replace(b"=0D\n", b"\r\n"),
                   "base64": base64.encodebytes(body).replace(b"\n", b"\r\n")}[encoding]  # fmt: skip
        head = f"Content-Type: text/{kind}; charset={label}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        out = rewritten(mail(head) + encoded.replace(b"\r\r", b"\r"))
        assert URL.encode() in (decoded_octets(out, scan(out).root) or b"").replace(b"\0", b"")


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends_inside_an_encoding_stay_what_they_are(kind, ends):
    text = {
        "plain": ["Ripe apples.", "", "Sweet pears.", ""],
        "html": ["<html><body>", "<p>Ripe.", "</body></html>", ""],
    }
    octets = ends.join(text[kind]).encode()
    quoted = octets.replace(b"\r", b"=0D").replace(b"\n", b"=0A=\r\n") + b"=\r\n"
    for encoding, body in (
        ("base64", base64.encodebytes(octets).replace(b"\n", b"\r\n")),
        ("quoted-printable", quoted),
    ):
        head = f"Content-Type: text/{kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        out = rewritten(mail(head) + body)

        assert (decoded_octets(out, scan(out).root) or b"").startswith(octets[:12])


CSS = "".join(
    f".a{n} td{{color:#{n:06x};margin:0 auto;padding:0 {n}px;font-family:Arial,sans-serif}}" for n in range(1500)
)
PAGES = {
    "no body tag": "<p>Ripe apples.</p>",
    "text alone": "Ripe apples.",
    "a body never closed": "<html><body><p>Ripe apples.",
    "several bodies": "<html><body><p>Ripe.</p></body><body><p>Sweet.</p></body></html>",
    "two documents": "<html><body><p>Ripe.</p></body></html><html><body><p>Sweet.</p></body></html>",
    "text behind the end": "<html><body><p>Ripe.</p></body></html>\r\nSweet pears.\r\n",
    "XHTML": '<?xml version="1.0" encoding="utf-8"?>\r\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\r\n<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en">'
    "<head><title>x</title></head><body><p>Ripe apples.<br /></p><hr /></body></html>",
    "capitals": "<HTML><BODY BGCOLOR=#FFFFFF><P>Ripe apples.</BODY></HTML>",
    "giant CSS": f"<html><head><style>{CSS}</style></head><body><p>Ripe.</p></body></html>",
    "tables never closed": "<html><body><table><tr><td><table><tr><td>Ripe apples.",
    "comments at the end": "<html><body><p>Ripe apples.</p><!-- </body> --></body><!-- x --></html><!-- y -->",
    "Outlook's conditions": "<html><body><!--[if mso]><table><tr><td><![endif]--><p>Ripe.</p><!--[if mso]></td></tr></table>"
    "<![endif]--></body></html>",
    "end tags in a script": "<html><body><p>Ripe.</p><script>var a = '</body>';</script></body></html>",
    "broken markup": "<html><body><b><p>Ripe</b> apples</p></i></td></tr><a href=x>pears</b></a></body></html>",
    "dark": '<html><body style="background:#000;color:#fff"><p>Ripe apples.</p></body></html>',
    "from right to left": '<html dir="rtl" lang="ar"><body><p>تفاح ناضج</p></body></html>',
    "nothing": "",
    "frames of the nineties": "<html><body><center><font size=2 face=Arial>Ripe apples.</font></center></body></html>",
    "in the centre of a table": '<html><body><table width="600" align="center"><tr><td><p>Ripe.</p></td></tr></table></body></html>',
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_every_kind_show_the_footer(name):
    head = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    out = rewritten(mail(head) + base64.encodebytes(PAGES[name].encode()).replace(b"\n", b"\r\n"))

    assert (decoded_octets(out, scan(out).root) or b"").count(URL.encode()) == 1


def test_a_message_within_a_message_is_not_looked_into():
    inner = "From: x@y.test\r\nSubject: old\r\nX-Relay-List: x\r\n\r\nhttps://y.test/unsubscribe {{unsubscribe_url}}"
    raw = mail(multipart("mixed", PLAIN, f"Content-Type: message/rfc822\r\n\r\n{inner}"))

    assert inner.encode() in rewritten(raw)


@pytest.mark.parametrize(
    "field",
    [b"Subject: Panen\r\n\traya \r\n  lagi", b"X-Long: " + b"x" * 900, b"X-Odd :y", b"Subject:", b"x: \r\n \r\n y"],
)
def test_header_fields_come_out_folded_as_they_came(field):
    raw = b"From: Kopi <kabar@kopi.example>\r\n" + field + b"\r\nTo: ani@example.org\r\n\r\nRipe apples.\r\n"

    assert b"\r\n" + field + b"\r\n" in rewritten(raw)


def test_the_proof_would_tell_one_octet_that_changed():
    raw = mail(multipart("mixed", PLAIN, RICH, PDF))
    message = scan(raw)
    displayed = read(message, FOOTER, public_url=PUBLIC_URL).displayed
    out = rewritten(raw)

    assert_only_named_spans_changed(message, displayed, out)
    for old, new in (
        (b"Ripe", b"ripe"),
        (b"<p>Ripe", b"<p>ripe"),
        (b"JVBE", b"JVBF"),
        (b"Subject: Panen", b"Subject: panen"),
        (b"--b\r\n", b"--b \r\n"),
    ):
        with pytest.raises(AssertionError):
            assert_only_named_spans_changed(message, displayed, out.replace(old, new, 1))
