"""HTML as octets: limits before any parser, where links stand, where the visible content ends."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from html import unescape

MAX_HTML = 1024 * 1024
"""Octets of one HTML part (RELIABILITY.md row 19)."""
MAX_OPEN = 512
"""Elements open at once: lexbor's time grows with the square of the depth."""

_ATTRIBUTE = rb"[\s/]*+(?:[^\s/>=][^\s/>=]*+\s*+(?:=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?+)?+|=)"
_TAG = re.compile(
    rb"<!--(?:-?>|.*?(?:--!?>|\Z))"
    rb"|<(?P<raw>style|script|title|textarea|xmp|iframe|noembed|noframes)(?=[\s/>])(?:" + _ATTRIBUTE + rb")*+[\s/]*+>"
    rb".*?(?:</(?P=raw)(?=[\s/>])|\Z)"
    rb"|<(?P<close>/?)(?P<name>[a-z][^\s/>]*+)(?P<attributes>(?:" + _ATTRIBUTE + rb")*+)[\s/]*+>?"
    rb"|<[!?/][^>]*+>",
    re.DOTALL | re.IGNORECASE,
)
"""One token of markup, as HTML §13.2.5 reads it; text between tokens is skipped by search."""
_HREF = re.compile(
    rb"[\s/]+(?P<name>[^\s/>=]+)(?:\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s>\"'][^\s>]*)))?"
)
_VOID = frozenset({
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"source", b"track",
    b"wbr", b"basefont", b"bgsound", b"frame", b"keygen", b"param",
})  # fmt: skip


_NAMES = re.compile(rb"</?[a-zA-Z][a-zA-Z0-9]*")
_FEW = 2000
"""Start tags up to which even a depth that was hidden from the quick count costs a parser under 10 ms."""
_SIBLINGS = frozenset({
    b"p", b"li", b"td", b"th", b"tr", b"tbody", b"thead", b"tfoot", b"dt", b"dd", b"option", b"optgroup",
})  # fmt: skip
"""The next of their kind closes them, unless an element in between, counted itself, keeps them open."""


def too_large(html: bytes) -> bool:
    """Whether the octets are over 1 MiB or may open more than 512 elements at once."""
    if len(html) > MAX_HTML:
        return True
    # No element opens without a '<' before a letter; most mail has too few for any depth.
    tags, coarse = _coarse_depth(html)
    if tags <= MAX_OPEN:
        return False
    if tags > _FEW:
        return _deepest(html) > MAX_OPEN
    return coarse > MAX_OPEN and _quick_depth(html) > MAX_OPEN


def _coarse_depth(html: bytes) -> tuple[int, int]:
    """Tags that may open something, and what is open after each of 16 stretches plus all that opens in one.

    Empty elements count as open; a '</' that two stretches share counts as opening.
    """
    step = len(html) // 16 + 1
    tags = unclosed = deepest = 0
    for at in range(0, len(html), step):
        marks = html.count(b"<", at, at + step)
        closing = html.count(b"</", at, at + step)
        tags += marks - closing
        deepest = max(deepest, unclosed + marks - closing)
        unclosed = max(0, unclosed + marks - 2 * closing)
    return tags, deepest


def _quick_depth(html: bytes) -> int:
    """An upper bound for markup that nests as it says: what is open after each stretch, and all it opens."""
    names = _NAMES.findall(html)
    unclosed: Counter[bytes] = Counter()
    deepest = 0
    for at in range(0, len(names), 400):
        stretch = Counter(names[at : at + 400])
        before = sum(unclosed.values())
        opened = 0
        for mark, count in stretch.items():
            name = mark.lstrip(b"</").lower()
            if mark[1:2] == b"/":
                unclosed[name] -= count
            elif name not in _VOID:
                unclosed[name] += count
                opened += count
        unclosed = +unclosed
        deepest = max(deepest, before + opened)
    return deepest if deepest <= MAX_OPEN else _deepest(html)


def _deepest(html: bytes) -> int:
    """An upper bound for any markup: only an end tag of its own name closes an element."""
    unclosed: dict[bytes, int] = {}
    total = others = deepest = 0
    for found in _TAG.finditer(html):
        name = found["name"]
        if name is None or (name := name.lower()) in _VOID:
            continue
        sibling = name in _SIBLINGS
        if found["close"]:
            if unclosed.get(name, 0) > 0:
                unclosed[name] -= 1
                total -= 1
                others -= not sibling
            continue
        unclosed[name] = unclosed.get(name, 0) + 1
        total += 1
        others += not sibling
        if total <= MAX_OPEN:
            deepest = max(deepest, total)
        elif not sibling or unclosed[name] <= others + 1:
            deepest = max(deepest, _without_siblings(unclosed, others))
            if deepest > MAX_OPEN:
                return deepest
    return deepest


def _without_siblings(unclosed: dict[bytes, int], others: int) -> int:
    return others + sum(min(unclosed.get(name, 0), others + 1) for name in _SIBLINGS)


