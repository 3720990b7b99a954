"""The careful second reader: the same questions, asked of the whole document through BeautifulSoup and lxml.

It is slow (10 ms for 60 KB) and takes no shortcuts: every line from the first to the last, every element's look.
`relay check` shows what it says, and tests hold the fast reader to it: where that says 'visible', this agrees.
"""

from __future__ import annotations

from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

from policies.facts import FooterIdentity
from relay.message.bottom import Bottom, OwnLink, Piece
from relay.message.css import Sheet, is_font_sheet
from relay.message.line_content import BLOCKS, BREAKS, CONTROLS, UNSEEN, control, picture
from relay.message.look import Seen
from relay.message.postal_address import AddressFound, RegisteredAddress
from relay.message.selectors import Box
from relay.message.visibility import Looks


@dataclass(frozen=True, slots=True)
class CarefulReading:
    """What the careful reader found in one HTML part."""

    bottom: list[OwnLink]
    """Opt-out links a reader sees with only footer content below, last first; `link` counts <a> from 0."""
    hidden: list[str]
    """Links worded as opt-outs that a reader does not see: their words and why."""
    address: AddressFound | None
    text: str
    """The displayed text, a line each."""


def read_carefully(
    html: bytes, footer: FooterIdentity, address: RegisteredAddress, public_url: str = ""
) -> CarefulReading:
    """Reads UTF-8 octets; `public_url` is the prefix of our own opt-out links."""
    soup = BeautifulSoup(html, "lxml", from_encoding="utf-8")
    walk = _Walk(soup)
    lines = walk.lines()
    bottom = Bottom(footer, public_url)
    for line in reversed(lines):
        if not bottom.take(line):
            break
    links = [] if walk.sheet.unsure else bottom.links
    shown = ["".join([piece.text for piece in line if piece.seen is not Seen.NO]) for line in lines]
    text = "\n".join(" ".join(line.split()) for line in shown if line.strip())
    return CarefulReading(links, walk.hidden(), address.find(text[-4000:]), text)


class _Walk:
    """Every element once, in document order."""

    def __init__(self, soup: BeautifulSoup) -> None:
        self.soup = soup
        self.sheet = Sheet()
        self.looks = Looks(self.sheet)
        self.links = 0
        self.unseen: list[tuple[Piece, str]] = []
        for node in soup.find_all("style"):
            self.sheet.add(node.get_text(), str(node.get("media") or ""))
        for node in soup.find_all("link"):
            if "stylesheet" in str(node.get("rel") or "").lower() and not is_font_sheet(str(node.get("href") or "")):
                self.sheet.unsure = "a style sheet from elsewhere"

    def hidden(self) -> list[str]:
        return [f"{' '.join(piece.text.split())}: {why}" for piece, why in self.unseen]

    def lines(self) -> list[list[Piece]]:
        found: list[list[Piece]] = [[]]
        waiting: list[tuple[Tag | NavigableString | None, Box | None, int, str]] = [(self.soup, None, -1, "")]
        while waiting:
            node, parent, link, href = waiting.pop()
            if node is None:
                found.append([])
            elif isinstance(node, Tag):
                self._element(node, parent, link, href, found, waiting)
            elif parent is not None and not isinstance(node, PreformattedString):
                self._text(str(node), parent, link, href, found[-1])
        return found

    def _element(
        self,
        node: Tag,
        parent: Box | None,
        link: int,
        href: str,
        found: list[list[Piece]],
        waiting: list[tuple[Tag | NavigableString | None, Box | None, int, str]],
    ) -> None:
        tag = node.name.lower()
        if tag == "a":
            self.links += 1
        if tag in UNSEEN:
            return
        if tag in BREAKS:
            found.append([])
            return
        box = parent if isinstance(node, BeautifulSoup) else Box.of(tag, _attributes(node), parent)
        if box is not None and (tag == "img" or tag in CONTROLS):
            self._thing(box, link, href, found[-1])
            return
        if tag == "a" and box is not None and node.get("href") is not None:
            link, href = self.links - 1, str(node.get("href")).strip()
        if tag in BLOCKS:
            found.append([])
            waiting.append((None, None, -1, ""))
        children = [child for child in node.contents if isinstance(child, Tag | NavigableString)]
        waiting.extend((child, box, link, href) for child in reversed(children))

    def _thing(self, box: Box, link: int, href: str, line: list[Piece]) -> None:
        if box.tag == "img":
            piece = picture(box, self.looks.look(box), link, href)
        else:
            piece = control(box, self.looks.look(box.parent or box))
        if piece is not None:
            line.append(piece)

    def _text(self, text: str, box: Box, link: int, href: str, line: list[Piece]) -> None:
        if not text.strip():
            line.append(Piece(" "))
            return
        seen, why = self.looks.look(box).text_seen()
        if link >= 0:
            for context in self.looks.contexts(box):
                other = self.looks.look(box, context).text_seen()
                seen, why = max((seen, why), other, key=lambda one: one[0])
        piece = Piece(text, seen, link, href)
        if link >= 0 and seen is not Seen.YES:
            self.unseen.append((piece, why))
        line.append(piece)


def _attributes(node: Tag) -> dict[str, str | None]:
    return {name.lower(): value if isinstance(value, str) else " ".join(value) for name, value in node.attrs.items()}
