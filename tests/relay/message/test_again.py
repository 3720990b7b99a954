# ruff: noqa: E501
"""Our own output submitted again changes in nothing but tokens, signatures and one more Received."""

from __future__ import annotations

import base64
import quopri
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from real_mail import DATA, messages, templates
from rewriting_samples import COPY, HEAD, RECIPE, Keys
from unchanged import FOOTER, PUBLIC_URL

from policies.facts import MessageFacts
from relay.message.decode import decoded_octets
from relay.message.read import read
from relay.message.recipe import CopyRecipe, Recipe
from relay.message.recode import walk
from relay.message.rewrite import prepare
from relay.message.scan import scan
from relay.message.verify import problems

LATER = replace(RECIPE, ref="01KB9999999999999999999999", date=RECIPE.date + 3600, nonce="decade")
NEXT = CopyRecipe(
    recipient="budi@example.org",
    contact_id=8,
    reverse_path="v8@b.relay.example",
    opt_out_url="https://relay.example/u/ZyXwVuTs9876543210_-=y",
    opt_out_mailto="mailto:u-zyxwvuts@b.relay.example",
    feedback_id="f-zyxwvuts",
)
TOKENS = (
    (COPY.opt_out_url, NEXT.opt_out_url),
    (COPY.opt_out_mailto, NEXT.opt_out_mailto),
    (COPY.feedback_id, NEXT.feedback_id),
)
"""Of one length and one alphabet, as tokens are."""
_SIGNATURE = re.compile(rb"(?m)^DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*")
_RECEIVED = re.compile(rb"\AReceived:.*\r\n(?:[ \t].*\r\n)*")


def sent(raw: bytes, recipe: Recipe, copy: CopyRecipe) -> tuple[bytes, MessageFacts] | None:
    """The copy that leaves, and what reading found; None: a rule refuses the message."""
    message = scan(raw)
    reading = read(message, FOOTER, hostname=RECIPE.hostname, public_url=PUBLIC_URL)
    if reading.facts.faults or reading.facts.opaque:
        return None
    ready = prepare(message, reading.displayed, recipe, Keys())
    if problems(ready, copy, FOOTER, recipe):
        return None
    return ready.render(copy, eight_bit=True), reading.facts


def assert_same_again(raw: bytes) -> bool:
    """Whether the message was taken at all; once it was, it is taken again and nothing else changes."""
    first = sent(raw, RECIPE, COPY)
    if first is None:
        return False
    again = sent(first[0], LATER, NEXT)
    assert again is not None
    out, facts = again
    assert all(part.postal_address is not None for part in facts.parts)
    head, _, body = first[0].partition(b"\r\n\r\n")
    new_head, _, new_body = out.partition(b"\r\n\r\n")
    assert told(new_head + b"\r\n", True) == told(head + b"\r\n", False)
    assert parts(out) == parts(first[0])
    assert len(new_body) == len(body)
    return True


def told(head: bytes, again: bool) -> bytes:
    """A header without signatures, with tokens of the first copy; the newest Received of a second one left out."""
    head = _SIGNATURE.sub(b"", _RECEIVED.sub(b"", head) if again else head)
    for old, new in TOKENS:
        head = head.replace(new.encode(), old.encode())
    return head


