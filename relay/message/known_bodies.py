"""Bodies read before: a campaign is one body for many recipients, and is read and made ready once (DESIGN.md §6).

A body counts as known only where every octet of it is the same and the header says the same of how to read it; the
header itself is read anew for each message.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from policies.facts import FooterIdentity
from relay.message.parts import ADDED, DisplayedPart, Field, Message, Part
from relay.message.read import PartsRead
from relay.message.recipe import Recipe
from relay.message.scan import scan
from relay.message.splice import Body

MAX_BODY = 256 * 1024
"""Octets of a body that is kept; larger ones are read each time."""
MAX_KEPT = 2 * 1024 * 1024
"""Octets of all bodies kept; the longest unused give way."""
_TAIL = 256
"""Octets at the end by which a body is looked up, before it is compared as a whole."""

Writes = tuple[str, str, bool, str, bool, str]
"""All of a recipe that decides what is written into a body."""


@dataclass(slots=True)
class ReadyBody:
    """A body ready to be rendered for any recipient."""

    body: Body
    checked: bool = False
    """A copy of it was read again from its octets and shows link and address (clause 5.5)."""


@dataclass(slots=True)
class KnownBody:
    """One body, how its header said to read it, and what was found in it."""

    octets: bytes
    root: Part
    language: str
    """Content-Language as it stood in the header."""
    footer: FooterIdentity
    found: PartsRead
    ready: dict[Writes, ReadyBody] = field(default_factory=dict)
    """Made ready for what a recipe writes."""

    def in_message(self, raw: bytes) -> tuple[Message, PartsRead] | None:
        """A message that ends with this body, and its parts as read; None where its header reads it otherwise."""
        at = len(raw) - len(self.octets)
        head = scan(raw[:at] + self._shape())
        if head.mends or head.faults or head.root.body != at or not self._reads_alike(head):
            return None
        root = head.root
        by = at - self.root.body
        root.end = len(raw)
        root.children = self.root.children if by == 0 else [_moved(one, by) for one in self.root.children]
        root.delimiters = [(start + by, end + by) for start, end in self.root.delimiters]
        root.closed = self.root.closed
        return Message(raw, root, ()), self._found_in(root)

    def _shape(self) -> bytes:
        """The least body that has the root's structure."""
        mark = b"--" + self.root.boundary
        return mark + b"\r\n\r\n" + mark + b"--\r\n" if self.root.children else b""

    def _reads_alike(self, head: Message) -> bool:
        one, other = head.root, self.root
        return (
            (one.content_type, one.encoding, one.disposition, one.filename, one.parameters)
            == (other.content_type, other.encoding, other.disposition, other.filename, other.parameters)
        ) and head.first("content-language") == self.language

    def _found_in(self, root: Part) -> PartsRead:
        """The reading over the parts of another message; the octets within them are the same."""
        found, parts = self.found, {part.number: part for part in _leaves(root)}
        displayed = [_over(one, parts[one.part.number]) for one in found.displayed]
        return PartsRead(found.facts, displayed)


class KnownBodies:
    """The bodies lately read in this process, the longest unused first."""

    def __init__(self, most: int = MAX_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[int, bytes], KnownBody] = OrderedDict()
        self._octets = 0

    def find(self, raw: bytes, footer: FooterIdentity) -> KnownBody | None:
        """The known body that this message ends with, read for this footer."""
        blank = raw.find(b"\r\n\r\n")
        key = (len(raw) - blank - 4, raw[-_TAIL:])
        known = self._kept.get(key) if blank > 0 else None
        if known is None or known.footer != footer or raw[blank + 4 :] != known.octets:
            return None
        self._kept.move_to_end(key)
        return known

    def keep(self, message: Message, footer: FooterIdentity, found: PartsRead) -> KnownBody | None:
        """Remember a body without fault; None where it is not worth it."""
        raw, root = message.raw, message.root
        octets = raw[root.body :]
        if message.mends or message.faults or found.faults or found.opaque or found.sealed:
            return None
        if not _TAIL <= len(octets) <= MAX_BODY or any(one.part.number == ADDED for one in found.displayed):
            return None
        if raw.find(b"\r\n\r\n") + 4 != root.body:
            return None
        known = KnownBody(octets, root, message.first("content-language"), footer, found)
        key = (len(octets), raw[-_TAIL:])
        if (before := self._kept.pop(key, None)) is not None:
            self._octets -= len(before.octets)
        self._kept[key] = known
        self._octets += len(octets)
        while self._octets > self._most:
            self._octets -= len(self._kept.popitem(last=False)[1].octets)
        return known


def writes(recipe: Recipe) -> Writes:
    """What of a recipe a body depends on; links and reasons are each copy's own."""
    return (
        recipe.organisation,
        recipe.postal_address,
        recipe.footer,
        recipe.footer_form,
        recipe.inject_address,
        recipe.language,
    )


def _leaves(root: Part) -> list[Part]:
    found, waiting = [], [root]
    while waiting:
        part = waiting.pop()
        waiting += part.children
        if not part.children:
            found.append(part)
    return found


def _moved(part: Part, by: int) -> Part:
    """The part as it stands in a message whose header is longer by so many octets."""
    return Part(
        part.number,
        part.start + by,
        part.body + by,
        part.end + by,
        [Field(one.name, one.start + by, one.value + by, one.end + by) for one in part.fields],
        part.content_type,
        part.parameters,
        part.encoding,
        part.disposition,
        part.filename,
        part.boundary,
        [_moved(child, by) for child in part.children],
        [(start + by, end + by) for start, end in part.delimiters],
        part.closed,
    )


def _over(one: DisplayedPart, part: Part) -> DisplayedPart:
    return DisplayedPart(
        part,
        one.charset,
        one.decoded,
        one.html,
        one.edits,
        one.footer_at,
        one.needs_link,
        one.needs_address,
        one.language,
        one.rtl,
        one.flowed,
        one.seen_links,
        one.pale,
    )
