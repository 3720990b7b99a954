"""A text part as a reader sees it: opt-out URLs and the address in its last paragraphs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from policies.facts import FooterIdentity
from relay.message import opt_out
from relay.message.bottom import MAX_FOOTER, Bottom, Piece
from relay.message.marks import URL, urls
from relay.message.placeholders import OPT_OUT_PATTERN
from relay.message.postal_address import AddressFound, RegisteredAddress

FOOTER_TEXT = 4000
"""Characters at the end in which the footer has to stand."""
MAX_URLS = 300

_LABEL = 160
"""Characters before a URL that may say what it is for."""
_BROKEN_URL = 70
"""A URL that ends a line this long may go on in the next."""


@dataclass(slots=True)
class TextLink:
    """An opt-out URL or placeholder; offsets in the text."""

    start: int
    end: int
    url: str
    placeholder: bool
    label: str = ""


@dataclass(slots=True)
class TextReading:
    """What one text part shows at its end."""

    bottom: list[TextLink] = field(default_factory=list)
    """Opt-out links with only footer content below, last first."""
    above: list[TextLink] = field(default_factory=list)
    address: AddressFound | None = None
    lower: str = ""
    """The text in lower case."""


def read_text(
    text: str, identity: FooterIdentity, address: RegisteredAddress, public_url: str, delsp: bool
) -> TextReading:
    """Reads one text part; `delsp` is format=flowed's DelSp=yes, where a URL may stand in pieces (RFC 3676)."""
    lower = text.lower()
    reading = TextReading(lower=lower)
    tail_at = max(0, len(text) - FOOTER_TEXT)
    if any(True for _ in urls(text, lower)):
        _Footer(text, Bottom(identity, public_url), public_url).read(tail_at, reading)
        _above(text, public_url, reading)
        if delsp:
            reading.bottom = [link for link in reading.bottom if not _goes_on_flowed(text, link)]
            reading.above = [link for link in reading.above if not _goes_on_flowed(text, link)]
    if address.may_stand_in(lower[-FOOTER_TEXT:].encode("utf-8", "replace")):
        reading.address = address.find(text[tail_at:])
    return reading


def _above(text: str, public_url: str, reading: TextReading) -> None:
    """Opt-out URLs anywhere else that say so themselves, and placeholders."""
    known = {link.start for link in reading.bottom}
    for count, link in enumerate(_links(text, 0)):
        if count >= MAX_URLS:
            return
        own = link.placeholder or opt_out.url_says(link.url)
        if (own or (public_url and link.url.startswith(public_url))) and link.start not in known:
            reading.above.append(link)


def _goes_on_flowed(text: str, link: TextLink) -> bool:
    """Whether a reader of DelSp=yes puts the next line behind the URL, or the URL behind the line before."""
    before = text[max(0, link.start - 3) : link.start]
    return text.startswith((" \r\n", " \n"), link.end) or before.endswith((" \r\n", " \n"))


def _links(text: str, offset: int) -> list[TextLink]:
    found: list[TextLink] = []
    for match in urls(text):
        url = match[0]
        placeholder = match["mark"] is not None
        if placeholder and is_label(url, text[match.end() : match.end() + 1]):
            continue
        if not placeholder:
            # A placeholder inside a URL makes the whole of it one link to rewrite.
            url = _trimmed(url)
            placeholder = OPT_OUT_PATTERN.search(url) is not None
        found.append(TextLink(offset + match.start(), offset + match.start() + len(url), url, placeholder))
    return found


