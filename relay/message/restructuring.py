"""Parts added to a message or dropped from it, everything else octet for octet as it came.

A message that shows no text of its own, or a signed one, becomes the first leg of a new multipart/mixed; the second
is a text part for the footer, so that signatures, attachments and pictures stay what they are (RFC 1847 §2.1).
An AMP version goes: its readers would see neither link nor address, and its siblings say the same without scripts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policies.facts import PartFacts
from relay.message.charset import decode_lenient
from relay.message.decode import decoded_octets
from relay.message.displayed import AMP, displayed_parts
from relay.message.header_fields import header_field
from relay.message.language import language_of, right_to_left
from relay.message.parts import ADDED, DisplayedPart, Field, Message, Part
from relay.message.recipe import Recipe
from relay.message.recode import RewriteFault, walk
from relay.message.scan import scan
from relay.message.splice import Replacement, replaced

_LEG = (
    header_field("Content-Type", "text/plain; charset=utf-8")
    + header_field("Content-Disposition", "inline")
    + b"\r\n"
)


@dataclass(slots=True)
class Restructured:
    """A message with the parts that leave, where those it came with stand in it, and what was done."""

    message: Message
    displayed: tuple[DisplayedPart, ...]
    changes: tuple[tuple[str, str], ...] = ()
    """Part number and words: of an AMP version as it came, of the whole as it leaves."""


def part_to_add(message: Message, sealed: Sequence[Part], language: str) -> tuple[PartFacts, DisplayedPart]:
    """The text part that the message lacks, before it is there; in the language of what is sealed."""
    said = _said(message.raw, sealed)
    language = language or language_of(said.lower())
    size = len(message.raw)
    part = Part(ADDED, size, size, size, [], "text/plain", {"charset": "utf-8"}, "7bit", "inline")
    rtl = right_to_left(language, said)
    displayed = DisplayedPart(part, "utf-8", b"", False, [], 0, True, True, language, rtl)
    return PartFacts(ADDED, "text/plain", None, None, None), displayed


def restructured(message: Message, displayed: Sequence[DisplayedPart], recipe: Recipe) -> Restructured:
    """The message as its recipe needs it; without a footer to bear nothing changes."""
    kept = tuple([one for one in displayed if one.part.number != ADDED])
    if not recipe.footer:
        return Restructured(message, kept)
    found = Restructured(message, tuple(displayed))
    if message.root.children and any(part.content_type == AMP for part in walk(message.root)):
        found = _without_amp(found)
    return found if len(kept) == len(displayed) else _with_part(found, recipe.nonce)


def _said(raw: bytes, sealed: Sequence[Part]) -> str:
    """What the first sealed text says."""
    for part in [inner for one in sealed for inner in walk(one)]:
        if part.content_type == "text/plain" and not part.children:
            return decode_lenient(decoded_octets(raw, part) or b"", part.parameters.get("charset", ""))
    return ""


def _without_amp(one: Restructured) -> Restructured:
    message = one.message
    amp = displayed_parts(message).amp
    if not amp:
        return one
    dropped = [_delimited(part, child) for part in walk(message.root) for child in part.children if child in amp]
    result = scan(replaced(message.raw, [Replacement(start, end, b"") for start, end in dropped]))
    old = [part for part in walk(message.root) if part not in amp]
    return _moved(
        one,
        result,
        old,
        list(walk(result.root)),
        [(each.number, "AMP version dropped: it cannot bear the footer") for each in amp],
    )


def _delimited(parent: Part, child: Part) -> tuple[int, int]:
    """A child with the delimiter line before it."""
    lines, at = parent.delimiters, parent.children.index(child)
    return lines[at][0], lines[at + 1][0] if at + 1 < len(lines) else parent.end


def _with_part(one: Restructured, nonce: str) -> Restructured:
    message = one.message
    root, raw = message.root, message.raw
    boundary = f"=_{nonce}_footer"
    mark = b"--" + boundary.encode("ascii")
    if mark in raw:
        raise RewriteFault("the message has the boundary that was made for it")
    typed = header_field("Content-Type", f'multipart/mixed; boundary="{boundary}"')
    if not raw[root.body :].isascii():
        typed += header_field("Content-Transfer-Encoding", "8bit")
    own = [field for field in root.fields if not field.name.startswith("content-")]
    moved = [field for field in root.fields if field.name.startswith("content-")]
    head = [*_whole(raw, own), typed, b"\r\n", mark, b"\r\n", *_whole(raw, moved), b"\r\n", raw[root.body : root.end]]
    result = scan(b"".join([*head, b"\r\n", mark, b"\r\n", _LEG, b"\r\n", mark, b"--\r\n"]))
    new = list(walk(result.root))
    added = new.pop()
    text = [replace(each, part=added) for each in one.displayed if each.part.number == ADDED]
    kept = replace(one, displayed=tuple([each for each in one.displayed if each.part.number != ADDED]))
    what = "put whole into a multipart/mixed, beside a text part for the footer"
    found = _moved(kept, result, list(walk(root)), new[1:], [("1", what)])
    return replace(found, displayed=(*found.displayed, *text))


def _whole(raw: bytes, fields: Sequence[Field]) -> Iterator[bytes]:
    """Fields as they came; the last of a message without a body may lack its line end."""
    for field in fields:
        octets = raw[field.start : field.end]
        yield octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def _moved(
    one: Restructured, result: Message, old: list[Part], new: list[Part], what: list[tuple[str, str]]
) -> Restructured:
    """The displayed parts where they now stand; RewriteFault where the structure did not survive."""
    if result.mends or [part.content_type for part in old] != [part.content_type for part in new]:
        raise RewriteFault("the parts of a restructured message are not those it had")
    places = {part.number: there for part, there in zip(old, new, strict=True)}
    displayed = tuple(
        [replace(each, part=places[each.part.number]) for each in one.displayed if each.part.number != ADDED]
    )
    waiting = tuple([each for each in one.displayed if each.part.number == ADDED])
    return Restructured(result, (*displayed, *waiting), (*one.changes, *what))
