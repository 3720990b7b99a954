"""Places in transfer-encoded octets: where a decoded offset stands, and the codes text is written in there."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

IDENTITY = frozenset({"7bit", "8bit", "binary", ""})
"""Content-Transfer-Encodings that leave the octets as they are (RFC 2045 §6.2)."""
QUOTED_LINE = 76
"""RFC 2045 §6.7 (5): octets of an encoded line, a soft break's '=' counted."""
_BASE64_LINE = 76
"""RFC 2045 §6.8: characters of a line."""
_PLAIN = re.compile(rb"[ -<>-~]*\Z")


def quoted_decoded_length(raw: bytes, start: int, end: int) -> int:
    """Decoded octets of a stretch of quoted-printable that cuts no token."""
    soft = raw.count(b"=\r\n", start, end)
    return end - start - 3 * soft - 2 * (raw.count(b"=", start, end) - soft)


def is_strict_quoted(raw: bytes, start: int, end: int, decoded: bytes) -> bool:
    """Whether the stretch is what `quoted_offset` can count in: every '=' a token or a plain soft break.

    Anything else that '=' may stand before decodes to more than a token would, blanks that are dropped to less:
    without blanks at line ends an equal length leaves tokens and soft breaks alone.
    """
    if any(raw.find(blank, start, end) >= 0 for blank in (b" \r\n", b"\t\r\n", b"= ", b"=\t")):
        return False
    return quoted_decoded_length(raw, start, end) == len(decoded)


def quoted_offset(raw: bytes, start: int, end: int, wanted: int) -> int:
    """Where the decoded octet `wanted` of a strict stretch begins; steps forward by what is still missing.

    A token is longer than what it stands for, so no step goes too far.
    """
    at, missing = start, wanted
    while missing > 0 and at < end:
        to = _whole_tokens(raw, at, min(at + missing, end))
        if to <= at:
            to = min(at + 3, end)
        missing -= quoted_decoded_length(raw, at, to)
        at = to
    return at


def _whole_tokens(raw: bytes, at: int, to: int) -> int:
    """Draws `to` back before a token it cuts."""
    mark = raw.rfind(b"=", max(at, to - 2), to)
    return mark if mark >= 0 and mark + 3 > to else to


def quoted(octets: bytes, column: int) -> tuple[bytes, int]:
    """Octets in quoted-printable from a column on, CRLF kept as a hard break; and the column after them."""
    lines = octets.split(b"\r\n")
    out: list[bytes] = []
    for at, line in enumerate(lines):
        hard = at + 1 < len(lines)
        encoded, column = _quoted_line(_tokens(line, hard), column)
        out.append(encoded)
        if hard:
            out.append(b"\r\n")
            column = 0
    return b"".join(out), column


def _tokens(line: bytes, hard: bool) -> bytes:
    """One line's octets as tokens; white space before a hard break is encoded (RFC 2045 §6.7 (3))."""
    plain = _PLAIN.match(line) is not None
    line = line.replace(b"=", b"=3D") if plain else b"".join([_TOKENS[octet] for octet in line])
    if hard and line[-1:] in (b" ", b"\t"):
        line = line[:-1] + b"=%02X" % line[-1]
    return line


_TOKENS = [bytes((n,)) if 32 <= n <= 126 and n != 61 else b"=%02X" % n for n in range(256)]


def _quoted_line(tokens: bytes, column: int) -> tuple[bytes, int]:
    """Tokens with soft breaks so that no line passes 76 octets."""
    if column + len(tokens) < QUOTED_LINE:
        return tokens, column + len(tokens)
    lines: list[bytes] = []
    at, size = 0, len(tokens)
    while at < size:
        room = max(QUOTED_LINE - 1 - column, 0)
        if size - at <= room:
            break
        cut = _whole_tokens(tokens, at, at + room)
        lines.append(tokens[at:cut])
        at, column = cut, 0
    lines.append(tokens[at:])
    return b"=\r\n".join(lines), column + size - at


@dataclass(frozen=True, slots=True)
class Base64Lines:
    """The shape of a base64 part: equal lines of `width` characters from `start`, the last one may be short."""

    start: int
    end: int
    """After the last character; line ends and blanks behind it belong to the part, not to the code."""
    width: int

    @property
    def octets(self) -> int:
        """Decoded octets a line."""
        return self.width // 4 * 3

    def line_of(self, decoded: int) -> tuple[int, int]:
        """Where the line holding a decoded offset begins: its raw and its decoded offset."""
        line = decoded // self.octets
        return self.start + line * (self.width + 2), line * self.octets


def base64_lines(raw: bytes, start: int, end: int, decoded: bytes) -> Base64Lines | None:
    """The shape of a base64 stretch; None where its lines are uneven or do not decode to `decoded`."""
    text = raw[start:end]
    stop = len(text.rstrip(b"\r\n \t"))
    first = text.find(b"\r\n", 0, stop)
    width = first if first >= 0 else max((stop + 3) // 4 * 4, _BASE64_LINE)
    if width <= 0 or width % 4 or width > 996:
        return None
    shape = Base64Lines(start, start + stop, width)
    if encoded_base64(decoded, width) != text[:stop]:
        return None
    return shape


def encoded_base64(octets: bytes, width: int) -> bytes:
    """Base64 in lines of `width` characters, none after the last."""
    text = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join([text[at : at + width] for at in range(0, len(text), width)])


def encoded_quoted(octets: bytes) -> bytes:
    """A whole body in quoted-printable; CRLF stands for line ends, any other CR or LF is encoded."""
    return quoted(octets, 0)[0]
