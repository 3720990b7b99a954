"""Proof by octets that rewriting changed nothing but what it names; none of the rewriting code is asked."""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from rewriting_samples import COPY, RECIPE, Keys

from policies.facts import FooterIdentity
from relay.message.careful import read_carefully
from relay.message.displayed import displayed_parts
from relay.message.footer import address_line
from relay.message.outgoing_header import removed
from relay.message.parts import ADDED, DisplayedPart, Field, Message, Part
from relay.message.pen import wide_codec
from relay.message.postal_address import RegisteredAddress
from relay.message.read import read
from relay.message.recode import walk
from relay.message.rewrite import prepare
from relay.message.scan import scan
from relay.message.verify import problems

FOOTER = FooterIdentity(RECIPE.organisation, RECIPE.postal_address)
ADDRESS = RegisteredAddress(RECIPE.postal_address)
PUBLIC_URL = "https://relay.example"
BOUNDARY = f"=_{RECIPE.nonce}_footer".encode()
OURS = {
    "received", "dkim-signature", "list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id",
    "cfbl-address", "cfbl-feedback-id", "date", "message-id", "mime-version",
}  # fmt: skip
TYPED = {"content-type", "content-transfer-encoding"}


def assert_only_named_spans_changed(before: Message, displayed: Sequence[DisplayedPart], out: bytes) -> None:
    """Header fields in order, parts that are not displayed octet by octet, displayed ones but for the named spans.

    `before` is the scanned message with its mends, `displayed` what reading found in it, `out` one 8-bit copy.
    """
    after = scan(out)
    assert (after.faults, after.mends) == ((), ())
    amp = displayed_parts(before).amp
    wrapped = any(one.part.number == ADDED for one in displayed)
    assert not wrapped or after.root.boundary == BOUNDARY
    new = list(walk(after.root))[1:-1] if wrapped else list(walk(after.root))
    now = {one.part.start: one for one in read(after, FOOTER, public_url=PUBLIC_URL).displayed}
    shown = {one.part.number: one for one in displayed}
    assert_header_kept(before, after, new[0])
    for was, there in zip([part for part in walk(before.root) if part not in amp], new, strict=True):
        if was.number in shown:
            assert_text_kept(shown[was.number], now[there.start])
        elif was.children:
            assert was in [each for each in walk(before.root) if set(map(id, each.children)) & set(map(id, amp))] or (
                around(before.raw, was) == around(out, there)
            )
        else:
            assert body(before, was) == body(after, there)
        if was is not before.root and was.number not in shown:
            assert before.raw[was.start : was.body] == out[there.start : there.body]


def body(message: Message, part: Part) -> bytes:
    """A part's octets; a message ends with a line end, whatever a file left out."""
    octets = message.raw[part.body : part.end]
    return octets if part is not message.root or octets.endswith(b"\r\n") or not octets else octets + b"\r\n"


def around(raw: bytes, part: Part) -> list[bytes]:
    """Preamble, delimiter lines and epilogue of a multipart."""
    ends = [part.delimiters[-1][1]] if part.closed else []
    lines = [raw[start:end] for start, end in part.delimiters]
    after = [raw[end : part.end].rstrip(b"\r\n") for end in ends]
    return [raw[part.body : part.delimiters[0][0]], *(line.rstrip(b"\r\n") for line in lines), *after]


def assert_header_kept(before: Message, after: Message, leg: Part) -> None:
    """Every field that may stay stands there as it came, in its order; what is new is ours."""
    kept = [octets(before, one) for one in before.root.fields if not removed(one.name)]
    fields = [*after.root.fields] if leg is after.root else [*after.root.fields, *leg.fields]
    new = [(one.name, octets(after, one)) for one in fields]
    for name in TYPED:
        # A part encoded anew, or made a leg, says so in fields of another place.
        kept = [one for one in kept if not one.lower().startswith(name.encode())]
        new = [one for one in new if one[0] != name]
    own = [one for one in kept if one.lower().startswith(b"content-")]
    rest = [one for one in kept if one not in own]
    for wanted in (rest, own):
        found = iter([one for _, one in new])
        assert [one for one in wanted if one not in found] == [], "each is found behind the one before it"
    assert {name for name, one in new if one not in kept} <= OURS


def octets(message: Message, field: Field) -> bytes:
    return message.raw[field.start : field.end].rstrip(b"\r\n")


