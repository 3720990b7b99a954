"""What parts must become before text can be written into them: charset, transfer encoding, room in their lines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from relay.message.parts import DisplayedPart, Edit, Message
from relay.message.pen import Pen, pen_for, wide_codec
from relay.message.placement import placed
from relay.message.recipe import CopyRecipe, Recipe
from relay.message.recode import Recode, recoded, walk
from relay.message.transfer import IDENTITY, base64_lines, is_strict_quoted
from relay.message.writing import Insertion, insertions

URL_ROOM = 256
"""Octets an opt-out URL may take: lines must have room for it before any copy is known."""
WHY_ROOM = 400
"""Characters of a copy's own 'why'."""
_LINE = 998
_ROOMY = CopyRecipe("", 0, "", "h" * URL_ROOM, "", "", "w" * WHY_ROOM)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A message that takes what is to be written, and what was done to make it so."""

    message: Message
    displayed: tuple[DisplayedPart, ...]
    changes: tuple[tuple[str, str], ...]
    """(part number, what) of each part that had to be encoded anew."""


def fitted(message: Message, displayed: Sequence[DisplayedPart], recipe: Recipe, eight_bit: bool) -> Fitted:
    """The message with as few parts encoded anew as can be; without `eight_bit` it comes out in 7 bits."""
    wanted: dict[str, tuple[Recode, DisplayedPart]] = {}
    for one in displayed:
        pen = pen_for(one)
        found = insertions(one, pen, recipe)
        if found and (change := _fit(message, one, pen, found, eight_bit)) is not None:
            wanted[one.part.number] = change
    recodes = [change for change, _ in wanted.values()]
    if not eight_bit:
        done = {change.part.number for change in recodes}
        recodes += [one for one in _seven_bit(message) if one.part.number not in done]
    if not recodes:
        return Fitted(message, tuple(displayed), ())
    result = recoded(message, recodes)
    parts = {part.number: part for part in walk(result.root)}
    moved = [wanted[one.part.number][1] if one.part.number in wanted else one for one in displayed]
    changes = tuple([(one.part.number, _said(one)) for one in recodes if one.part.children == []])
    return Fitted(result, tuple([replace(one, part=parts[one.part.number]) for one in moved]), changes)


def _said(change: Recode) -> str:
    charset = f" in {change.charset}" if change.charset else ""
    return f"encoded anew{charset} as {change.encoding}"


def _fit(
    message: Message, one: DisplayedPart, pen: Pen, found: Sequence[Insertion], eight_bit: bool
) -> tuple[Recode, DisplayedPart] | None:
    """How this part must change, and the part as it then is; None: it takes the insertions as it stands."""
    text = "".join([insertion.text(_ROOMY) for insertion in found])
    if not pen.can_write(text):
        return _in_utf8(message, one, found, eight_bit)
    encoding = _encoding(message, one, pen, found, eight_bit)
    if encoding == "8bit":
        return Recode(one.part, "8bit"), one
    if encoding:
        return Recode(one.part, encoding, one.decoded), one
    return None


def _encoding(message: Message, one: DisplayedPart, pen: Pen, found: Sequence[Insertion], eight_bit: bool) -> str:
    """The transfer encoding the part must get; empty: it can stay as it is. '8bit': only its label changes."""
    raw, part = message.raw, one.part
    if part.encoding == "base64":
        return "" if base64_lines(raw, part.body, part.end, one.decoded) else "base64"
    if part.encoding == "quoted-printable":
        return "" if is_strict_quoted(raw, part.body, part.end, one.decoded) else "quoted-printable"
    if part.encoding not in IDENTITY or raw[part.body : part.end] != one.decoded:
        return "quoted-printable"
    written = [item.by.octets(_ROOMY) for item in placed(message, one, pen, found) if not isinstance(item.by, bytes)]
    if any(len(line) > _LINE for octets in written for line in octets.split(b"\r\n")):
        return "quoted-printable"
    if all(octets.isascii() for octets in written) and (eight_bit or one.decoded.isascii()):
        return ""
    if not eight_bit:
        return "quoted-printable"
    return "" if part.encoding in ("8bit", "binary") else "8bit"


def _in_utf8(
    message: Message, one: DisplayedPart, found: Sequence[Insertion], eight_bit: bool
) -> tuple[Recode, DisplayedPart]:
    """The part with charset UTF-8; its octets stay where they are UTF-8 already, as ASCII is."""
    converted = _converted(one)
    if converted.decoded != one.decoded:
        encoding = "base64" if one.part.encoding == "base64" else "quoted-printable"
        return Recode(one.part, encoding, converted.decoded, "utf-8"), converted
    one = converted
    encoding = _encoding(message, one, Pen("utf-8", one.html), found, eight_bit)
    if encoding in ("", "8bit"):
        return Recode(one.part, encoding or one.part.encoding, None, "utf-8"), one
    return Recode(one.part, encoding, one.decoded, "utf-8"), one


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


def _seven_bit(message: Message) -> Iterator[Recode]:
    """Every part with 8-bit octets encoded, and every multipart that says so relabelled (RFC 6152 §3)."""
    for part in walk(message.root):
        if part.encoding not in IDENTITY:
            continue
        if part.children:
            if part.encoding in ("8bit", "binary"):
                yield Recode(part, "7bit")
        elif not (body := message.raw[part.body : part.end]).isascii():
            encoding = "quoted-printable" if part.content_type.startswith("text/") else "base64"
            yield Recode(part, encoding, body)
        elif part.encoding in ("8bit", "binary"):
            yield Recode(part, "7bit")
