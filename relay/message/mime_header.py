"""Values of MIME header fields: type, parameters (RFC 2231), disposition, encoded words (RFC 2047)."""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from relay.message.charset import decode_lenient

_TYPE = re.compile(r"\s*([\w!#$%&'*+.^`{|}~-]+)\s*/\s*([\w!#$%&'*+.^`{|}~-]+)", re.ASCII)
"""Two tokens (RFC 2045 §5.1): multipart/* is a multipart as well, whatever its sender meant by it."""
_TOKEN = re.compile(r"\s*([A-Za-z0-9_-]+)")
_PARAMETER = re.compile(r';\s*([^\s=;"()]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"(.+?)\*(?:(\d{1,3})(\*)?)?")
_WORD = re.compile(r"=\?([^?\s]{1,64})\?([BbQq])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,64}\?[BbQq]\?)")


def content_type(value: str) -> tuple[str, dict[str, str]]:
    """Lower-case type/subtype and parameters; text/plain where the value is none (RFC 2045 §5.2)."""
    found = _TYPE.match(value)
    if found is None:
        return "text/plain", parameters(value)
    kind = f"{found[1]}/{found[2]}".lower()
    return kind, parameters(value) if ";" in value else {}


def is_type(value: str) -> bool:
    """Whether a Content-Type names a type at all."""
    return _TYPE.match(value) is not None


def token(value: str) -> str:
    """The leading token of a field, lower case: a disposition or a transfer encoding."""
    found = _TOKEN.match(value)
    return found[1].lower() if found else ""


def parameters(value: str) -> dict[str, str]:
    """Parameters by lower-case name; the first of a name counts; continuations are joined (RFC 2231 §3)."""
    plain: dict[str, str] = {}
    for found in _PARAMETER.finditer(value):
        plain.setdefault(found[1].lower(), _unquoted(found[2]))
    if any("*" in name for name in plain):
        _join(plain)
    return plain


def _unquoted(text: str) -> str:
    if text.startswith('"'):
        inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
        return _ESCAPE.sub(r"\1", inner) if "\\" in inner else inner
    return text.partition("(")[0].strip()


def _join(plain: dict[str, str]) -> None:
    """Replaces name*, name*0, name*1* … by name, decoded; a plain parameter of that name loses."""
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name in [name for name in plain if "*" in name]:
        value = plain.pop(name)
        found = _PIECE.fullmatch(name)
        if found is not None:
            number = int(found[2]) if found[2] else 0
            extended = bool(found[3]) or not found[2]
            pieces.setdefault(found[1], {}).setdefault(number, (value, extended))
    for name, numbered in pieces.items():
        plain[name] = _assembled(numbered)


def _assembled(numbered: dict[int, tuple[str, bool]]) -> str:
    charset = "us-ascii"
    octets = b""
    for at, number in enumerate(sorted(numbered)):
        value, extended = numbered[number]
        if at == 0 and extended and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        octets += unquote_to_bytes(value) if extended else value.encode("latin-1", "replace")
    return decode_lenient(octets, charset)


def decoded(value: str) -> str:
    """Encoded words as a reader sees them; what does not decode stays as it stands."""
    if "=?" not in value:
        return value
    return _WORD.sub(_word, _BETWEEN_WORDS.sub(r"\1", value))


def _word(found: re.Match[str]) -> str:
    charset, encoding, text = found[1].partition("*")[0], found[2], found[3]
    octets = text.encode("latin-1", "replace")
    try:
        if encoding in "Bb":
            octets = binascii.a2b_base64(octets + b"==")
        else:
            octets = binascii.a2b_qp(octets.replace(b" ", b"=20"), header=True)
    except binascii.Error:
        return found[0]
    return decode_lenient(octets, charset)
