"""Structure that readers take apart differently, made such that every reader sees the same.

What is sent on is then as unambiguous as any other mail, so nothing hides in it; `relay check` lists each mend.
What could only be guessed at is not mended: a line in the middle of a header that is no field, a part in an encoding
of somebody's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from relay.message.header_fields import HeaderFault, header_field
from relay.message.parts import Field, Mend, Part

_DELIMITED = re.compile(rb"\r\n--([0-9A-Za-z'()+_,./:=?-]{1,70})[ \t]*\r\nContent-[A-Za-z-]+[ \t]*:", re.IGNORECASE)
"""A line that was meant as a delimiter: a part's header follows it (RFC 2046 §5.1.1)."""
_OWN_ENCODING = re.compile(r"x-|uu|binhex|yenc|hqx")
"""Encodings that some readers know and others do not (RFC 2045 §6.3)."""


def mended(raw: bytes, mends: Sequence[Mend]) -> bytes:
    """The octets with these mends made."""
    pieces, at = [], 0
    for one in sorted(mends, key=lambda each: (each.start, each.end)):
        pieces += [raw[at : one.start], one.octets]
        at = one.end
    return b"".join([*pieces, raw[at:]])


def header_end(raw: bytes, part: Part, at: int) -> Mend | None:
    """An empty line before the body that a header runs into: where no field follows, or the first part begins.

    So do mail servers, which take the first line that is no field for the body's first.
    """
    following = next((one.start for one in part.fields if one.start > at), -1)
    if following >= 0:
        mark = raw.find(b"\r\n--" + part.boundary, max(at - 2, 0), following) if part.boundary else -1
        typed = _field(part, "content-type")
        if mark < 0 or typed is None or typed.start > at:
            return None
    return Mend(part.number, "empty line put between header and body", at, at, b"\r\n")


def multipart(raw: bytes, part: Part) -> Mend | None:
    """A multipart without parts: its boundary becomes the one its body has, else it is the text every reader sees."""
    field = _field(part, "content-type")
    if field is None:
        return None
    found = _DELIMITED.search(raw, max(part.body - 2, 0), part.end)
    boundary = found[1].decode("ascii") if found else ""
    if found is None or found[1] == part.boundary:
        written = header_field("Content-Type", "text/plain")
        return Mend(
            part.number, f"{part.content_type} without parts named text/plain", field.start, field.end, written
        )
    written = _typed(part, {**part.parameters, "boundary": boundary})
    return (
        Mend(part.number, "boundary named as the body has it", field.start, field.end, written) if written else None
    )


def no_type(part: Part, field: Field) -> Mend | None:
    """A Content-Type that names none: text/plain (RFC 2045 §5.2), which not every reader makes of it."""
    written = _typed(part, {name: value for name, value in part.parameters.items() if name != "boundary"})
    return (
        Mend(part.number, "Content-Type that is none named text/plain", field.start, field.end, written)
        if written
        else None
    )


def encoding(part: Part) -> Mend | None:
    """A text in a transfer encoding that there is not: what most readers show, the octets as they are."""
    field = _field(part, "content-transfer-encoding")
    if field is None or not part.content_type.startswith("text/") or _OWN_ENCODING.match(part.encoding):
        return None
    written = header_field("Content-Transfer-Encoding", "8bit")
    return Mend(part.number, f"unknown transfer encoding {part.encoding} named 8bit", field.start, field.end, written)


def _field(part: Part, name: str) -> Field | None:
    return next((one for one in part.fields if one.name == name), None)


def _typed(part: Part, parameters: Mapping[str, str]) -> bytes:
    """A Content-Type field; empty where a parameter cannot be written."""
    named = [f'{name}="{value}"' for name, value in parameters.items() if '"' not in value and "\\" not in value]
    try:
        return header_field("Content-Type", "; ".join([part.content_type, *named]))
    except HeaderFault:
        return b""
