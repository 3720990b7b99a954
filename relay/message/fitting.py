"""What parts must become before text can be written into them: charset, transfer encoding, room in their lines."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from relay.message import seven_bit
from relay.message.parts import DisplayedPart, Edit, Message
from relay.message.pen import Pen, wide_codec
from relay.message.placement import placed
from relay.message.recipe import CopyRecipe, Recipe
from relay.message.recode import Recode, ends_header, recoded, walk
from relay.message.transfer import IDENTITY, base64_lines, is_strict_quoted
from relay.message.writing import Writing, writing

URL_ROOM = 256
"""Octets an opt-out URL may take: lines must have room for it before any copy is known."""
WHY_ROOM = 400
"""Characters of a copy's own 'why'."""
_LINE = 998
_SPELL_ASCII = frozenset({"ascii", "utf-8"})
_ROOMY = CopyRecipe("", 0, "", "h" * URL_ROOM, "", "", "w" * WHY_ROOM)


@dataclass(slots=True)
class Fitted:
    """A message that takes what is to be written, and what was done to make it so."""

    message: Message
    writings: tuple[Writing, ...]
    recodes: tuple[Recode, ...] = ()
    """Parts encoded anew, by the numbers they keep."""


def fitted(message: Message, displayed: Sequence[DisplayedPart], recipe: Recipe, eight_bit: bool) -> Fitted:
    """The message with as few parts encoded anew as can be; without `eight_bit` it comes out in 7 bits."""
    if not eight_bit:
        message = seven_bit.outside_bodies(message)
        displayed = _in_parts_of(message, displayed)
    writings = [writing(one, recipe) for one in displayed]
    recodes: dict[str, Recode] = {}
    moved: dict[str, DisplayedPart] = {}
    for one in writings:
        if one.insertions and (change := _fit(message, one, eight_bit)) is not None:
            number = one.displayed.part.number
            recodes[number], moved[number] = change
    if not eight_bit:
        recodes = {one.part.number: one for one in seven_bit.bodies(message)} | recodes
    if not recodes:
        return Fitted(message, tuple(writings))
    result = recoded(message, list(recodes.values()))
    again = _in_parts_of(result, [moved.get(one.part.number, one) for one in displayed])
    return Fitted(result, tuple([writing(one, recipe) for one in again]), tuple(recodes.values()))


def _in_parts_of(message: Message, displayed: Sequence[DisplayedPart]) -> list[DisplayedPart]:
    """The displayed parts over the parts of the same numbers of this message."""
    parts = {part.number: part for part in walk(message.root)}
    return [replace(one, part=parts[one.part.number]) for one in displayed]


def _fit(message: Message, write: Writing, eight_bit: bool) -> tuple[Recode, DisplayedPart] | None:
    """How this part must change, and the part as it then is; None: it takes what is written as it stands."""
    one = write.displayed
    if one.part is message.root and _is_easy(message, write, eight_bit):
        return None
    if not all(write.pen.can_write(insertion.text(_ROOMY)) for insertion in write.insertions):
        return _in_utf8(message, write, eight_bit)
    encoding = _encoding(message, write, eight_bit)
    if not ends_header(message.raw, one.part) and one.part is not message.root:
        return Recode(one.part, encoding or one.part.encoding, one.decoded), one
    if not encoding:
        return None
    return Recode(one.part, encoding, None if encoding == "8bit" else one.decoded), one


def _is_easy(message: Message, write: Writing, eight_bit: bool) -> bool:
    """Whether a body that is not encoded takes every insertion as it stands: seen without writing any for a trial."""
    one = write.displayed
    return (
        one.part.encoding in IDENTITY
        and write.pen.codec in _SPELL_ASCII
        and write.pen.readable
        and all(insertion.easy for insertion in write.insertions)
        and ends_header(message.raw, one.part)
        and (eight_bit or one.decoded.isascii())
    )


def _encoding(message: Message, write: Writing, eight_bit: bool) -> str:
    """The transfer encoding the part must get; empty: it can stay as it is. '8bit': only its label changes."""
    raw, one, part = message.raw, write.displayed, write.displayed.part
    if part.encoding == "base64":
        return "" if base64_lines(raw, part.body, part.end, one.decoded) else "base64"
    if part.encoding == "quoted-printable":
        strict = is_strict_quoted(raw, part.body, part.end, one.decoded)
        return "" if strict and (eight_bit or raw[part.body : part.end].isascii()) else "quoted-printable"
    if part.encoding not in IDENTITY or raw[part.body : part.end] != one.decoded:
        return "quoted-printable"
    found = [each.by.octets(_ROOMY) for each in placed(message, write) if not isinstance(each.by, bytes)]
    if any(len(line) > _LINE for octets in found for line in octets.split(b"\r\n")):
        return "quoted-printable"
    if all(octets.isascii() for octets in found) and (eight_bit or one.decoded.isascii()):
        return ""
    if not eight_bit:
        return "quoted-printable"
    return "" if part.encoding in ("8bit", "binary") else "8bit"


def _in_utf8(message: Message, write: Writing, eight_bit: bool) -> tuple[Recode, DisplayedPart]:
    """The part with charset UTF-8; its octets stay where they are UTF-8 already, as ASCII is."""
    before, one = write.displayed, _converted(write.displayed)
    if one.decoded != before.decoded:
        encoding = "base64" if one.part.encoding == "base64" else "quoted-printable"
        return Recode(one.part, encoding, one.decoded, "utf-8"), one
    encoding = _encoding(message, replace(write, pen=Pen("utf-8", one.html)), eight_bit)
    body = None if encoding in ("", "8bit") else one.decoded
    return Recode(one.part, encoding or one.part.encoding, body, "utf-8"), one


def _converted(one: DisplayedPart) -> DisplayedPart:
    """The part decoded and encoded again stretch by stretch, so that every offset finds its new place."""
    codec = wide_codec(one) or one.charset
    marks = {0, len(one.decoded), max(one.footer_at, 0)} | {at for edit in one.edits for at in (edit.start, edit.end)}
    places = sorted(marks)
    octets, moved = b"", {0: 0}
    for start, end in itertools.pairwise(places):
        octets += one.decoded[start:end].decode(codec, "replace").encode("utf-8")
        moved[end] = len(octets)
    edits = [Edit(moved[edit.start], moved[edit.end], edit.kind) for edit in one.edits]
    footer_at = moved[one.footer_at] if one.footer_at >= 0 else -1
    return replace(one, charset="utf-8", decoded=octets, edits=edits, footer_at=footer_at)