def is_label(mark: str, following: str) -> bool:
    """Whether a '[unsubscribe]' is only words in brackets: in other letters, or the name of a Markdown link."""
    return mark[0] == "[" and (mark != mark.lower() or following in ("(", "<", ":"))


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence a URL stands in."""
    while url:
        last = url[-1]
        if (
            last in ".,;:!?'*_…"
            or (last == ")" and "(" not in url)
            or (last in "]}" and OPT_OUT_PATTERN.search(url) is None)
        ):
            url = url[:-1]
        else:
            break
    return url


@dataclass(slots=True)
class _Footer:
    """Reads paragraphs from the last one up for as long as they are footer content."""

    text: str
    bottom: Bottom
    public_url: str

    def read(self, tail_at: int, reading: TextReading) -> None:
        paragraphs = _paragraphs(self.text, tail_at)
        below = 0
        for at in range(len(paragraphs) - 1, -1, -1):
            start, end = paragraphs[at]
            before = self.text[slice(*paragraphs[at - 1])] if at else ""
            links = _links(self.text[start:end], start)
            own = [self._labelled(link, start, links, before) for link in links]
            mine = [link for link in own if link is not None]
            if mine and not self._followed_by_footer(mine[-1].end, end):
                return
            reading.bottom.extend(reversed(mine))
            rest = self.text[start : mine[0].start] if mine else self.text[start:end]
            below += end - start
            if below > MAX_FOOTER or not (mine or self._is_footer(rest)):
                return
            if mine and not self._is_footer(rest) and not opt_out.mentions(rest):
                return

    def _followed_by_footer(self, at: int, end: int) -> bool:
        rest = self.text[at:end].lstrip(">)]}.,;:!?\"' \t")
        return (len(rest.strip()) <= 80 and "!" not in rest) or self._is_footer(rest)

    def _is_footer(self, paragraph: str) -> bool:
        if re.search(r"(?m)^\s*>", paragraph):
            return False
        plain = URL.sub(" ", paragraph)
        if self._plain_footer(plain):
            return True
        return all(self._plain_footer(line) for line in plain.splitlines())

    def _plain_footer(self, text: str) -> bool:
        return self.bottom.is_footer([Piece(" ".join(text.split()))])

    def _labelled(self, link: TextLink, start: int, links: list[TextLink], before: str) -> TextLink | None:
        """The link with what is said of it; None where it is no opt-out link."""
        text = self.text
        at = links.index(link)
        since = links[at - 1].end if at else start
        label = text[max(since, link.start - _LABEL) : link.start]
        if re.search(r"(?m)^\s*>", label) or self._goes_on(link):
            return None
        until = links[at + 1].start if at + 1 < len(links) else len(text)
        after = text[link.end : min(until, link.end + _LABEL)].partition("\n")[0]
        if not any(c.isalnum() for c in label) and at == 0:
            label = before.strip().rpartition("\n")[2] if before.rstrip().endswith(":") else label
        sure = link.placeholder or opt_out.url_says(link.url)
        if self.public_url and link.url.startswith(self.public_url):
            sure = True
        if not sure and not opt_out.sentence_says(label, after):
            return None
        return TextLink(link.start, link.end, link.url, link.placeholder, " ".join(label.split())[-80:])

    def _goes_on(self, link: TextLink) -> bool:
        """Whether a URL that ends a full line seems to go on in the next: only a piece of it would be replaced."""
        line_start = self.text.rfind("\n", 0, link.start) + 1
        line_end = self.text.find("\n", link.end)
        if line_end < 0 or self.text[link.end : line_end].strip() or link.end - line_start < _BROKEN_URL:
            return False
        following = self.text[line_end + 1 : line_end + 200].partition("\n")[0].rstrip("\r")
        return bool(following) and " " not in following and not following[0].isspace()


def _paragraphs(text: str, tail_at: int) -> list[tuple[int, int]]:
    """(start, end) of the paragraphs of the tail; lines of rules ('---', '===') part them too."""
    found: list[tuple[int, int]] = []
    start = -1
    at = tail_at
    for line in text[tail_at:].splitlines(keepends=True):
        blank = not any(c.isalnum() for c in line) and URL.search(line) is None
        if blank and start >= 0:
            found.append((start, at))
            start = -1
        elif not blank and start < 0:
            start = at
        at += len(line)
    if start >= 0:
        found.append((start, at))
    return found
