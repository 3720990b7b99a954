"""Header fields this relay writes: octets, folded, with nothing in a value that could start another field."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAME = re.compile(r"[!-9;-~]+\Z")
_WSP = re.compile(rb"[ \t]+")
WIDTH = 78
"""Octets of a line we fold at (RFC 5322 §2.1.1); a longer word keeps its line, up to 998."""
_LINE = 998


class HeaderFault(Exception):
    """A value that must never stand in a header: our own fault, answered 451 (RELIABILITY.md row 22)."""


def header_field(name: str, value: str) -> bytes:
    """One field with its CRLF, folded at spaces; HeaderFault for CR, LF, NUL, non-ASCII or an endless word."""
    short = len(name) + len(value) + 2 <= WIDTH and value[:1] not in ("", " ") and value[-1] != " "
    if short and _NAME.match(name) and _is_clean(value):
        return f"{name}: {value}\r\n".encode("ascii")
    return folded(name, value.split(" "), " ")


def folded(name: str, words: Sequence[str], joint: str) -> bytes:
    """One field whose words stand apart by `joint`, folded after a joint only; whitespace is the joint's own."""
    if _NAME.match(name) is None:
        raise HeaderFault("a field name that is none")
    if not _is_clean("".join(words)):
        raise HeaderFault(f"a value of {name} holds a control or non-ASCII character")
    lines: list[str] = []
    sign = joint.rstrip(" ")
    gap = " " if joint.endswith(" ") else ""
    pieces = [f"{gap}{word}{sign}" for word in words[1:]]
    if pieces and sign:
        pieces[-1] = pieces[-1].removesuffix(sign)
    line = f"{name}: {words[0]}{sign if pieces else ''}"
    for piece in pieces:
        if len(line) + len(piece) > WIDTH and line.strip():
            lines.append(line)
            line = piece if gap else f" {piece}"
        else:
            line += piece
    lines.append(line)
    return _joined(name, lines)


def _is_clean(text: str) -> bool:
    """Whether the text has nothing but printable ASCII."""
    return text.isascii() and text.isprintable()


def _joined(name: str, lines: Sequence[str]) -> bytes:
    # RFC 5322 §3.2.2: a folded line of nothing but white space is obsolete syntax.
    kept = [line.rstrip(" ") for line in lines if line.strip()]
    if any(len(line) > _LINE for line in kept):
        raise HeaderFault(f"a line of {name} is over {_LINE} octets")
    return "\r\n".join(kept).encode("ascii") + b"\r\n"


def relaxed(field: bytes) -> bytes:
    """A field as RFC 6376 §3.4.2 hashes it, with its CRLF."""
    name, _, value = field.partition(b":")
    value = value.replace(b"\r\n", b"")
    if b"  " in value or b"\t" in value:
        value = _WSP.sub(b" ", value)
    return b"%b:%b\r\n" % (name.strip(b" \t").lower(), value.strip(b" "))
