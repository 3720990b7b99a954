"""Header fields this relay writes: octets, folded, with nothing in a value that could start another field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NAME = re.compile(r"[!-9;-~]+\Z")
_CLEAN = re.compile(r"[ -~]*\Z")
_SHORT = re.compile(r"[!-~](?:[ -~]*[!-~])?\Z")
_WSP = re.compile(rb"[ \t]+")
WIDTH = 78
"""Octets of a line we fold at (RFC 5322 §2.1.1); a longer word keeps its line, up to 998."""
_LINE = 998


class HeaderFault(Exception):
    """A value that must never stand in a header: our own fault, answered 451 (RELIABILITY.md row 22)."""


def header_field(name: str, value: str) -> bytes:
    """One field with its CRLF, folded at spaces; HeaderFault for CR, LF, NUL, non-ASCII or an endless word."""
    if len(name) + len(value) + 2 <= WIDTH and _NAME.match(name) and _SHORT.match(value):
        return f"{name}: {value}\r\n".encode("ascii")
    return folded(name, value.split(" "), " ")


def folded(name: str, words: Sequence[str], joint: str) -> bytes:
    """One field whose words stand apart by `joint`, folded after a joint only; whitespace is the joint's own."""
    if _NAME.match(name) is None:
        raise HeaderFault("a field name that is none")
    _assert_clean(name, words)
    lines: list[str] = []
    line = f"{name}:"
    for at, word in enumerate(words):
        text = word + (joint.rstrip(" ") if at + 1 < len(words) else "")
        gap = " " if at == 0 or joint.endswith(" ") else ""
        if len(line) + len(gap) + len(text) > WIDTH and line.strip() and at > 0:
            lines.append(line)
            line, gap = "", " "
        line += gap + text
    lines.append(line)
    return _joined(name, lines)


def _assert_clean(name: str, words: Iterable[str]) -> None:
    for word in words:
        if _CLEAN.match(word) is None:
            raise HeaderFault(f"a value of {name} holds a control or non-ASCII character")


def _joined(name: str, lines: Sequence[str]) -> bytes:
    # RFC 5322 §3.2.2: a folded line of nothing but white space is obsolete syntax.
    kept = [line.rstrip(" ") for line in lines if line.strip()]
    if any(len(line) > _LINE for line in kept):
        raise HeaderFault(f"a line of {name} is over {_LINE} octets")
    return "\r\n".join(kept).encode("ascii") + b"\r\n"


def relaxed(field: bytes) -> bytes:
    """A field as RFC 6376 §3.4.2 hashes it, with its CRLF."""
    name, _, value = field.partition(b":")
    value = _WSP.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.strip(b" \t").lower() + b":" + value + b"\r\n"