def comments(html: bytes) -> list[tuple[int, int]]:
    """(start, end) of each comment, conditional ones included (HTML §13.2.5.43)."""
    spans: list[tuple[int, int]] = []
    at = html.find(b"<!--")
    while at >= 0:
        body = at + 4
        if html.startswith((b">", b"->"), body):
            end = html.index(b">", body) + 1
        else:
            end = html.find(b"-->", body)
            end = end + 3 if end >= 0 else len(html)
            odd = html.find(b"--!>", body, end)
            end = odd + 4 if odd >= 0 else end
        spans.append((at, end))
        at = html.find(b"<!--", end)
    return spans


def within(spans: list[tuple[int, int]], at: int) -> bool:
    """Whether an offset lies in one of the spans, which are in order."""
    low, high = 0, len(spans)
    while low < high:
        middle = (low + high) // 2
        if spans[middle][1] <= at:
            low = middle + 1
        else:
            high = middle
    return low < len(spans) and spans[low][0] <= at


_ANCHOR = re.compile(rb"<a[\s/>]")


def anchors(lower: bytes, hidden: list[tuple[int, int]]) -> list[int]:
    """Offsets of '<a' start tags outside comments, in order; `lower` is the HTML in small letters."""
    found = [one.start() for one in _ANCHOR.finditer(lower)]
    return [at for at in found if not within(hidden, at)] if hidden else found


@dataclass(frozen=True, slots=True)
class Href:
    """The value of one href attribute: its octets' offsets without quotes, and what it says."""

    start: int
    end: int
    value: str
    quoted: bool


def href(html: bytes, tag: int) -> Href | None:
    """The href of the '<a' tag at an offset; the first of two counts; None where there is none to replace."""
    at = tag + 2
    while (found := _HREF.match(html, at)) is not None:
        at = found.end()
        if found["name"].lower() == b"href":
            for group in ("double", "single", "bare"):
                if found[group] is not None:
                    value = unescape(found[group].decode("utf-8", "replace"))
                    return Href(found.start(group), found.end(group), value, group != "bare")
            return None
    return None


def in_condition(html: bytes, at: int) -> bool:
    """Whether an offset stands in a conditional section that some mail programs leave out ('<!--[if !mso]>…')."""
    before = html.rfind(b"[if", 0, at)
    return before >= 0 and html.rfind(b"[endif]", before, at) < 0


def end_of_content(html: bytes, lower: bytes, hidden: list[tuple[int, int]]) -> int:
    """Where more content can be added at the end of what is displayed; -1 in a comment that never ends."""
    if hidden and hidden[-1][1] == len(html) and not html.endswith((b"-->", b"--!>")):
        return -1
    end = len(html)
    for mark in (b"</html", b"</body"):
        at = lower.rfind(mark)
        while at >= 0 and within(hidden, at):
            at = lower.rfind(mark, 0, at)
        if at >= 0 and not _content(lower[at:end], hidden, at):
            end = at
    return end


def _content(tail: bytes, hidden: list[tuple[int, int]], at: int) -> bool:
    """Whether anything but end tags, comments and blanks stands in the tail."""
    if hidden and hidden[-1][1] > at:
        tail = re.sub(rb"<!--.*?-->", b"", tail, flags=re.DOTALL)
    return bool(re.sub(rb"</?(?:html|body)[^>]*>|\s|&nbsp;", b"", tail))


_UNSHOWN = re.compile(
    rb"<!--(?:-?>|.*?(?:--!?>|\Z))|<(?P<raw>style|script)(?=[\s/>]).*?(?:</(?P=raw)|\Z)",
    re.DOTALL | re.IGNORECASE,
)


def unshown(html: bytes) -> list[tuple[int, int]]:
    """(start, end) of comments, style sheets and scripts."""
    return [found.span() for found in _UNSHOWN.finditer(html)]


def placeholder_place(html: bytes, start: int, end: int) -> tuple[int, int, str]:
    """What to replace for a placeholder: the whole href it stands in, else itself in an attribute or in text."""
    tag = html.rfind(b"<", 0, start)
    while tag >= 0 and not html[tag + 1 : tag + 2].isalpha():
        tag = html.rfind(b"<", 0, tag)
    if tag < 0 or html.find(b">", tag, start) >= 0:
        return start, end, "url"
    if html[tag + 1 : tag + 2] in b"aA" and html[tag + 2 : tag + 3].isspace():
        found = href(html, tag)
        if found is not None and found.start <= start and end <= found.end:
            return found.start, found.end, "href"
    return start, end, "href"


def in_link(html: bytes, at: int) -> bool:
    """Whether an offset in text stands between '<a …>' and '</a>': what is there are the words of a link."""
    opened = max(html.rfind(b"<a ", 0, at), html.rfind(b"<A ", 0, at))
    return opened >= 0 and max(html.rfind(b"</a", opened, at), html.rfind(b"</A", opened, at)) < 0