def parts(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Header and decoded octets of every part but the message's own header, with tokens of the first copy."""
    message = scan(raw)
    found = []
    for part in walk(message.root):
        octets = b"" if part.children else decoded_octets(raw, part) or b""
        for codec in ("ascii", "utf-16-le", "utf-16-be"):
            for old, new in TOKENS:
                octets = octets.replace(new.encode(codec), old.encode(codec))
        found.append((b"" if part is message.root else raw[part.start : part.body], octets))
    return found


SENTENCES = st.lists(
    st.sampled_from([
        "The harvest is in.", "Panen sudah datang untuk anda dan kami.", "Äpfel – 3 €", "りんごと梨", "تفاح ناضج", "-- ",
        "> quoted text", "", "=3D =", "From here on", " indented", "Kopi & Teh, Jalan Melati 7, 55281 Yogyakarta",
        "Unsubscribe: https://acme.test/unsubscribe?u=7&l=1", "Unsubscribe: {{unsubscribe_url}}", "{{postal_address}}",
        "Privacy: https://acme.test/privacy", "A long line of words that goes on and on until it has to be folded, "
        "for no line of quoted-printable may pass 76 octets.", "go to \nthe next line ",
    ]),
    max_size=8,
)  # fmt: skip
PARAGRAPHS = st.lists(
    st.sampled_from([
        "<p>The harvest is in.</p>", "<p>Äpfel &ndash; 3 €</p>", "<table><tr><td>Panen</td></tr></table>", "<br>",
        '<p><a href="https://acme.test/unsubscribe?u=7&amp;l=1">Unsubscribe</a></p>', "<h2>りんご</h2>",
        '<a href="{{unsubscribe_url}}">opt out</a>', "<p>{{postal_address}}</p>", "<!-- a comment -->",
        "<p>Kopi &amp; Teh, Jalan Melati 7, 55281 Yogyakarta</p>", '<p style="display:none">hidden</p>', "</body>",
        "<style>p{color:#333}</style>", '<div dir="rtl" lang="ar">تفاح</div>', "<a href=x>x", "<p>",
    ]),
    max_size=8,
)  # fmt: skip
ENCODINGS = st.sampled_from(["8bit", "quoted-printable", "base64"])
CHARSETS = st.sampled_from(["utf-8", "us-ascii", "iso-8859-1", "utf-16", "iso-2022-jp", "x-none", ""])


def encoded(octets: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(octets).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return octets


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    html = draw(st.booleans())
    charset, encoding = draw(CHARSETS), draw(ENCODINGS)
    if html:
        said = draw(st.sampled_from(["", "<html><body>", '<html lang="id"><body>'])) + "\r\n".join(draw(PARAGRAPHS))
    else:
        said = "\r\n".join(draw(SENTENCES)).replace("\n", "\r\n").replace("\r\r", "\r")
    codec = charset if charset in ("iso-8859-1", "iso-2022-jp", "utf-16") else "utf-8"
    if codec == "utf-16":
        encoding = "base64"
    octets = encoded(f"{said}\r\n".encode(codec, "replace"), encoding)
    more = draw(st.sampled_from(["", "; format=flowed", "; format=flowed; delsp=yes"])) if not html else ""
    label = f"; charset={charset}" if charset else ""
    kind = f"Content-Type: text/{'html' if html else 'plain'}{label}{more}\r\n"
    return f"{kind}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + octets


OTHERS = st.sampled_from([
    b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n",
    b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
    b"Content-Type: text/x-amp-html\r\n\r\n<html amp4email></html>\r\n",
    b"Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nsigned\r\n--s\r\nContent-Type: x/y\r\n\r\nz\r\n--s--\r\n",
    b"\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nx\r\n",
    b"Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment\r\n\r\nhttps://acme.test/unsubscribe\r\n",
    b"Content-Type: message/rfc822\r\n\r\nFrom: x@y.test\r\n\r\nUnsubscribe: https://y.test/unsubscribe\r\n",
    b"Content-Type: multipart/mixed\r\n\r\nno parts\r\n",
    b"just text\r\n",
])  # fmt: skip


@st.composite
def entities(draw: st.DrawFn, depth: int = 0) -> bytes:
    kind = draw(st.sampled_from(["text", "text", "other", "alternative", "mixed", "related"]))
    if kind == "text" or depth > 2:
        return draw(texts())
    if kind == "other":
        return draw(OTHERS)
    boundary = draw(st.sampled_from([f"b{depth}", f"=_{depth}", "b"]))
    inside = draw(st.lists(entities(depth=depth + 1), min_size=1, max_size=3))
    closing = draw(st.sampled_from([f"--{boundary}--\r\n", "", f"--{boundary}--\r\nepilogue\r\n"]))
    written = b"".join([f"--{boundary}\r\n".encode() + one + b"\r\n" for one in inside])
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'
    return f"{head}{draw(st.sampled_from(['', 'preamble']))}\r\n".encode() + written + closing.encode()


HEADER = "\r\n".join([*HEAD, "X-Relay-Campaign: panen", "List-Id: <x.acme.test>", "Bcc: c@acme.test", ""]).encode()


@given(entities())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(b"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\nRipe \r\napples \r\n")
@example(b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded(b"x" * 55 + b"\r\n", "base64"))
@example(b"Content-Transfer-Encoding: base64\r\n")
@example(b"Content-Type: text; charset=iso-8859-1\r\n\r\nRipe \xe4pples.\r\n")
@example(b"Content-Type: text/plain; charset=utf-7\r\n\r\nRipe apples + pears.\r\n")
@example(b"Content-Type: image/png\r\n\r\nx\r\n")
def test_any_message_that_was_taken_is_taken_again_and_stays_as_it_is(entity):
    assert_same_again(HEADER + entity)


def test_what_is_generated_is_mostly_taken():
    taken = []

    @given(entities())
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    def one(entity: bytes) -> None:
        taken.append(sent(HEADER + entity, RECIPE, COPY) is not None)

    one()
    assert sum(taken) > 0.6 * len(taken)


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")
def test_real_messages_and_templates_stay_as_they_are():
    material = [*list(messages())[::6], *templates()]

    taken = [assert_same_again(one.of_the_account) for one in material if b"\0" not in one.octets]

    assert sum(taken) > 0.85 * len(taken)
