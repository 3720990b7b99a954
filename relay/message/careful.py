"""The careful second reader: the same questions, asked of the whole document through BeautifulSoup and lxml.

It is slow (10 ms for 60 KB) and takes no shortcuts: every line from the first to the last, every element's look.
`relay check` shows what it says, and tests hold the fast reader to it: where that says 'visible', this agrees.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

from policies.facts import FooterIdentity
from relay.message import opt_out
from relay.message.bottom import Bottom, OwnLink, Piece
from relay.message.css import Sheet, is_font_sheet
from relay.message.html_source import anchors, comments
from relay.message.line_content import BLOCKS, BREAKS, CONTROLS, UNSEEN, control, picture
from relay.message.look import Seen
from relay.message.postal_address import AddressFound, RegisteredAddress
from relay.message.selectors import Box
from relay.message.visibility import Looks


@dataclass(frozen=True, slots=True)
class NotCounted:
    """An opt-out link that is no answer to clause 5.4, and why."""

    text: str
    why: str
    line: int
    """Line of its start tag in the part, from 1; 0 where parsers read the markup in different ways."""


@dataclass(frozen=True, slots=True)
class CarefulReading:
    """What the careful reader found in one HTML part."""

    bottom: list[OwnLink]
    """Opt-out links a reader sees with only footer content below, last first; `link` counts <a> from 0."""
    not_counted: list[NotCounted]
    """Links that would be opt-outs if a reader saw them, or if only footer content stood below."""
    address: AddressFound | None
    text: str
    """The displayed text, a line each."""


def read_carefully(
    html: bytes, footer: FooterIdentity, address: RegisteredAddress, public_url: str = ""
) -> CarefulReading:
    """Reads UTF-8 octets; `public_url` is the prefix of our own opt-out links."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of markup that looks like XML or like a file name: mail has all kinds
        soup = BeautifulSoup(html, "lxml", from_encoding="utf-8")
    walk = _Walk(soup)
    lines = walk.lines()
    bottom = Bottom(footer, public_url)
    content = next((line for line in reversed(lines) if not bottom.take(line)), [])
    links = [] if walk.sheet.unsure else bottom.links
    shown = ["".join([piece.text for piece in line if piece.seen is not Seen.NO]) for line in lines]
    text = "\n".join(" ".join(line.split()) for line in shown if line.strip())
    not_counted = walk.not_counted(lines, {link.link for link in links}, "".join([one.text for one in content]))
    at = _lines_of_links(html, walk.links)
    not_counted = [replace(one, line=at[one.line] if at else 0) for one in not_counted]
    return CarefulReading(links, not_counted, address.find(text[-4000:]), text)


def _lines_of_links(html: bytes, count: int) -> list[int]:
    """The source line of each <a>; empty where the octets show another number of them."""
    tags = anchors(html.lower(), comments(html))
    return [html.count(b"\n", 0, tag) + 1 for tag in tags] if len(tags) == count else []


class _Walk:
    """Every element once, in document order."""

    def __init__(self, soup: BeautifulSoup) -> None:
        self.soup = soup
        self.sheet = Sheet()
        self.looks = Looks(self.sheet)
        self.links = 0
        self.unseen: dict[int, str] = {}
        """Links of which some text is not seen, and why."""
        for node in soup.find_all("style"):
            self.sheet.add(node.get_text(), str(node.get("media") or ""))
        for node in soup.find_all("link"):
            if "stylesheet" in str(node.get("rel") or "").lower() and not is_font_sheet(str(node.get("href") or "")):
                self.sheet.unsure = "a style sheet from elsewhere"

    def not_counted(self, lines: list[list[Piece]], counted: set[int], content: str) -> list[NotCounted]:
        """Every other link that its words or its URL make an opt-out; `content` is the line that ends the footer."""
        texts: dict[int, str] = {}
        hrefs: dict[int, str] = {}
        for piece in [piece for line in lines for piece in line if piece.link >= 0]:
            texts[piece.link] = texts.get(piece.link, "") + piece.text
            hrefs[piece.link] = piece.href
        found = []
        for link, text in texts.items():
            if link not in counted and (opt_out.worded(text) or opt_out.url_says(hrefs[link])):
                found.append(NotCounted(" ".join(text.split()), self._why(link, content), link))
        return found

    def _why(self, link: int, content: str) -> str:
        if link in self.unseen:
            return self.unseen[link]
        if self.sheet.unsure:
            return self.sheet.unsure
        said = " ".join(content.split())[:60]
        return f"content stands below it: {said}" if said else "content stands below it"

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
            self.unseen[link] = why
        line.append(piece)


def _attributes(node: Tag) -> dict[str, str | None]:
    return {name.lower(): value if isinstance(value, str) else " ".join(value) for name, value in node.attrs.items()}