def assert_text_kept(was: DisplayedPart, now: DisplayedPart) -> None:
    """Forwards to the footer's place and backwards from the end, everything between the named spans is as it was."""
    codec = wide_codec(was) or was.charset
    text = was.decoded.decode(codec)
    after = now.decoded.decode(wide_codec(now) or now.charset)
    spans = [(edit.start, edit.end) for edit in was.edits]
    spans = sorted([*spans, (max(was.footer_at, 0), max(was.footer_at, 0)), (len(was.decoded), len(was.decoded))])
    places = [(len(was.decoded[:a].decode(codec)), len(was.decoded[:b].decode(codec))) for a, b in [(0, 0), *spans]]
    segments = [text[end:start] for (_, end), (start, _) in pairwise(places)]
    gaps = [place[0] != place[1] for place in places[1:-1]]
    at, segments, gaps = _matched(after, segments, gaps)
    if not segments:
        assert at == len(after)
        return
    end, segments, gaps = _matched(after[::-1], [one[::-1] for one in segments[::-1]], gaps[::-1], -1)
    assert segments == []
    assert at + end <= len(after)
    footer = after[at : len(after) - end]
    lines = {" ".join(line.split()) for line in footer.replace("<br>", "\n").splitlines()}
    assert (
        footer.strip() == ""
        or COPY.opt_out_url in footer
        or escape(address_line(RECIPE.postal_address)) in lines
        or (ADDRESS.find(footer) is not None)
    )


def _matched(text: str, segments: list[str], gaps: list[bool], step: int = 1) -> tuple[int, list[str], list[bool]]:
    """How far segments and what replaces edits follow each other; stops at the footer's place."""
    at = 0
    while segments:
        first, *segments = segments
        assert text.startswith(first, at), (first[:80], text[at : at + 80])
        at += len(first)
        if not gaps:
            break
        edited, *gaps = gaps
        if not edited:
            return at, segments, gaps
        at += len(_written(text, at, step))
    return at, segments, gaps


def _written(text: str, at: int, step: int) -> str:
    address = address_line(RECIPE.postal_address)
    for one in (escape(COPY.opt_out_url), COPY.opt_out_url, escape(address), address):
        if text.startswith(one[::step], at):
            return one
    raise AssertionError(f"neither link nor address: {text[at : at + 80]!r}")


def assert_careful_reader_sees_link_and_address(out: bytes) -> None:
    """Every displayed part of the copy, by the reader that takes no shortcuts."""
    found = read(scan(out), FOOTER, public_url=PUBLIC_URL).displayed
    assert found
    for one in found:
        text = one.decoded.decode(wide_codec(one) or one.charset)
        if one.html:
            careful = read_carefully(text.encode("utf-8", "replace"), FOOTER, ADDRESS, f"{PUBLIC_URL}/u/")
            assert COPY.opt_out_url in [link.href for link in careful.bottom]
            address = careful.address
        else:
            assert COPY.opt_out_url in text[-4000:].replace(" \r\n", "")
            address = ADDRESS.find(text[-4000:])
        assert address is not None
        assert address.exact


def digests(octets: bytes) -> Counter[str]:
    """Of every part that is no displayed text, by the standard library's parser."""
    parts = email.message_from_bytes(octets, policy=email.policy.compat32).walk()
    leaves = [part for part in parts if part.get_content_maintype() not in ("multipart", "message")]
    others = [part for part in leaves if part.get_content_maintype() != "text" or _is_attached(part)]
    return Counter(hashlib.sha256(part.get_payload(decode=True) or b"").hexdigest() for part in others)


def _is_attached(part: email.message.Message) -> bool:
    return str(part.get("Content-Disposition", "")).lower().startswith("attachment") or (
        part.get_content_subtype() == "calendar"
    )


def rewritten(raw: bytes, eight_bit: bool = True) -> bytes:
    """One signed copy of a message that must be taken, everything asserted that this module can tell."""
    message = scan(raw)
    reading = read(message, FOOTER, hostname=RECIPE.hostname, public_url=PUBLIC_URL)
    assert (reading.facts.faults, reading.facts.opaque) == ((), "")
    ready = prepare(message, reading.displayed, RECIPE, Keys())
    assert problems(ready, COPY, FOOTER, RECIPE) == []
    out = ready.render(COPY, eight_bit=True)
    assert_only_named_spans_changed(message, reading.displayed, out)
    for copy in (out, ready.render(COPY, eight_bit=False)):
        assert_careful_reader_sees_link_and_address(copy)
        assert digests(message.raw) == digests(copy)
    return out if eight_bit else ready.render(COPY, eight_bit=False)
