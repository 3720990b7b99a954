"""A message with 8-bit octets made fit for a smarthost without 8BITMIME (RFC 6152 §3)."""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Iterator

from relay.message.charset import decode_lenient
from relay.message.decode import decoded_octets
from relay.message.parts import Message, Part
from relay.message.recode import Recode, rescanned, unsigned
from relay.message.splice import Replacement
from relay.message.transfer import IDENTITY

_EIGHT_BIT = re.compile(rb"[\x80-\xff]+(?: *[\x80-\xff]+)*")
_WORD = 15
"""Characters of an encoded word: 75 octets with its frame in nearly all scripts (RFC 2047 §2)."""


def outside_bodies(message: Message) -> Message:
    """8-bit octets in part headers become encoded words; in preambles and epilogues, which nobody is shown, '?'."""
    replacements: list[Replacement] = []
    for part in unsigned(message.root):
        if part is not message.root:
            replacements += _fields(message.raw, part)
        if part.children:
            replacements += _around(message.raw, part)
    return rescanned(message, replacements) if replacements else message


def _fields(raw: bytes, part: Part) -> Iterator[Replacement]:
    for one in part.fields:
        field = raw[one.start : one.end]
        if not field.isascii():
            yield Replacement(one.start, one.end, _EIGHT_BIT.sub(_encoded_words, field))


def _encoded_words(found: re.Match[bytes]) -> bytes:
    """RFC 2047 §2; as mail programs read it in parameters too, though §5 does not ask them to."""
    text = decode_lenient(found[0], "utf-8")
    words = [text[at : at + _WORD].encode("utf-8") for at in range(0, len(text), _WORD)]
    return b" ".join([b"=?utf-8?B?" + base64.b64encode(word) + b"?=" for word in words])


def _around(raw: bytes, part: Part) -> Iterator[Replacement]:
    for start, end in ((part.body, part.delimiters[0][0]), (part.delimiters[-1][1], part.end)):
        octets = raw[start:end]
        if not part.closed and start != part.body:
            continue
        if not octets.isascii():
            yield Replacement(start, end, re.sub(rb"[\x80-\xff]", b"?", octets))


def bodies(message: Message) -> Iterator[Recode]:
    """Every part with 8-bit octets encoded, every multipart that says 8bit relabelled."""
    for part in unsigned(message.root):
        labelled = part.encoding in ("8bit", "binary")
        body = message.raw[part.body : part.end]
        if part.children or body.isascii():
            if labelled:
                yield Recode(part, "7bit")
        elif part.encoding == "base64":
            # RFC 2045 §6.8: characters outside the alphabet are ignored.
            yield Recode(part, "base64", decoded_octets(message.raw, part))
        elif part.encoding == "quoted-printable":
            yield Recode(part, "quoted-printable", quopri.decodestring(body))
        else:
            text = part.content_type.startswith("text/") or part.encoding not in IDENTITY
            yield Recode(part, "quoted-printable" if text else "base64", body)
