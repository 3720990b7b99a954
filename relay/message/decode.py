"""A part's octets: its transfer encoding undone, and text offsets turned back into octet offsets."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable

from relay.message.parts import Part

_SPELLINGS = {
    # What programs write for an encoding that changes nothing.
    "7bits": "7bit", "7-bit": "7bit", "8bits": "8bit", "8-bit": "8bit", "none": "8bit", "text": "8bit",
    "utf-8": "8bit", "utf8": "8bit", "us-ascii": "7bit", "iso-8859-1": "8bit", "plain": "8bit", "bit": "8bit",
    "7": "7bit", "8": "8bit", "quotedprintable": "quoted-printable", "quoted_printable": "quoted-printable",
    "quoted": "quoted-printable", "qp": "quoted-printable", "base-64": "base64", "b64": "base64",
}  # fmt: skip


def encoding_named(token: str) -> str:
    """The Content-Transfer-Encoding a token stands for; the token itself where it is unknown (RFC 2045 §6)."""
    return _SPELLINGS.get(token, token)


_NO_LETTER = re.compile(rb"[^A-Za-z0-9+/]+")
_KNOWN = frozenset({"7bit", "8bit", "binary", "quoted-printable", "base64"})


def is_known(encoding: str) -> bool:
    """Whether `decoded_octets` knows this transfer encoding."""
    return encoding in _KNOWN


def decoded_octets(raw: bytes, part: Part) -> bytes | None:
    """The part's body after its transfer encoding; None where it does not decode."""
    body = raw[part.body : part.end]
    match part.encoding:
        case "7bit" | "8bit" | "binary":
            return body
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case "base64":
            return _base64(body)
        case _:
            return None


def _base64(body: bytes) -> bytes:
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        pass
    # What other readers make of damaged code: letters up to the first '=', a lone last one left out.
    letters = _NO_LETTER.sub(b"", body.partition(b"=")[0])
    whole = len(letters) - (len(letters) % 4 == 1)
    return binascii.a2b_base64(letters[:whole] + b"==")


def octet_offsets(decoded: bytes, text: str, codec: str) -> Callable[[int], int]:
    """A function from an offset in `text` to one in `decoded`; -1 where the place cannot be told."""
    if len(decoded) == len(text) and codec != "utf-7":
        return lambda at: at

    def octet(at: int) -> int:
        try:
            place = len(text[:at].encode(codec))
            if decoded[:place].decode(codec) == text[:at] and decoded[place:].decode(codec) == text[at:]:
                return place
        except UnicodeError:
            return -1
        return -1

    return octet
