"""Where what is written into a part stands among its received octets, in any transfer encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.message.parts import DisplayedPart, Message, Part
from relay.message.pen import Pen
from relay.message.splice import Base64Stretch, Piece, PlainStretch, QuotedStretch, Replacement, Slot
from relay.message.transfer import base64_lines, quoted_offset
from relay.message.writing import Insertion, Writing


@dataclass(slots=True)
class Placed:
    """A slot over octets [start, end), raw ones or decoded ones."""

    start: int
    end: int
    slot: Slot


def placed(message: Message, write: Writing) -> list[Replacement]:
    """What is written as replacements of whole raw lines; the part is one that `fitted` has seen."""
    part = write.displayed.part
    spots = [Placed(one.start, one.end, slot(write.pen, one)) for one in write.insertions]
    if not spots:
        return []
    if part.encoding == "base64":
        return [_in_base64(message.raw, write.displayed, spots)]
    quoted = part.encoding == "quoted-printable"
    spots = [_in_quoted(message.raw, part, one) if quoted else _moved(part.body, one) for one in spots]
    replacements = []
    for start, end, group in _lines(message.raw, part, spots):
        pieces = _pieces(message.raw, start, end, group)
        by = QuotedStretch(pieces, end == len(message.raw)) if quoted else PlainStretch(pieces)
        replacements.append(Replacement(start, end, by))
    return replacements


def _moved(by: int, spot: Placed) -> Placed:
    return Placed(by + spot.start, by + spot.end, spot.slot)


def _in_quoted(raw: bytes, part: Part, spot: Placed) -> Placed:
    start = quoted_offset(raw, part.body, part.end, spot.start)
    return Placed(start, quoted_offset(raw, start, part.end, spot.end - spot.start), spot.slot)


def slot(pen: Pen, insertion: Insertion) -> Slot:
    """Writes an insertion's octets for one copy."""
    write, text = pen.octets, insertion.text
    return lambda copy: write(text(copy))


def _lines(raw: bytes, part: Part, spots: Sequence[Placed]) -> list[tuple[int, int, list[Placed]]]:
    """Spots by the raw lines they touch: (start, end, spots), no line in two of them."""
    groups: list[tuple[int, int, list[Placed]]] = []
    for spot in spots:
        end = _line_end(raw, part, spot.end)
        if groups and (spot.start < groups[-1][1] or not raw.endswith(b"\r\n", 0, groups[-1][1])):
            # In the same line still, also behind the last one of a message that ends without a line end.
            start, last, found = groups[-1]
            groups[-1] = (start, max(last, end), [*found, spot])
            continue
        before = raw.rfind(b"\r\n", part.body, spot.start)
        groups.append((before + 2 if before >= 0 else part.body, end, [spot]))
    return groups


def _line_end(raw: bytes, part: Part, at: int) -> int:
    """After the line at an offset; the CRLF behind a part, which is the boundary's, counts as its last line's."""
    found = raw.find(b"\r\n", at, part.end)
    return found + 2 if found >= 0 else _after(raw, part)


def _after(raw: bytes, part: Part) -> int:
    return part.end + 2 if raw.startswith(b"\r\n", part.end) else part.end


def _pieces(octets: bytes, start: int, end: int, spots: Sequence[Placed]) -> tuple[Piece, ...]:
    """Fixed octets and slots in turn."""
    pieces: list[Piece] = []
    at = start
    for spot in spots:
        if spot.start > at:
            pieces.append(octets[at : spot.start])
        pieces.append(spot.slot)
        at = spot.end
    if end > at:
        pieces.append(octets[at:end])
    return tuple(pieces)


def _in_base64(raw: bytes, displayed: DisplayedPart, spots: Sequence[Placed]) -> Replacement:
    part, decoded = displayed.part, displayed.decoded
    shape = base64_lines(raw, part.body, part.end, decoded)
    assert shape is not None, "a part that was not fitted"
    start, first = shape.line_of(spots[0].start)
    if start > shape.end:
        # Behind a last line that is full: it is written again, so that the next one gets its line end.
        start, first = shape.line_of(spots[0].start - 1)
    end = _after(raw, part)
    pieces = _pieces(decoded, first, len(decoded), spots)
    # A message that came without a body ends with a line end as well.
    after = raw[shape.end : end] if part.body < len(raw) else b"\r\n"
    return Replacement(start, end, Base64Stretch(pieces, shape.width, after))
