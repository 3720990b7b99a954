"""Header fields this relay writes: octets, folded, with nothing in a value that could start another field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_NAME = re.compile(r"[!-9;-~]+\Z")
_WSP = re.compile(rb"[ \t]+")
WIDTH = 78
"""Octets of a line we fold at (RFC 5322 §2.1.1); a longer word keeps its line, up to 998."""
_LINE = 998
_OFTEN_SEEN = 200
"""Octets of a field whose canonical form is kept."""


class HeaderFault(Exception):
    """A value that must never stand in a header: our own fault, answered 451 (RELIABILITY.md row 22)."""


def header_field(name: str, value: str) -> bytes:
    """One field with its CRLF, folded at spaces; HeaderFault for CR, LF, NUL, non-ASCII or an endless word."""
    plain = value[:1] not in ("", " ") and value[-1] != " " and "  " not in value
    if not (plain and _NAME.match(name) and _is_clean(value)):
        return _folded(name, value.split(" "))
    text = f"{name}: {value}"
    return (text if len(text) <= WIDTH else _wrapped(text, len(name) + 2)).encode("ascii") + b"\r\n"


def _wrapped(text: str, at: int) -> str:
    """The text on lines of WIDTH, each but the first begun by the one space it was parted at, none before `at`."""
    lines, start = [], 0
    while len(text) - start > WIDTH:
        cut = text.rfind(" ", at, start + WIDTH + 1)
        cut = cut if cut > start else text.find(" ", max(at, start + 1))
        if cut < 0:
            break
        lines.append(text[start:cut])
        start = at = cut
    lines.append(text[start:])
    if any(len(line) > _LINE for line in lines):
        raise HeaderFault(f"a line of {text.partition(':')[0]} is over {_LINE} octets")
    return "\r\n".join(lines)


def _folded(name: str, words: Sequence[str]) -> bytes:
    """Any value: folded before a word, gaps of several spaces kept; HeaderFault for what must not stand there."""
    if _NAME.match(name) is None:
        raise HeaderFault("a field name that is none")
    if not _is_clean("".join(words)):
        raise HeaderFault(f"a value of {name} holds a control or non-ASCII character")
    lines: list[str] = []
    line = f"{name}: {words[0]}"
    for word in words[1:]:
        if len(line) + 1 + len(word) > WIDTH and line.strip():
            lines.append(line)
            line = f" {word}"
        else:
            line += f" {word}"
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
    return _relaxed_before(field) if len(field) <= _OFTEN_SEEN else _relaxed(field)


def _relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    value = value.replace(b"\r\n", b"")
    if b"  " in value or b"\t" in value:
        value = _WSP.sub(b" ", value)
    return b"%b:%b\r\n" % (name.strip(b" \t").lower(), value.strip(b" "))


_relaxed_before = lru_cache(maxsize=2048)(_relaxed)
"""Most fields of a campaign are the same in each of its messages."""
