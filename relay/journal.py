"""The journal (INTERFACE.md §5): one event, one line, for machines as JSON and for people as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Protocol

import orjson

from relay.identifiers import new_ref
from relay.ports import DeliveredRow, Event

Line = dict[str, str | int | float | None]
"""An event's members in the order they are written; every line has at, level, event, ref and node."""

ORDER = (
    "list",
    "campaign",
    "stream",
    "listener",
    "client",
    "tls",
    "reverse_path",
    "recipient",
    "message_id",
    "size",
    "rule",
    "clause",
    "reply",
    "why",
    "smarthost",
    "phase",
    "error",
    "duration_ms",
)
"""Known members after `account`; others follow them as they come."""

MAX_MEMBER = 2000
"""Characters of one member; the rest is cut (RELIABILITY.md row 46)."""

_KNOWN = frozenset(ORDER)
_COLOURS = {"info": "", "warning": "\x1b[33m", "error": "\x1b[31m", "fatal": "\x1b[1;31m"}
_GOOD, _FAINT, _PLAIN = "\x1b[32m", "\x1b[2m", "\x1b[0m"


class JournalRows(Protocol):
    """The store's side: takes rows at once and writes them with its next batch; never raises."""

    def keep(self, event: Event, line: bytes) -> None:
        """Keep the event where it is of a kind that is kept, and count it in its hour."""

    def delivered(self, row: DeliveredRow, node: str) -> None:
        """Keep the compact row, and count the copy in its hour."""

    def lost(self) -> int:
        """Rows that could not be kept since the last call."""


class LineOutput(Protocol):
    """Where lines go; takes them at once and writes them from a thread of its own; never raises."""

    @property
    def text(self) -> bool:
        """Lines for people."""

    @property
    def colour(self) -> bool: ...

    def put(self, line: bytes) -> None:
        """One line with its newline."""

    def lost(self) -> int:
        """Lines that could not be written since the last call."""

    def reopen(self) -> None:
        """The file may have been rotated."""

    def close(self) -> None:
        """Write what waits."""


class LineJournal:
    """Journal: each event to every output, and to the store where it is kept there."""

    def __init__(self, node: str, outputs: Sequence[LineOutput], rows: JournalRows | None) -> None:
        self._node = node
        self._outputs = outputs
        self._rows = rows
        self._losing = False

    def write(self, event: Event) -> None:
        """Format and hand over; a few microseconds, no I/O."""
        members, line = written(event, self._node)
        if self._rows is not None:
            self._rows.keep(event, line)
        self._put(members, line)
        self._tell_losses(event)

    def delivered(self, row: DeliveredRow, event: Event) -> None:
        """The compact row instead of the whole event; the line as ever."""
        members, line = written(event, self._node)
        if self._rows is not None:
            self._rows.delivered(row, self._node)
        self._put(members, line)
        self._tell_losses(event)

    def reopen(self) -> None:
        """After a reload: files may have been rotated."""
        for output in self._outputs:
            output.reopen()

    def close(self) -> None:
        """Write out what waits; rows are the store's to write."""
        for output in self._outputs:
            output.close()

    def _put(self, members: Line, line: bytes) -> None:
        for output in self._outputs:
            output.put(text_line(members, output.colour).encode() + b"\n" if output.text else line + b"\n")

    def _tell_losses(self, after: Event) -> None:
        """Say how much was dropped as soon as something can be written again."""
        if self._losing:
            return
        lines = sum([output.lost() for output in self._outputs])
        rows = self._rows.lost() if self._rows is not None else 0
        if lines or rows:
            self._losing = True
            fields: Line = {
                "lines": lines,
                "rows": rows,
                "why": "the journal could not be written as fast as it grew",
            }
            self.write(Event("service.journal_overflow", new_ref(), after.at, "error", fields=fields))
            self._losing = False


def written(event: Event, node: str) -> tuple[Line, bytes]:
    """The event's members as they are shown, and the line of JSON they make."""
    line = _members(event, node)
    octets = json_line(line)
    if octets.isascii() and len(octets) < MAX_MEMBER and b"\x7f" not in octets:
        return line, octets
    shown = _fit_to_be_seen(line)
    return shown, json_line(shown)


def line_of(event: Event, node: str) -> Line:
    """The event's members, unknown ones left out, each cut and made fit to be seen."""
    return _fit_to_be_seen(_members(event, node))


def _fit_to_be_seen(line: Line) -> Line:
    return {name: _seen(value) if isinstance(value, str) else value for name, value in line.items()}


def _members(event: Event, node: str) -> Line:
    """What is known, in order."""
    at = event.at if event.at.tzinfo is UTC else event.at.astimezone(UTC)
    line: Line = {
        "at": at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z",
        "level": event.level,
        "event": event.event,
        "ref": event.ref,
        "node": node,
    }
    if event.account:
        line["account"] = event.account
    fields = event.fields
    for name in ORDER:
        if name in fields:
            value = fields[name]
            if value is not None and value != "":
                line[name] = value
    if not _KNOWN.issuperset(fields):
        line |= {
            name: value for name, value in fields.items() if name not in _KNOWN and value is not None and value != ""
        }
    return line


def _seen(text: str) -> str:
    """Cut, and without what a terminal would obey; JSON itself escapes the C0 controls, losing nothing."""
    if len(text) > MAX_MEMBER:
        text = text[: MAX_MEMBER - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c < " " else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def json_line(line: Mapping[str, object]) -> bytes:
    """One line of JSON without its newline."""
    try:
        return orjson.dumps(line, default=_plain)
    except (TypeError, ValueError):
        # Integers beyond 64 bits and half surrogate pairs: rare, and no reason to lose the event.
        return json.dumps(line, default=_plain).encode("ascii")


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, tuple):
        return list(value)
    return str(value)


def text_line(line: Mapping[str, object], colour: bool) -> str:
    """One line for a person: when, what, who, why, REF."""
    words = [str(line.get("at", ""))[11:19], f"{line.get('event', '')!s:<18}"]
    words += [str(line[name]) for name in ("account", "list") if name in line]
    if "recipient" in line or "reverse_path" in line:
        words.append(f"<{str(line.get('recipient') or line.get('reverse_path')).strip('<>')}>")
    words.append(_said(line))
    text = " ".join(_shown(word) for word in words if word)
    ref = _shown(str(line.get("ref", "")))
    if not colour:
        return f"{text} {ref}"
    return f"{_colour(line)}{text}{_PLAIN} {_FAINT}{ref}{_PLAIN}"


def _said(line: Mapping[str, object]) -> str:
    """The reply as sent, else what went wrong, else whatever members there are."""
    for name in ("reply", "error", "why"):
        if line.get(name):
            said = str(line[name])
            smarthost = line.get("smarthost")
            return f"{smarthost}: {said}" if smarthost else said
    shown = {"at", "level", "event", "ref", "node", "account", "list", "recipient", "reverse_path"}
    return " ".join(f"{name}={value}" for name, value in line.items() if name not in shown)


def _shown(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def _colour(line: Mapping[str, object]) -> str:
    good = line.get("event") in ("delivery.done", "message.accepted", "confirm")
    return _GOOD if good else _COLOURS.get(str(line.get("level")), "")
