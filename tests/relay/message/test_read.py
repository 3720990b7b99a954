"""read(): facts for the rules and places for rewriting, whatever the message is made of."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.facts import Fault, FooterIdentity
from relay.message.read import Reading, needs_process, read
from relay.message.scan import scan

FOOTER = FooterIdentity("Acme Foods", "12 Orchard Lane\nSpringfield, IL 62701")
HEAD = "From: Anne <anne@acme.test>\r\nSubject: Apples\r\n"
HTML = '<html lang="en"><body><p>Ripe apples.</p><p><a href="#">Unsubscribe</a></p></body></html>'


def reading(raw: bytes, **more: str) -> Reading:
    return read(scan(raw), FOOTER, **more)


def message(body: str | bytes, content_type: str = "text/plain; charset=utf-8", more: str = "") -> bytes:
    octets = body if isinstance(body, bytes) else body.encode()
    return f"{HEAD}{more}MIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n".encode() + octets


def multipart(kind: str, *parts: str) -> bytes:
    inner = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return message(f"{inner}--b--\r\n", f'multipart/{kind}; boundary="b"')


PLAIN = "Content-Type: text/plain\r\n\r\nRipe apples."
RICH = f"Content-Type: text/html\r\n\r\n{HTML}"
FILE = 'Content-Type: text/plain; name="a.txt"\r\nContent-Disposition: attachment\r\n\r\nfile'
PICTURE = "Content-Type: image/png\r\n\r\nx"
SEALED = f"Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n{PLAIN}\r\n--s\r\n{PICTURE}\r\n--s--"
CLOSED = f"Content-Type: multipart/encrypted; boundary=e\r\n\r\n--e\r\n{PICTURE}\r\n--e--"


@pytest.mark.parametrize(
    ("raw", "numbers"),
    [
        (message("Hi"), ["1"]),
        (message(HTML, "text/html"), ["1"]),
        (multipart("alternative", PLAIN, RICH), ["1", "2"]),
        (multipart("mixed", PLAIN, FILE), ["1"]),
        (multipart("mixed", PLAIN, 'Content-Type: text/html; name="page.html"\r\n\r\n<p>x'), ["1"]),
        (multipart("mixed", PLAIN, PICTURE, "Content-Type: text/plain\r\n\r\nMore."), ["1", "3"]),
        (multipart("mixed", PLAIN, PICTURE, "Content-Type: text/plain\r\n\r\n \r\n"), ["1"]),
        (multipart("related", RICH, PICTURE, "Content-Type: text/html\r\n\r\n<p>frame"), ["1"]),
        (multipart("mixed", PLAIN, "Content-Type: message/rfc822\r\n\r\nFrom: x@y.test\r\n\r\nold"), ["1"]),
        (multipart("report", PLAIN, "Content-Type: message/delivery-status\r\n\r\nx: y\r\n"), ["1"]),
        (multipart("alternative", PLAIN, "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR"), ["1"]),
        (multipart("alternative", PLAIN, "Content-Type: text/x-amp-html\r\n\r\n<html amp4email>"), ["1"]),
        (multipart("mixed", PLAIN, SEALED), ["1", "footer"]),
        (multipart("mixed", SEALED, PLAIN), ["2"]),
        (multipart("alternative", SEALED, PLAIN), ["2", "footer"]),
        (multipart('signed; protocol="application/pkcs7-signature"', PLAIN, PICTURE), ["footer"]),
        (multipart('signed; protocol="application/pgp-signature"', PLAIN, PICTURE), ["footer"]),
        (message("-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nx"), ["footer"]),
        (multipart("mixed", PICTURE, PICTURE), ["footer"]),
        (message("x", "image/png"), ["footer"]),
        (message("BEGIN:VCALENDAR", "text/calendar"), ["footer"]),
    ],
)
def test_what_is_shown_as_text_is_read(raw, numbers):
    found = reading(raw)

    assert [part.part for part in found.facts.parts] == numbers
    assert [one.part.number for one in found.displayed] == numbers
    assert found.facts.opaque == ""


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (multipart('signed; protocol="application/pkcs7-signature"', f"{PLAIN}\u00e9", PICTURE), "8-bit"),
        (multipart("encrypted", PICTURE, PICTURE), "encrypted (PGP/MIME)"),
        (message("x", "application/pkcs7-mime; smime-type=enveloped-data"), "S/MIME encrypted"),
        (message("x", "application/x-pkcs7-mime"), "S/MIME signed or encrypted"),
        (message("Hi\r\n-----BEGIN PGP MESSAGE-----\r\nx"), "PGP encrypted"),
        (multipart("signed", CLOSED, PICTURE), "encrypted (PGP/MIME)"),
        (multipart("alternative", "Content-Type: text/x-amp-html\r\n\r\n<html amp4email>"), "AMP"),
        (message("x", "text/x-amp-html"), "AMP"),
        (message("x", "message/partial; id=a; number=1"), "piece of another"),
    ],
)
def test_what_cannot_be_read_or_rewritten_is_named(raw, words):
    assert words in reading(raw).facts.opaque


def test_pgp_armour_spoken_of_in_a_line_closes_nothing():
    assert reading(message("They begin with -----BEGIN PGP MESSAGE----- you know.")).facts.opaque == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("anne@acme.test", "anne@acme.test"),
        ("<anne@acme.test>", "anne@acme.test"),
        ("Anne A. <anne@acme.test>", "anne@acme.test"),
        ('"Apple, Anne" <anne@acme.test>', "anne@acme.test"),
        ('"eve@evil.test" <anne@acme.test>', "anne@acme.test"),
        ("=?utf-8?q?=C3=84nne?= <anne@acme.test>", "anne@acme.test"),
        ("anne@acme.test (Anne (Apple))", "anne@acme.test"),
        ('"Anne (home)" <anne@acme.test>', "anne@acme.test"),
        ("Anne\r\n <anne@acme.test>", "anne@acme.test"),
    ],
)
def test_the_author_is_the_one_mailbox_of_from(value, expected):
    found = reading(f"From: {value}\r\n\r\nHi\r\n".encode())

    assert str(found.facts.author) == expected
    assert found.facts.faults == ()


@pytest.mark.parametrize(
    "value",
    ["", "Anne", "<>", "a@acme.test, b@acme.test", "A <a@acme.test>, B <b@acme.test>", "Friends: a@acme.test;",
     "a@acme.test <b@acme.test> <c@acme.test>", "anne@localhost", "<@x.test:a@acme.test>", "a@acme.test b@acme.test"],
)  # fmt: skip
def test_from_without_exactly_one_mailbox_is_a_fault(value):
    found = reading(f"From: {value}\r\n\r\nHi\r\n".encode())

    assert found.facts.author is None
    assert [one.fault for one in found.facts.faults] == [Fault.BAD_FROM]


def test_header_facts_are_read():
    more = (
        "Sender: list@acme.test\r\nMessage-ID: <1@acme.test>\r\nX-Relay-List: weekly\r\nX-Relay-Campaign: w47\r\n"
        "Received: from a (b [192.0.2.1]) by relay.test with ESMTP id 1; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        "Received: from c\r\n\tby other.test; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    )
    facts = reading(message("Hi", more=more), hostname="relay.test").facts

    assert (str(facts.sender), facts.message_id) == ("list@acme.test", "<1@acme.test>")
    assert (facts.relay_list, facts.campaign, facts.subject) == ("weekly", "w47", "Apples")
    assert (facts.received, facts.own_received) == (2, 1)


def test_an_own_link_and_the_address_need_nothing():
    html = HTML.replace("</body>", "<p>Acme Foods, 12 Orchard Ln, Springfield, IL 62701</p></body>")
    found = reading(message(html, "text/html"))
    facts, displayed = found.facts.parts[0], found.displayed[0]

    assert facts.opt_out is not None
    assert facts.opt_out.excerpt == "Unsubscribe #"
    assert facts.postal_address is not None
    assert (displayed.needs_link, displayed.needs_address, displayed.language) == (False, False, "en")
    assert [(displayed.decoded[e.start : e.end], e.kind) for e in displayed.edits] == [(b"#", "href")]
    assert displayed.decoded[displayed.footer_at :].startswith(b"</body>")


def test_a_near_address_is_told_of():
    facts = reading(message("Hi\r\n\r\nAcme Foods, 14 Orchard Lane, Springfield, IL 62701\r\n")).facts.parts[0]

    assert facts.postal_address is None
    assert facts.near_address is not None
    assert facts.near_address.line == 3


def test_placeholders_are_filled_in_links_text_and_attributes_but_not_in_comments():
    html = (
        "<p>{{unsubscribe_url}}</p><!-- {{unsubscribe_url}} --><img alt='%unsubscribe_url%' width=1>"
        '<p><a href="{{unsubscribe_url}}">Leave</a></p><p>{{postal_address}}</p>'
    )
    found = reading(message(html, "text/html"))
    displayed = found.displayed[0]

    assert [(displayed.decoded[e.start : e.end], e.kind) for e in displayed.edits] == [
        (b"{{unsubscribe_url}}", "url"),
        (b"%unsubscribe_url%", "href"),
        (b"{{unsubscribe_url}}", "href"),
        (b"{{postal_address}}", "postal_address"),
    ]
    assert found.facts.parts[0].placeholder is not None
    assert (displayed.needs_link, displayed.needs_address) == (False, False)


def test_words_in_brackets_in_a_link_are_no_placeholder():
    html = '<p>x</p><p>[Unsubscribe] <a href="#">[unsubscribe]</a></p>'
    displayed = reading(message(html, "text/html")).displayed[0]

    assert [displayed.decoded[edit.start : edit.end] for edit in displayed.edits] == [b"#"]


CHARSETS = [
    ("utf-8", "utf-8"), ("iso-8859-1", "cp1252"), ("windows-1252", "cp1252"), ("iso-8859-15", "iso8859-15"),
    ("koi8-r", "koi8-r"), ("shift_jis", "cp932"), ("iso-2022-jp", "iso2022_jp"), ("gb18030", "gb18030"),
    ("gb2312", "gb18030"), ("big5", "big5"), ("euc-kr", "cp949"), ("utf-16", "utf-16"), ("utf-16le", "utf-16-le"),
    ("utf-7", "utf-7"), ("windows-1256", "cp1256"), ("tis-620", "cp874"),
]  # fmt: skip
WORDS = {"koi8-r": "яблоки", "shift_jis": "林檎ソ", "iso-2022-jp": "林檎", "gb18030": "苹果", "gb2312": "苹果",
         "big5": "蘋果功", "euc-kr": "사과", "windows-1256": "تفاح", "tis-620": "แอปเปิล"}  # fmt: skip


@pytest.mark.parametrize(("label", "codec"), CHARSETS)
def test_places_are_octets_in_every_charset(label, codec):
    word = WORDS.get(label, "Äpfel")
    html = f"<html><body><p>{word}</p><p><a href='#{word}'>Unsubscribe</a> {word}</p></body></html>"
    displayed = reading(message(html.encode(codec), f"text/html; charset={label}")).displayed[0]

    assert displayed.decoded.decode(displayed.charset).lstrip("\ufeff") == html
    edit = displayed.edits[0]
    before, after = displayed.decoded[: edit.start], displayed.decoded[edit.end :]
    assert before.decode(displayed.charset).endswith("<a href='")
    assert after.decode(codec if codec != "utf-16" else "utf-16-le").startswith("'>Unsubscribe")


@pytest.mark.parametrize("label", ["", "nonsense", "x-unknown", "us-ascii", "hex", "rot13", "utf-8", '"', "idna"])
def test_a_wrong_charset_label_falls_back_to_what_the_octets_are(label):
    for octets in ("Äpfel".encode(), "Äpfel".encode("cp1252"), b"\x81\xff"):
        displayed = reading(message(octets, f"text/plain; charset={label}")).displayed[0]

        displayed.decoded.decode(displayed.charset)


@pytest.mark.parametrize(
    ("encoding", "body", "decoded"),
    [
        ("quoted-printable", b"=C3=84pfel=\r\n!", "Äpfel!"),
        ("base64", b"w4RwZmVs", "Äpfel"),
        ("base64", b"w4RwZmVs\r\nIQ", "Äpfel!"),
        ("8-bit", "Äpfel".encode(), "Äpfel"),
        ("binary", "Äpfel".encode(), "Äpfel"),
    ],
)
def test_transfer_encodings_are_undone(encoding, body, decoded):
    raw = message(body, more=f"Content-Transfer-Encoding: {encoding}\r\n")

    assert reading(raw).displayed[0].decoded.decode() == decoded


def test_an_unknown_transfer_encoding_is_a_fault():
    raw = message("x", more="Content-Transfer-Encoding: x-uuencode\r\n")

    assert [one.fault for one in reading(raw).facts.faults] == [Fault.BROKEN_ENCODING]


DEEP = {
    "600 deep": "<div>" * 600,
    "deep in comments' shadow": "<div><!--</div>-->" * 3000,
    "closed in attributes only": '<div a="</div>">' * 3000,
    "closed by others' tags": "<div></b>" * 3000,
    "100,000 deep": "<div>" * 100_000,
    "over 1 MiB": "x" * 1_048_577,
    "formatting": "<b><i>" * 2000,
}


@pytest.mark.parametrize("name", DEEP)
def test_html_too_large_or_too_deep_is_a_fault_before_it_is_parsed(name):
    body = "\r\n".join(DEEP[name][at : at + 900] for at in range(0, len(DEEP[name]), 900))
    found = reading(message(body, "text/html"))

    assert [one.fault for one in found.facts.faults] == [Fault.HTML_TOO_LARGE]
    assert found.displayed == []


@pytest.mark.parametrize(
    "html", ["<p>x" * 3000, "<tr><td>x" * 2000, "<ul>" + "<li>x" * 3000, "<br>" * 5000, "<p>x</p>" * 9000]
)
def test_long_pages_that_do_not_nest_are_read(html):
    assert (
        reading(
            message("\r\n".join(html[at : at + 900] for at in range(0, len(html), 900)), "text/html")
        ).facts.faults
        == ()
    )


@pytest.mark.parametrize(
    "html", ["<frameset><frame src=x></frameset>", "<p>x<!-- open", "<p>x<style>", "<p>x<plaintext>", "<textarea>x"]
)
def test_html_with_no_place_at_its_end_says_so(html):
    assert reading(message(html, "text/html")).facts.parts[0].cannot_inject


def test_large_html_is_for_a_process_and_all_can_be_pickled():
    raw = message("<p>apples</p>\r\n" * 20_000, "text/html")

    assert needs_process(scan(raw))
    assert not needs_process(scan(message(HTML, "text/html")))
    assert pickle.loads(pickle.dumps(reading(message(HTML, "text/html")))).facts.parts


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The apples are ripe and this is for you and your friends", "en"),
        ("Apel yang sudah matang dan ini untuk anda dari kami", "id"),
        ("Les pommes sont mures", ""),
    ],
)
def test_the_language_is_voted_for_by_common_words(text, language):
    assert reading(message(text)).displayed[0].language == language


def test_the_language_is_what_the_message_says():
    assert reading(message("The and you your", more="Content-Language: de-DE\r\n")).displayed[0].language == "de"
    right = reading(message("<html lang=ar><p>x", "text/html")).displayed[0]
    assert (right.language, right.rtl) == ("ar", True)


def test_flowed_text_is_known():
    assert reading(message("x", "text/plain; format=flowed")).displayed[0].flowed


@given(st.lists(st.sampled_from([
    "<a href='#'>", "Unsubscribe", "</a>", "<table>", "<tr><td>", "</table>", "<div style='display:none'>", "</div>",
    "<!--", "-->", "<style>", ".x{display:none}", "</style>", "<p class=x>", "{{unsubscribe_url}}", "<b>", "</body>",
    "<script>", "</html>", "<a", " href=", '"', "'", ">", "&amp;", "ä", "<img alt=x>", "<template>", "\r\n", "<",
]), max_size=40))  # fmt: skip
@settings(max_examples=250, deadline=None)
def test_no_markup_makes_it_raise_and_edits_are_in_order(pieces):
    for displayed in reading(message("".join(pieces), "text/html; charset=utf-8")).displayed:
        at = 0
        for edit in displayed.edits:
            assert at <= edit.start <= edit.end <= len(displayed.decoded)
            at = edit.end


@given(st.binary(max_size=400), st.sampled_from(["utf-8", "utf-7", "iso-2022-jp", "utf-16", "hz", "big5", "gb18030"]))
@settings(max_examples=200, deadline=None)
def test_no_octets_in_any_charset_make_it_raise(octets, charset):
    for kind in ("text/plain", "text/html"):
        reading(message(octets, f"{kind}; charset={charset}"))
