"""An HTML part as a reader sees it: the opt-out links and the address at its bottom (DESIGN.md §6)."""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from policies.facts import FooterIdentity
from relay.message import html_source as source
from relay.message import opt_out
from relay.message.bottom import Bottom, Piece
from relay.message.covering import is_disturbed, may_disturb
from relay.message.css import Sheet, is_font_sheet
from relay.message.html_reading import HtmlLink, HtmlReading
from relay.message.line_content import BLOCKS, BREAKS, CONTROLS, UNSEEN, control, is_painted, painting, picture
from relay.message.look import Seen
from relay.message.placeholders import OPT_OUT_PATTERN
from relay.message.postal_address import RegisteredAddress
from relay.message.selectors import Box
from relay.message.visibility import Looks
from relay.message.wording import words

FOOTER_TEXT = 4000
"""Visible characters at the end in which the address has to stand."""
MAX_LINKS = 500
"""Links looked at, from the last one up."""
MAX_TEXT = 200
"""Characters of a link that may be worded as an opt-out."""
_RAW = frozenset({
    "frameset", "plaintext", "script", "style", "title", "textarea", "xmp", "iframe", "noframes", "noembed", "select",
})  # fmt: skip
"""Elements in which tags are text, or in which nothing of ours would be shown."""

Entry = tuple[LexborNode, Box, int, str]
"""A node still to be walked, its parent's box, the link it is in and that link's href."""


def read_html(html: bytes, identity: FooterIdentity, address: RegisteredAddress, public_url: str) -> HtmlReading:
    """Reads UTF-8 octets that are within the limits of html_source.too_large()."""
    return _Reader(html, identity, address, public_url).read()


