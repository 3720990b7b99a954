"""The one mailbox of From or Sender, out of whatever people write around it (RFC 5322 §3.4)."""

from __future__ import annotations

import re
from functools import lru_cache

from policies.address import Address, AddressFault

_BARE = re.compile(r"[^\s<>()\",:;@\[\]\\]+@[^\s<>()\",:;@\[\]\\]+")
_ANGLE = re.compile(r"<\s*([^<>\s]+)\s*>")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except AddressFault:
        return None


def one_mailbox(value: str) -> Address | None:
    """The mailbox of an unfolded field value; None where there is none, more than one, or an unusable one."""
    plain = _without_comments(value).strip()
    if _BARE.fullmatch(plain):
        return _parsed(plain)
    outside = _QUOTED.sub(_only_local_parts, plain)
    angles = _ANGLE.findall(outside)
    rest = _ANGLE.sub("", outside, count=1)
    if len(angles) == 1 and not _more_than_a_name(rest):
        return _parsed(angles[0])
    return None


def _only_local_parts(found: re.Match[str]) -> str:
    """A quoted display name says nothing here; a quoted local part stays with its domain."""
    return found[0] if found.string[found.end() : found.end() + 1] == "@" else ""


def _more_than_a_name(rest: str) -> bool:
    """Whether a list, a group or another address stands beside the angle address."""
    return any(c in rest for c in ",;<>") or ":" in rest


def _without_comments(value: str) -> str:
    """RFC 5322 §3.2.2: comments nest and mean nothing; quoted strings keep their parentheses."""
    if "(" not in value:
        return value
    kept: list[str] = []
    depth, quoted, at = 0, False, 0
    while at < len(value):
        c = value[at]
        if c == "\\" and (quoted or depth):
            kept.append(value[at : at + 2] if not depth else "")
            at += 2
            continue
        if c == '"' and not depth:
            quoted = not quoted
        if not quoted and c == "(":
            depth += 1
        elif not quoted and c == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(c)
        at += 1
    return "".join(kept)
