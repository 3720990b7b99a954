"""What one copy differs in from the message as it came: the header line by line, each part as a reader decodes it."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from relay.message.decode import decoded_octets
from relay.message.parts import Message, Part
from relay.message.recode import walk
from relay.message.scan import scan

CONTEXT = 2
"""Lines shown around a change."""
WIDE = 160
"""Characters of a line that is shown whole; longer ones are cut around what changed."""
MAX_LINES = 20_000
"""Lines of one section up to which it is compared line by line."""
_BETWEEN_TAGS = re.compile(r"(?<=>)(?=<)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference; `mark` is '+', '-', ' ' or '@' (lines left out)."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the message, or its header, with what changed there."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """All sections that changed, and how many parts did not."""

    sections: tuple[Section, ...]
    unchanged: int
    """Leaf parts whose decoded octets have the same SHA-256 before and after."""


def differences(before: bytes, after: bytes) -> Differences:
    """Compares two messages with CRLF lines."""
    old, new = scan(before), scan(after)
    header = _section("header", _header(old), _header(new))
    leaves = {part.number: part for part in _leaves(old)}
    digests = {_digest(old, part) for part in leaves.values()}
    sections, unchanged = [header] if header.lines else [], 0
    for part in _leaves(new):
        if _digest(new, part) in digests:
            unchanged += 1
            continue
        was = _counterpart(leaves, part)
        title = f"part {part.number or '1'} ({part.content_type})"
        section = _section(title, _text(old, was) if was else "", _text(new, part))
        sections += [section] if section.lines else []
    return Differences(tuple(sections), unchanged)


def _leaves(message: Message) -> list[Part]:
    return [part for part in walk(message.root) if not part.children]


def _digest(message: Message, part: Part) -> bytes:
    return hashlib.sha256(_octets(message, part)).digest()


def _octets(message: Message, part: Part) -> bytes:
    decoded = decoded_octets(message.raw, part)
    return message.raw[part.body : part.end] if decoded is None else decoded


def _counterpart(leaves: dict[str, Part], part: Part) -> Part | None:
    """The part it was: of the same number, else the only one of its type (a leg may have been put beside it)."""
    same = leaves.get(part.number)
    if same is not None and same.content_type == part.content_type:
        return same
    alike = [one for one in leaves.values() if one.content_type == part.content_type]
    return alike[0] if len(alike) == 1 else None


def _header(message: Message) -> str:
    return message.raw[message.root.start : message.root.body].decode("utf-8", "replace")


def _text(message: Message, part: Part) -> str:
    try:
        return _octets(message, part).decode(part.parameters.get("charset", "") or "utf-8", "replace")
    except LookupError:
        return _octets(message, part).decode("latin-1")


def _section(title: str, before: str, after: str) -> Section:
    old, new = _lines(before), _lines(after)
    if old == new:
        return Section(title, ())
    if max(len(old), len(new)) > MAX_LINES:
        return Section(title, (Line("@", f"{len(old)} lines became {len(new)}: too many to compare here"),))
    return Section(title, tuple(_compared(old, new)))


def _lines(text: str) -> list[str]:
    """Lines as they stand; a long one of markup is parted between tags, so that a change in it is found."""
    found: list[str] = []
    for line in text.splitlines():
        found += _BETWEEN_TAGS.split(line) if len(line) > WIDE else [line]
    return [line.expandtabs(4).rstrip() for line in found]


def _compared(old: list[str], new: list[str]) -> Iterator[Line]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) > 2000)
    for number, group in enumerate(matcher.get_grouped_opcodes(CONTEXT)):
        if number:
            yield Line("@", "…")
        for kind, start, end, from_, to in group:
            if kind == "equal":
                yield from (Line(" ", _cut(line)) for line in old[start:end])
                continue
            yield from _replaced(old[start:end], new[from_:to])


def _replaced(old: list[str], new: list[str]) -> Iterator[Line]:
    pairs = [_around(one, other) for one, other in zip(old, new, strict=False)] if len(old) == len(new) else []
    removed = [one for one, _ in pairs] if pairs else [_cut(line) for line in old]
    added = [other for _, other in pairs] if pairs else [_cut(line) for line in new]
    yield from (Line("-", line) for line in removed)
    yield from (Line("+", line) for line in added)


def _cut(line: str) -> str:
    return line if len(line) <= WIDE else f"{line[: WIDE - 1]}…"


def _around(one: str, other: str) -> tuple[str, str]:
    """Two versions of a line, cut alike to what differs and some characters around it."""
    if max(len(one), len(other)) <= WIDE:
        return one, other
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    start = max(0, same - WIDE // 4)
    lead = "…" if start else ""
    return _cut(lead + one[start:]), _cut(lead + other[start:])
