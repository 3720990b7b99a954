"""One displayed part read: what the rules are told of it and what rewriting changes in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from policies.facts import FooterIdentity, Found, PartFacts
from relay.message import html_source
from relay.message.charset import codec_for
from relay.message.decode import octet_offsets
from relay.message.html import read_html
from relay.message.html_reading import HtmlReading
from relay.message.language import language_of, language_tag, right_to_left
from relay.message.marks import opt_out_marks
from relay.message.parts import DisplayedPart, Edit, Part
from relay.message.placeholders import OPT_OUT_PATTERN, POSTAL_ADDRESS_PATTERN
from relay.message.postal_address import AddressFound, RegisteredAddress
from relay.message.text import TextLink, is_label, read_text

_EXCERPT = 160
_NO_PLACE = "its markup leaves no place at the end where a footer would be seen"


@dataclass(slots=True)
class Readers:
    """What every part of one message is read for."""

    footer: FooterIdentity
    address: RegisteredAddress
    own_links: str
    """Prefix of opt-out links of our own; empty: none are known."""
    language: str
    """Content-Language of the message."""


def read_part(part: Part, decoded: bytes, readers: Readers) -> tuple[PartFacts, DisplayedPart]:
    """Reads one part; an HTML one has passed the limits of html_source.too_large()."""
    codec = codec_for(decoded, part.parameters.get("charset", ""))
    if part.content_type == "text/html":
        return _HtmlPart(part, decoded, codec, readers).read()
    return _text_part(part, decoded, codec, readers)


def _text_part(part: Part, decoded: bytes, codec: str, readers: Readers) -> tuple[PartFacts, DisplayedPart]:
    text = decoded.decode(codec)
    flowed = part.parameters.get("format", "").lower() == "flowed"
    delsp = flowed and part.parameters.get("delsp", "").lower() == "yes"
    reading = read_text(text, readers.footer, readers.address, readers.own_links, delsp)
    octet = octet_offsets(decoded, text, codec)
    marks = _address_marks(text, reading.lower)
    places = [(link.start, link.end, "url") for link in (*reading.bottom, *reading.above)]
    edits = _in_order(_edits(places + [(*mark, "postal_address") for mark in marks], octet))
    sure = [link for link in reading.bottom if any(edit.start == octet(link.start) for edit in edits)]
    address = _address_found(part, text, reading.address, marks)
    facts = PartFacts(
        part.number,
        part.content_type,
        opt_out=_text_found(part, text, sure, False),
        placeholder=_text_found(part, text, sure, True),
        postal_address=address,
        near_address=_near(part, text, reading.address) if address is None else None,
    )
    language = readers.language or language_of(reading.lower)
    rtl = right_to_left(language, text)
    return facts, DisplayedPart(
        part, codec, decoded, False, edits, len(decoded), not sure, address is None, language, rtl, flowed
    )


def _text_found(part: Part, text: str, links: list[TextLink], placeholder: bool) -> Found | None:
    for link in links:
        if link.placeholder is placeholder:
            said = f"{link.label} {link.url}".strip()
            return Found(part.number, text.count("\n", 0, link.start) + 1, said[-_EXCERPT:])
    return None


def _address_marks(text: str, lower: str) -> list[tuple[int, int]]:
    if "postal_address" not in lower:
        return []
    return [found.span() for found in POSTAL_ADDRESS_PATTERN.finditer(text)]


def _address_found(part: Part, text: str, found: AddressFound | None, marks: list[tuple[int, int]]) -> Found | None:
    if found is not None and found.exact:
        return Found(part.number, _line_of(text, found.excerpt), found.excerpt)
    if marks and len(text) - marks[-1][1] <= 3000:
        return Found(part.number, text.count("\n", 0, marks[-1][0]) + 1, text[slice(*marks[-1])])
    return None


def _near(part: Part, text: str, found: AddressFound | None) -> Found | None:
    if found is None or found.exact:
        return None
    return Found(part.number, _line_of(text, found.excerpt), found.excerpt)


def _line_of(text: str, excerpt: str) -> int:
    """The line an excerpt stands in, by its longest word from the end on."""
    word = max(excerpt.split(), key=len, default="")
    at = text.rfind(word) if word else -1
    return text.count("\n", 0, max(at, 0)) + 1


def _edits(places: list[tuple[int, int, str]], octet: Callable[[int], int]) -> list[Edit]:
    found = [Edit(octet(start), octet(end), kind) for start, end, kind in places]
    return [edit for edit in found if 0 <= edit.start <= edit.end]


def _in_order(edits: list[Edit]) -> list[Edit]:
    """Sorted, the wider of two that overlap kept."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda one: (one.start, -one.end)):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept


