"""The structure of a message by offsets into its received octets: fields, parts, faults; nothing copied."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.facts import FaultFound


@dataclass(slots=True)
class Field:
    """One header field: offsets of the whole (with its CRLF) and of the value after the colon."""

    name: str
    """Lower case ASCII."""
    start: int
    value: int
    """Offset just after the colon."""
    end: int
    """Offset after the last CRLF of the field."""


@dataclass(slots=True)
class Part:
    """One MIME part; the message itself is part '1' or the root of the tree ('0' for a multipart root)."""

    number: str
    """'1', '1.2' …; the root multipart is ''."""
    start: int
    """First octet of the header: after an mbox 'From ' line or a blank one, which are no part of the message."""
    body: int
    """First octet of the body."""
    end: int
    """Offset after the body (the CRLF before a boundary belongs to the boundary)."""
    fields: list[Field]
    content_type: str
    """Lower case type/subtype; text/plain where none or unusable."""
    parameters: dict[str, str]
    """Content-Type parameters, names lower case, RFC 2231 decoded."""
    encoding: str
    """Lower case Content-Transfer-Encoding; '7bit' where none."""
    disposition: str
    """'inline', 'attachment' or ''."""
    filename: str = ""
    boundary: bytes = b""
    children: list[Part] = field(default_factory=list)
    delimiters: list[tuple[int, int]] = field(default_factory=list)
    """(start, end) of each delimiter line of a multipart with the CRLF before and after; closing one last."""
    closed: bool = False
    """Whether the last delimiter closes the multipart; without it the last part runs to the end."""


@dataclass(frozen=True, slots=True)
class Mend:
    """Received octets [start, end) that readers would read differently, and what every reader reads alike."""

    part: str
    """Number of the part at that time; '' for the message itself."""
    what: str
    """The change in words, for `relay check`."""
    start: int
    end: int
    octets: bytes


@dataclass(slots=True)
class Message:
    """A scanned message: the octets as received (CRLF lines, no bare CR, LF or NUL), mended, and its part tree."""

    raw: bytes
    root: Part
    faults: tuple[FaultFound, ...]
    mends: tuple[Mend, ...] = ()
    """What was changed in the received octets before they could be read; `raw` has it."""

    def values(self, name: str) -> list[str]:
        """Raw values of a root field by lower-case name, unfolded, stripped, in order; latin-1 decoded."""
        return [_unfolded(self.raw[f.value : f.end]) for f in self.root.fields if f.name == name]

    def first(self, name: str) -> str:
        """The first of `values(name)`; empty: there is none."""
        for f in self.root.fields:
            if f.name == name:
                return _unfolded(self.raw[f.value : f.end])
        return ""


def _unfolded(value: bytes) -> str:
    return " ".join(value.decode("latin-1").replace("\r\n", "").split())


ADDED = "footer"
"""Number of the text part that rewriting will add to a message in which nothing else can bear the footer."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace decoded octets [start, end) of one part by what is rendered per recipient."""

    start: int
    """Offset in the part's *decoded* octets (after the transfer encoding, before the charset)."""
    end: int
    kind: str
    """'href' (URL in an HTML attribute), 'url' (bare URL in text), 'postal_address', 'footer' (injected)."""


@dataclass(slots=True)
class DisplayedPart:
    """One displayed text part with what rewriting will change in it."""

    part: Part
    charset: str
    """Python codec that decodes the part strictly; 'utf-8' etc."""
    decoded: bytes
    """Octets after the transfer encoding."""
    html: bool
    edits: list[Edit]
    """In order, not overlapping: placeholders and the customer's own opt-out links."""
    footer_at: int
    """Offset in `decoded` where an injected footer goes; -1: nowhere."""
    needs_link: bool
    needs_address: bool
    language: str
    """'en', 'id' …, from lang attribute, Content-Language or detection; empty: unknown."""
    rtl: bool = False
    flowed: bool = False
    seen_links: tuple[int, ...] = ()
    """Where the edits start that are opt-out links a reader sees at the end, in HTML: what `needs_link` rests on."""
    pale: bool = False
    """Its opt-out links are seen, but hard to read: where a footer is written, it bears a link too."""
    doubt: str = ""
    """Why links in its HTML were left alone; empty: there was no doubt."""
