"""Received octets to a tree of parts by offsets: limits first, then one iterative pass; nothing is copied.

What different readers would take apart differently is mended, where every reader then agrees (mending.py), and the
octets are scanned again; the rest is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from policies.facts import Fault, FaultFound
from relay.message import mending
from relay.message.decode import encoding_named, is_known
from relay.message.mime_header import content_type, decoded, is_type, parameters, token
from relay.message.parts import Field, Mend, Message, Part

MAX_DEPTH = 50
"""Parts within parts (RELIABILITY.md row 16)."""
MAX_PARTS = 1000
MAX_HEADER = 100 * 1024
"""Octets of one header, the message's or a part's (row 18)."""
MAX_FIELDS = 500
MAX_ADDRESSES = 1000
"""Addresses in one field."""
MAX_LINE = 998
"""Octets of a line without its CRLF (RFC 5321 §4.5.3.1.6)."""

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*(?:\r\n|\Z)")
_BEFORE_HEADER = re.compile(rb"(?:[ \t]+\r\n)*(?:>?From [^\r\n]*\r\n)?")
MAX_MENDING = 4
"""How often a message is mended and scanned again before what is left of it is a fault."""
_ONCE = frozenset({"from", "sender", "to", "date", "subject", "content-type"})
"""Fields whose second copy another reader may believe instead of the first (row 23; Sender: clause 5.3)."""
_ONCE_IN_PART = frozenset({"content-type"})
_ADDRESS_FIELDS = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})


def scan(raw: bytes) -> Message:
    """The structure of one message with CRLF lines, what was mended in it, every fault found; never raises."""
    done: list[Mend] = []
    for _ in range(MAX_MENDING):
        one = _Scan(raw)
        message = one.message()
        mends = one.mends
        if not mends:
            break
        raw = mending.mended(raw, mends)
        done += mends
    else:
        message = _Scan(raw, mends=None).message()
    message.mends = tuple(done)
    return message


@dataclass(slots=True)
class _Scan:
    raw: bytes
    mends: list[Mend] | None = field(default_factory=list)
    """What can be mended; None: everything counts as a fault."""
    faults: list[FaultFound] = field(default_factory=list)
    parts: int = 0

    def message(self) -> Message:
        self._lines()
        root = self._part("", self._header_start(), len(self.raw), "text/plain")
        self._root_header(root)
        if not self.mends and not any(f.fault is Fault.HEADERS_TOO_LARGE for f in self.faults):
            self._tree(root)
        if not root.content_type.startswith("multipart/"):
            root.number = "1"
        return Message(self.raw, root, tuple(self.faults))

    def _fault(self, fault: Fault, where: str) -> None:
        if len(self.faults) < 20:
            self.faults.append(FaultFound(fault, where))

    def _mend(self, mend: Mend | None, fault: Fault, where: str) -> None:
        """Notes what can be mended, and what cannot as the fault it is."""
        if mend is None or self.mends is None:
            self._fault(fault, where)
        else:
            self.mends.append(mend)

    def _header_start(self) -> int:
        """Where the header starts: programs that store mail hand in their separator lines too."""
        found = _BEFORE_HEADER.match(self.raw)
        return found.end() if found else 0

    def _lines(self) -> None:
        """Jumps from the last line end within reach to the next; where none is in reach, the line is long."""
        raw, at, size = self.raw, 0, len(self.raw)
        while size - at > MAX_LINE:
            end = raw.rfind(b"\n", at, at + MAX_LINE + 2)
            if end < 0:
                number = raw.count(b"\n", 0, at) + 1
                self._fault(Fault.LONG_LINE, f"line {number} of the message")
                return
            at = end + 1

    def _root_header(self, root: Part) -> None:
        header = self.raw[root.start : root.body]
        if not header.isascii():
            names = [f.name for f in root.fields if not self.raw[f.start : f.end].isascii()]
            self._fault(Fault.EIGHT_BIT_HEADER, names[0] if names else "the header")
        if "from" not in {f.name for f in root.fields}:
            self._fault(Fault.MISSING_FROM, "From")
        for one in root.fields:
            if one.end - one.value > 3 * MAX_ADDRESSES and one.name in _ADDRESS_FIELDS:
                self._addresses(one)

    def _addresses(self, one: Field) -> None:
        value = self.raw[one.value : one.end]
        if min(value.count(b"@"), value.count(b",") + 1) > MAX_ADDRESSES:
            self._fault(Fault.TOO_MANY_ADDRESSES, one.name)

    def _tree(self, root: Part) -> None:
        """Splits multiparts outermost first, so that an outer boundary always ends an inner part."""
        waiting = [(root, 1)]
        while waiting:
            part, depth = waiting.pop()
            if not part.content_type.startswith("multipart/"):
                continue
            if depth > MAX_DEPTH:
                self._fault(Fault.TOO_DEEP, f"part {part.number}")
                return
            for child in self._children(part):
                part.children.append(child)
                waiting.append((child, depth + 1))
            if self.parts > MAX_PARTS:
                self._fault(Fault.TOO_MANY_PARTS, "the message")
                return

    def _children(self, part: Part) -> Iterator[Part]:
        if part.boundary:
            part.delimiters, part.closed = _delimiters(self.raw, part)
        lines = part.delimiters
        if not lines or (part.closed and len(lines) == 1):
            self._mend(mending.multipart(self.raw, part), Fault.BROKEN_MULTIPART, _named(part, "the message"))
            return
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        prefix = f"{part.number}." if part.number else ""
        for at, (_, start) in enumerate(lines[:-1] if part.closed else lines):
            self.parts += 1
            if self.parts > MAX_PARTS:
                return
            end = max(start, lines[at + 1][0]) if at + 1 < len(lines) else part.end
            yield self._part(f"{prefix}{at + 1}", start, end, default)

    def _part(self, number: str, start: int, end: int, default_type: str) -> Part:
        where = f"part {number}" if number else "the header"
        fields, body, no_field = self._header(where, start, end)
        self._repeated(fields, where, _ONCE_IN_PART if number else _ONCE)
        part = Part(number, start, body, end, fields, default_type, {}, "7bit", "")
        for one in reversed(fields):
            if one.name.startswith("content-"):
                self._content_field(part, one)
        if part.content_type.startswith("multipart/"):
            part.boundary = part.parameters.get("boundary", "").rstrip().encode("latin-1", "replace")
        elif not is_known(part.encoding) and (mend := mending.encoding(part)):
            self._mend(mend, Fault.BROKEN_ENCODING, where)
        if no_field >= 0:
            self._mend(mending.header_end(self.raw, part, no_field), Fault.BAD_HEADER, where)
        return part

    def _content_field(self, part: Part, one: Field) -> None:
        """Takes what one Content-* field says of its part; fields come last to first, so the first counts."""
        value = self.raw[one.value : one.end].decode("latin-1").replace("\r\n", "").strip()
        if one.name == "content-type":
            part.content_type, part.parameters = content_type(value)
            if part.content_type == "text/plain" and not is_type(value):
                self._mend(mending.no_type(part, one), Fault.BAD_HEADER, one.name)
            part.filename = part.filename or decoded(part.parameters.get("name", ""))
        elif one.name == "content-transfer-encoding":
            part.encoding = encoding_named(token(value)) or "7bit"
        elif one.name == "content-disposition":
            # RFC 2183 §2.8: an unknown disposition is an attachment.
            kind = token(value)
            part.disposition = kind if kind in ("", "inline") else "attachment"
            part.filename = decoded(parameters(value).get("filename", "")) or part.filename

    def _header(self, where: str, start: int, end: int) -> tuple[list[Field], int, int]:
        """The fields from `start`, where the body begins, and the first line that is no field; -1: there is none."""
        raw = self.raw
        if raw.startswith(b"\r\n", start, end):
            return [], start + 2, -1
        blank = raw.find(b"\r\n\r\n", start, min(end, start + MAX_HEADER + 4))
        if blank < 0 and end - start > MAX_HEADER:
            self._fault(Fault.HEADERS_TOO_LARGE, where)
            return [], end, -1
        stop, body = (blank + 2, blank + 4) if blank >= 0 else (end, end)
        fields, no_field = self._fields(where, start, stop)
        return fields, body, no_field

    def _fields(self, where: str, at: int, stop: int) -> tuple[list[Field], int]:
        raw, match = self.raw, _FIELD.match
        fields: list[Field] = []
        bad = -1
        while at < stop:
            found = match(raw, at, stop)
            if found is None:
                bad = at if bad < 0 else bad
                line = raw.find(b"\r\n", at, stop)
                at = line + 2 if line >= 0 else stop
                continue
            name = found[1].decode("ascii").lower()
            fields.append(Field(name, at, raw.index(b":", at) + 1, found.end()))
            at = found.end()
            if len(fields) > MAX_FIELDS:
                self._fault(Fault.HEADERS_TOO_LARGE, where)
                break
        return fields, bad

    def _repeated(self, fields: list[Field], where: str, once: frozenset[str]) -> None:
        seen: dict[str, Field] = {}
        for one in fields:
            before = seen.setdefault(one.name, one)
            if before is not one and (one.name in once or self._differently_encoded(before, one)):
                self._fault(Fault.DUPLICATE_FIELD, one.name if where == "the header" else f"{where} {one.name}")
                return

    def _differently_encoded(self, before: Field, one: Field) -> bool:
        """Whether two fields name two transfer encodings."""
        if one.name != "content-transfer-encoding":
            return False
        values = [self.raw[each.value : each.end].decode("latin-1") for each in (before, one)]
        return len({encoding_named(token(value)) for value in values}) > 1


def _named(part: Part, whole: str) -> str:
    return f"part {part.number}" if part.number else whole


def _delimiters(raw: bytes, part: Part) -> tuple[list[tuple[int, int]], bool]:
    """Delimiter lines of a multipart, and whether the last one closes it (RFC 2046 §5.1.1)."""
    lines: list[tuple[int, int]] = []
    mark = b"\r\n--" + part.boundary
    # The CRLF before the first delimiter may be the blank line that ends the header.
    at = raw.find(mark, max(part.body - 2, 0), part.end)
    while at >= 0 and len(lines) <= MAX_PARTS + 1:
        after = at + len(mark)
        closing = raw.startswith(b"--", after, part.end)
        rest = after + 2 if closing else after
        end = raw.find(b"\r\n", rest, part.end)
        stop = end if end >= 0 else part.end
        if raw[rest : min(stop, rest + 1000)].strip(b" \t"):
            at = raw.find(mark, after, part.end)
            continue
        lines.append((max(at, part.body), stop + 2 if end >= 0 else stop))
        if closing:
            return lines, True
        at = raw.find(mark, stop, part.end)
    return lines, False
