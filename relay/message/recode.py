"""Parts written anew in another transfer encoding or charset, with the header fields that say so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relay.message.header_fields import header_field
from relay.message.mime_header import content_type
from relay.message.parts import Field, Message, Part
from relay.message.scan import scan
from relay.message.splice import Replacement, replaced
from relay.message.transfer import encoded_base64, encoded_quoted

_CHARSET = re.compile(rb"""(;[ \t\r\n]*)charset\*?[ \t]*=[ \t]*("[^"]*"|[^\s;]*)""", re.IGNORECASE)


class RewriteFault(Exception):
    """This message cannot be rewritten as the recipe asks: our own fault, answered 451, never a pass."""


@dataclass(frozen=True, slots=True)
class Recode:
    """What one part becomes."""

    part: Part
    encoding: str
    """Content-Transfer-Encoding from now on."""
    body: bytes | None = None
    """Decoded octets to encode; None: the octets stay as they are."""
    charset: str = ""
    """New charset; empty: as it was."""


def recoded(message: Message, changes: Sequence[Recode]) -> Message:
    """The message with these parts changed, scanned again; RewriteFault where its structure does not survive."""
    replacements: list[Replacement] = []
    for one in changes:
        replacements += _header(message.raw, one)
        if one.body is not None:
            replacements.append(Replacement(one.part.body, one.part.end, _encoded(message, one, one.body)))
    return rescanned(message, replacements)


def rescanned(message: Message, replacements: Sequence[Replacement]) -> Message:
    """The message with fixed replacements made; its parts keep their numbers, else RewriteFault."""
    result = scan(replaced(message.raw, replacements))
    if [part.number for part in walk(result.root)] != [part.number for part in walk(message.root)]:
        raise RewriteFault("the parts of a re-encoded message are not those it had")
    return result


def walk(root: Part) -> Iterator[Part]:
    """The part and all parts in it, outer ones first."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += reversed(part.children)


def unsigned(root: Part) -> Iterator[Part]:
    """The same without signed parts and what is in them: every octet there stays, and 7-bit it is (displayed.py)."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.content_type != "multipart/signed":
            yield part
            waiting += reversed(part.children)


def _encoded(message: Message, change: Recode, body: bytes) -> bytes:
    if change.encoding == "base64":
        end = b"\r\n" if change.part is message.root else b""
        return encoded_base64(body, 76) + end
    return encoded_quoted(body) if change.encoding == "quoted-printable" else body


def _header(raw: bytes, change: Recode) -> Iterator[Replacement]:
    part = change.part
    added = b""
    if change.charset:
        found = _first(part, "content-type")
        if found is None:
            added = header_field("Content-Type", f"{part.content_type}; charset={change.charset}")
        else:
            field = _with_charset(raw[found.start : found.end], part, change.charset)
            yield Replacement(found.start, found.end, _ended_as(raw, found, field))
    encoding = _first(part, "content-transfer-encoding")
    field = header_field("Content-Transfer-Encoding", change.encoding)
    if encoding is None:
        added += field if change.encoding != "7bit" else b""
    elif part.encoding != change.encoding:
        yield Replacement(encoding.start, encoding.end, _ended_as(raw, encoding, field))
    if not ends_header(raw, part):
        added += b"\r\n"
    if part.fields and not _has_line_end(raw, part.fields[-1]):
        added = b"\r\n" + added
    # A part without a header begins with the empty line that ends it.
    at = part.fields[-1].end if part.fields else part.start
    yield Replacement(at, at, added)


def _has_line_end(raw: bytes, field: Field) -> bool:
    """Whether a field ends its line: the last one of a part may run into the delimiter's."""
    return raw.endswith(b"\r\n", field.start, field.end)


def _ended_as(raw: bytes, field: Field, written: bytes) -> bytes:
    return written if _has_line_end(raw, field) else written.removesuffix(b"\r\n")


def ends_header(raw: bytes, part: Part) -> bool:
    """Whether an empty line ends the part's header; without one, a body written there would be header."""
    end = part.fields[-1].end if part.fields else part.start
    return raw.startswith(b"\r\n", end) and part.body > end


def _first(part: Part, name: str) -> Field | None:
    return next((one for one in part.fields if one.name == name), None)


def _with_charset(field: bytes, part: Part, charset: str) -> bytes:
    """A Content-Type field with another charset, everything else as received; written anew where it is garbled."""
    label = charset.encode("ascii")
    changed, count = _CHARSET.subn(rb"\1charset=" + label, field, count=1)
    if not count:
        changed = field.rstrip(b"; \t\r\n") + b"; charset=" + label + b"\r\n"
    value = changed.partition(b":")[2].decode("latin-1").replace("\r\n", "").strip()
    if content_type(value)[1].get("charset") == charset:
        return changed
    kept = [f'{name}="{part.parameters[name]}"' for name in ("format", "delsp") if name in part.parameters]
    return header_field("Content-Type", "; ".join([part.content_type, f"charset={charset}", *kept]))
