"""Reads a smarthost's replies from the wire; whatever is not a reply ends the link (RFC 5321 §4.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

from policies.verdict import clean

MAX_REPLY_OCTETS = 32 * 1024
"""One reply with all its lines (RELIABILITY.md row 66a)."""
MAX_TEXT = 200
"""Characters of the smarthost's own words that are passed on."""

_MORE = ord("-")
_SEPARATORS = frozenset(b" -\r\n")
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")


class GarbledReply(Exception):
    """The smarthost sent something that is no reply, or one without end."""


class SmarthostReply(NamedTuple):
    """One reply: its code and its lines as they came."""

    code: int
    octets: bytes

    def line(self) -> str:
        """The whole reply as one clean line, `250 2.0.0 Ok: queued as 4fX…`."""
        plain = self.octets.decode("ascii", "replace").rstrip("\r")
        if plain.isprintable() and plain.isascii() and len(plain) <= MAX_TEXT:
            return plain
        enhanced, text = self.words()
        return " ".join(word for word in (str(self.code), enhanced, text) if word)

    def words(self) -> tuple[str, str]:
        """The enhanced status (empty: none, or of another class than the code) and the cleaned, cut text."""
        lines = [line[4:] for line in self.octets.decode("ascii", "replace").splitlines()]
        statuses = [_ENHANCED.match(line) for line in lines]
        first = statuses[0] if statuses else None
        enhanced = first.group(1) if first and first.group(1)[0] == str(self.code)[0] else ""
        text = " ".join(line[m.end() :] if m else line for line, m in zip(lines, statuses, strict=True))
        return enhanced, clean(text, MAX_TEXT)


class ReplyReader:
    """Cuts what arrives into replies; keeps an unfinished one, never more than MAX_REPLY_OCTETS."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[SmarthostReply]:
        """The replies completed by these octets; GarbledReply where they are none."""
        buffer = self._rest + data if self._rest else data
        replies: list[SmarthostReply] = []
        start = position = 0
        while (end := buffer.find(b"\n", position)) >= 0:
            if _is_last(buffer, start, position, end):
                _check_length(end - start)
                replies.append(SmarthostReply(int(buffer[start : start + 3]), buffer[start:end]))
                start = end + 1
            position = end + 1
        _check_length(len(buffer) - start)
        self._rest = buffer[start:]
        return replies


def _is_last(buffer: bytes, start: int, position: int, end: int) -> bool:
    """Whether the line at `position` ends the reply that began at `start`; GarbledReply where it is no reply line."""
    code = buffer[position : position + 3]
    if not code.isdigit() or not 50 <= code[0] <= 53 or end - position < 3 or buffer[position + 3] not in _SEPARATORS:
        raise GarbledReply("it answered with something that is not an SMTP reply")
    if position != start and buffer[start : start + 3] != code:
        raise GarbledReply("the lines of its reply carry different codes")
    return buffer[position + 3] != _MORE


def _check_length(octets: int) -> None:
    if octets > MAX_REPLY_OCTETS:
        raise GarbledReply(f"its reply is longer than {MAX_REPLY_OCTETS} octets")