class _Reader:
    def __init__(self, html: bytes, identity: FooterIdentity, address: RegisteredAddress, public_url: str) -> None:
        self.html = html
        self.registered = address
        self.tree = LexborHTMLParser(html)
        self.sheet = Sheet()
        self.looks = Looks(self.sheet)
        self.bottom = Bottom(identity, public_url)
        self.nodes = self.tree.css("a")
        self.worded: dict[int, str] = {}
        """Text of links that say they opt out, by node."""
        self.candidates = False
        self.reading = HtmlReading()

    def read(self) -> HtmlReading:
        reading = self.reading
        comments = source.comments(self.html)
        self._language()
        body = self.tree.body
        if body is None:
            return reading
        lower = reading.lower = self.html.lower()
        reading.end = source.end_of_content(self.html, lower, comments) if self._takes_more(body) else -1
        for_address = b"postal_address" in lower or self.registered.may_stand_in(lower)
        self._candidates()
        if self.candidates or for_address:
            self._styles()
            lines = self._read_up(body, for_address)
            self._links(comments)
            self._address(lines, for_address)
        elif not reading.lang:
            reading.footer_text = body.text(deep=True, separator=" ")[-FOOTER_TEXT:]
        return reading

    def _candidates(self) -> None:
        """Links that may turn out to opt out: by their words, by saying nothing, by where they lead."""
        own = self.bottom.public_url
        by_href = b"unsub" in self.reading.lower or bool(own)
        plain: set[str] = set()  # texts that say nothing of it: newsletters repeat them
        # From the last one up: where an opt-out link stands, and no other's href needs a look then.
        for node in reversed(self.nodes[-MAX_LINKS:]):
            text = node.text(deep=True)
            if text not in plain and self._says(node, text):
                continue
            plain.add(text)
            if by_href and not self.candidates:
                href = node.attributes.get("href") or ""
                leads = OPT_OUT_PATTERN.search(href) is not None or (bool(own) and href.startswith(own))
                self.candidates = leads
        self.candidates = self.candidates or bool(self.worded)

    def _says(self, node: LexborNode, text: str) -> bool:
        """Whether a link's own text makes it a candidate."""
        said = words(text) if len(text) <= MAX_TEXT else text
        if opt_out.worded_so(said):
            self.worded[node.mem_id] = text
            return True
        nothing = not said or opt_out.says_nothing(said)
        self.candidates = self.candidates or nothing
        return nothing

    def _takes_more(self, body: LexborNode) -> bool:
        """Whether markup at the end would be markup: not in frames, nor in a script or the like left open."""
        node: LexborNode | None = body
        while node is not None:
            if node.tag in _RAW:
                # One that was closed right before the end is as good as any other element.
                name = (node.tag or "").encode()
                return self.reading.lower.count(b"<" + name) <= self.reading.lower.count(b"</" + name)
            node = node.last_child
        return True

    def _styles(self) -> None:
        if b"<style" in self.reading.lower:
            for node in self.tree.css("style"):
                self.sheet.add(node.text(deep=True), node.attributes.get("media") or "")
        if b"stylesheet" in self.reading.lower:
            for node in self.tree.css("link"):
                attributes = node.attributes
                if "stylesheet" not in (attributes.get("rel") or "").lower():
                    continue
                if not is_font_sheet(attributes.get("href") or ""):
                    self.sheet.unsure = "a style sheet from elsewhere"

    def _language(self) -> None:
        for node in (self.tree.root, self.tree.body):
            if node is not None:
                attributes = node.attributes
                self.reading.lang = self.reading.lang or (attributes.get("lang") or "").strip().lower()
                self.reading.rtl = self.reading.rtl or (attributes.get("dir") or "").strip().lower() == "rtl"

    def _read_up(self, body: LexborNode, for_address: bool) -> list[list[Piece]]:
        """Lines from the last one up to where content begins, or as far as the address may stand."""
        lines: list[list[Piece]] = []
        more, looked, shown = True, False, 0
        for line in self._lines(body):
            lines.append(line)
            shown += sum(len(piece.text) for piece in line if piece.seen is not Seen.NO)
            more = more and self.bottom.take(line)
            if more:
                continue
            if not for_address or shown > FOOTER_TEXT or (not looked and self.registered.stands_in(_shown(lines))):
                break
            looked = True
        return lines

    def _lines(self, body: LexborNode) -> Iterator[list[Piece]]:
        line: list[Piece] = []
        for piece in self._pieces(body):
            if piece is None:
                if line:
                    line.reverse()
                    yield line
                    line = []
            elif line or piece.object or piece.text != " ":
                line.append(piece)
        line.reverse()
        yield line

    def _pieces(self, body: LexborNode) -> Iterator[Piece | None]:
        """Pieces in reverse document order, None between lines; iterative, whatever the depth."""
        root = Box.of("html", self.tree.root.attributes if self.tree.root else {}, None)
        waiting: list[Entry | None] = [(body, root, -1, "")]
        first = body
        while waiting:
            entry = waiting.pop()
            if entry is None:
                yield None
                continue
            node, parent, link, href = entry
            # Brothers wait one at a time: content that is never reached is never walked.
            before = node.prev if node is not first else None
            if before is not None:
                waiting.append((before, parent, link, href))
            tag = node.tag or ""
            if tag == "-text":
                yield self._text(node, parent, link, href)
                continue
            if tag in UNSEEN or tag.startswith(("-", "!")):
                continue
            if tag in BREAKS:
                yield None
                continue
            box = Box.of(tag, node.attributes, parent)
            if tag == "img" or tag in CONTROLS:
                yield from _present(self._thing(box, link, href))
                continue
            if tag == "a" and box.attributes.get("href") is not None:
                link, href = node.mem_id, (box.attributes["href"] or "").strip()
            if tag in BLOCKS:
                yield None
                waiting.append(None)
            last = node.last_child
            if is_painted(box) and not (last is not None and node.text(deep=True).strip()):
                yield from _present(painting(box, self.looks.look(box)))
            if last is not None:
                waiting.append((last, box, link, href))

    def _thing(self, box: Box, link: int, href: str) -> Piece | None:
        if box.tag == "img":
            return picture(box, self.looks.look(box), link, href)
        return control(box, self.looks.look(box.parent or box))

    def _text(self, node: LexborNode, box: Box, link: int, href: str) -> Piece:
        text = node.text(deep=False)
        if not text or text.isspace():
            return Piece(" ")
        if link < 0:
            return Piece(text, self._seen(box, False))
        seen = self._seen(box, True)
        return Piece(text, seen, link, href, pale=seen is Seen.YES and self._pale(box))

    def _pale(self, box: Box) -> bool:
        return any(self.looks.look(box, context).pale for context in (0, *self.looks.contexts(box)))

    def _seen(self, box: Box, of_link: bool) -> Seen:
        """Whether text directly in a box is seen; a link's in every condition its style sheets name."""
        seen = self.looks.look(box).text_seen()[0]
        if of_link and seen is Seen.YES:
            if self.sheet.unsure:
                self.reading.doubt = self.sheet.unsure
                return Seen.DOUBT
            for context in self.looks.contexts(box):
                seen = max(seen, self.looks.look(box, context).text_seen()[0])
        return seen

    def _links(self, comments: list[tuple[int, int]]) -> None:
        seen = {link.link: link.text for link in self.bottom.links}
        self.reading.pale = all(link.pale for link in self.bottom.links)
        above = self._worded_above(seen)
        if seen and may_disturb(self.reading.lower) and self.tree.root and is_disturbed(self.tree.root, self.looks):
            self.reading.doubt = "something may lie over the link, or the order shown is another"
            return
        if not seen and not above:
            return
        tags = source.anchors(self.reading.lower, comments)
        if len(tags) != len(self.nodes):
            self.reading.doubt = "links that do not nest"
            return
        for tag, node in zip(reversed(tags), reversed(self.nodes), strict=True):
            if node.mem_id in seen:
                self._take(tag, node, seen[node.mem_id], self.reading.bottom)
            elif node.mem_id in above:
                self._take(tag, node, above[node.mem_id], self.reading.above)

    def _take(self, tag: int, node: LexborNode, text: str, into: list[HtmlLink]) -> None:
        href = source.href(self.html, tag)
        if href is None or href.value != node.attributes.get("href"):
            self.reading.doubt = "an href that reads in two ways"
        elif source.in_condition(self.html, tag):
            self.reading.doubt = "a link that some mail programs leave out"
        else:
            into.append(HtmlLink(text, tag, href))

    def _worded_above(self, bottom: dict[int, str]) -> dict[int, str]:
        found: dict[int, str] = {}
        for node in self.nodes:
            if node.mem_id not in self.worded or node.mem_id in bottom:
                continue
            href = node.attributes.get("href")
            if href is not None and opt_out.could_lead(href) and self._seen(self._chain(node), True) is Seen.YES:
                found[node.mem_id] = " ".join(self.worded[node.mem_id].split())
        return found

    def _chain(self, node: LexborNode) -> Box:
        """The box of a node that was not walked, from the root down."""
        above: list[LexborNode] = []
        here: LexborNode | None = node
        while here is not None and here.is_element_node:
            above.append(here)
            here = here.parent
        box: Box | None = None
        for one in reversed(above):
            box = Box.of(one.tag or "", one.attributes, box)
        return box or Box.of("a", {}, None)

    def _address(self, lines: list[list[Piece]], for_address: bool) -> None:
        self.reading.footer_text = _shown(lines)[-FOOTER_TEXT:]
        if for_address:
            self.reading.address = self.registered.find(self.reading.footer_text)


def _present(piece: Piece | None) -> tuple[Piece, ...]:
    return () if piece is None else (piece,)


def _shown(lines: list[list[Piece]]) -> str:
    """What lines gathered from the last one up show, top to bottom."""
    return "\n".join("".join([piece.text for piece in line if piece.seen is not Seen.NO]) for line in reversed(lines))