class _HtmlPart:
    """An HTML part is read as UTF-8; places are turned back into its own octets."""

    def __init__(self, part: Part, decoded: bytes, codec: str, readers: Readers) -> None:
        self.part = part
        self.decoded = decoded
        self.codec = codec
        self.readers = readers
        self.html = decoded
        self.octet: Callable[[int], int] = _same
        if codec != "utf-8":
            text = decoded.decode(codec)
            self.html = text.encode("utf-8", "replace")
            by_text = octet_offsets(decoded, text, codec)
            if len(self.html) != len(text):
                self.octet = lambda at: by_text(len(self.html[:at].decode("utf-8", "ignore")))
            else:
                self.octet = by_text

    def read(self) -> tuple[PartFacts, DisplayedPart]:
        readers, part = self.readers, self.part
        reading = read_html(self.html, readers.footer, readers.address, readers.own_links)
        edits = self._edits(reading)
        starts = {edit.start for edit in edits if edit.kind == "href"}
        sure = [link for link in reading.bottom if self.octet(link.href.start) in starts]
        address = self._address(reading)
        footer_at = self.octet(reading.end) if reading.end >= 0 else -1
        found = {
            mark: Found(part.number, self._line(link.tag), f"{link.text} {link.href.value}"[:_EXCERPT])
            for link in reversed(sure)
            for mark in [OPT_OUT_PATTERN.search(link.href.value) is not None]
        }
        facts = PartFacts(
            part.number,
            part.content_type,
            opt_out=found.get(False),
            placeholder=found.get(True),
            postal_address=address,
            cannot_inject="" if footer_at >= 0 else _NO_PLACE,
            near_address=self._near(reading) if address is None else None,
        )
        language = language_tag(reading.lang) or readers.language or language_of(reading.footer_text)
        rtl = reading.rtl or right_to_left(language, reading.footer_text)
        return facts, DisplayedPart(
            part,
            self.codec,
            self.decoded,
            True,
            edits,
            footer_at,
            not found,
            address is None,
            language,
            rtl,
            seen_links=tuple([self.octet(link.href.start) for link in sure]),
            doubt=reading.doubt,
            pale=bool(found) and reading.pale,
        )

    def _edits(self, reading: HtmlReading) -> list[Edit]:
        places = [(link.href.start, link.href.end, "href") for link in (*reading.bottom, *reading.above)]
        if b"unsub" in reading.lower or b"postal_address" in reading.lower:
            places += placeholder_places(self.html, reading.lower)
        return _in_order(_edits(places, self.octet))

    def _address(self, reading: HtmlReading) -> Found | None:
        found = reading.address
        if found is not None and found.exact:
            return Found(self.part.number, self._line_of(found.excerpt), found.excerpt)
        mark = POSTAL_ADDRESS_PATTERN.search(reading.footer_text)
        if mark is not None:
            return Found(self.part.number, self._line_of(mark[0]), mark[0])
        return None

    def _near(self, reading: HtmlReading) -> Found | None:
        found = reading.address
        if found is None or found.exact:
            return None
        return Found(self.part.number, self._line_of(found.excerpt), found.excerpt)

    def _line_of(self, excerpt: str) -> int:
        word = max(excerpt.split(), key=len, default="").encode("utf-8", "replace")
        return self._line(max(self.html.rfind(word), 0))

    def _line(self, at: int) -> int:
        return self.html.count(b"\n", 0, at) + 1


def _same(at: int) -> int:
    return at


def placeholder_places(html: bytes, lower: bytes) -> list[tuple[int, int, str]]:
    """Placeholders outside comments, styles and scripts: whole hrefs, other attributes, displayed text."""
    text = html.decode("latin-1")
    marks = list(opt_out_marks(text, lower.decode("latin-1")))
    addresses = list(POSTAL_ADDRESS_PATTERN.finditer(text)) if b"postal_address" in lower else []
    if not marks and not addresses:
        return []
    skipped = html_source.unshown(html)
    found: list[tuple[int, int, str]] = []
    for mark in marks:
        place = html_source.placeholder_place(html, *mark.span())
        words_only = (place[2] == "url" and mark[0][0] == "[") and (
            is_label(mark[0], text[mark.end() : mark.end() + 1]) or html_source.in_link(html, mark.start())
        )
        if not words_only and not html_source.within(skipped, mark.start()):
            found.append(place)
    for mark in addresses:
        inside = html_source.placeholder_place(html, *mark.span())[2] == "href"
        if not inside and not html_source.within(skipped, mark.start()):
            found.append((*mark.span(), "postal_address"))
    return found
