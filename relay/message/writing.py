"""What is written into one displayed part: links over the old ones, the address, a footer where one is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from relay.message.footer import Footer, address_line, wording
from relay.message.parts import DisplayedPart, Edit
from relay.message.pen import Pen, pen_for, wide_codec
from relay.message.placeholders import is_placeholder
from relay.message.recipe import CopyRecipe, Recipe
from relay.message.recode import RewriteFault

Text = Callable[[CopyRecipe], str]


@dataclass(slots=True)
class Insertion:
    """Text for decoded octets [start, end) of one part."""

    start: int
    end: int
    text: Text
    what: str
    """The change in words, for `relay check`."""
    easy: bool = False
    """Whole lines of plain ASCII, none over 998 octets whatever the copy: any part that spells ASCII takes them."""


@dataclass(slots=True)
class Writing:
    """One displayed part, what is written into it, and with what."""

    displayed: DisplayedPart
    pen: Pen
    insertions: tuple[Insertion, ...]
    """In order, not overlapping."""


def writing(displayed: DisplayedPart, recipe: Recipe) -> Writing:
    """What the recipe writes into this part; RewriteFault where two insertions would meet in one place."""
    pen = pen_for(displayed)
    found = tuple(_insertions(displayed, pen, recipe))
    if any(one.end > following.start for one, following in pairwise(found)):
        raise RewriteFault(f"insertions into part {displayed.part.number} overlap")
    return Writing(displayed, pen, found)


def _insertions(displayed: DisplayedPart, pen: Pen, recipe: Recipe) -> list[Insertion]:
    # Without a footer a link stays its writer's; a placeholder is ours wherever it stands.
    edits = [one for one in displayed.edits if recipe.footer or _is_placeholder(displayed, one)]
    found = [_edited(displayed, one, recipe) for one in edits]
    footer = _footer(displayed, recipe)
    if footer is not None:
        found.append(_injected(displayed, pen, footer, recipe))
    return sorted(found, key=lambda one: (one.start, one.end))


def _edited(displayed: DisplayedPart, edit: Edit, recipe: Recipe) -> Insertion:
    if edit.kind == "postal_address":
        address = _constant(address_line(recipe.postal_address), displayed.html)
        return Insertion(edit.start, edit.end, address, "postal address filled in")
    filled = _is_placeholder(displayed, edit)
    what = "placeholder filled with the opt-out link" if filled else "own opt-out link rewritten"
    return Insertion(edit.start, edit.end, _url_in_html if displayed.html else _url, what)


def _is_placeholder(displayed: DisplayedPart, edit: Edit) -> bool:
    codec = wide_codec(displayed) or displayed.charset
    return is_placeholder(displayed.decoded[edit.start : edit.end].decode(codec, "replace"))


def _url(copy: CopyRecipe) -> str:
    return copy.opt_out_url


def _url_in_html(copy: CopyRecipe) -> str:
    return escape(copy.opt_out_url)


def _constant(text: str, html: bool) -> Text:
    written = escape(text) if html else text
    return lambda copy: written


def _footer(displayed: DisplayedPart, recipe: Recipe) -> Footer | None:
    """The footer this part needs, if any and if there is a place for it."""
    address = displayed.needs_address and recipe.inject_address
    if not recipe.footer or displayed.footer_at < 0 or not (displayed.needs_link or address):
        return None
    words = wording(displayed.language, recipe.language)
    return Footer(displayed.needs_link or displayed.pale, address, words, displayed.rtl, displayed.flowed)


def _injected(displayed: DisplayedPart, pen: Pen, footer: Footer, recipe: Recipe) -> Insertion:
    at = displayed.footer_at
    newline = _newline(displayed, pen)
    before = displayed.decoded[:at]
    lead = newline if before and not before.endswith("\n".encode(pen.codec)) else ""
    write = footer.html if displayed.html else footer.text
    around = _Around(lambda copy: lead + write(recipe, copy).replace("\n", newline), displayed.html, footer.link)
    parts = [name for name, lacking in (("link", footer.link), ("address", footer.address)) if lacking]
    easy = not displayed.html and at == len(displayed.decoded) and footer.plain(recipe)
    return Insertion(at, at, around.text, f"footer injected: {', '.join(parts)}", easy)


class _Around:
    """A footer is the same in all copies but for the URL; what stands around it is kept for URLs of one length."""

    def __init__(self, write: Text, html: bool, link: bool) -> None:
        """`link`: whether there is a URL in it at all."""
        self._write = write
        self._html = html
        self._link = link
        self._kind: tuple[str, int] | None = None
        self._before = self._after = ""

    def text(self, copy: CopyRecipe) -> str:
        """The footer of one copy."""
        url = escape(copy.opt_out_url) if self._html else copy.opt_out_url
        url = url if self._link else ""
        kind = (copy.why, len(url))
        if kind != self._kind:
            written = self._write(copy)
            self._before, _, self._after = written.partition(url) if url else (written, "", "")
            self._kind = kind
        return f"{self._before}{url}{self._after}"


def _newline(displayed: DisplayedPart, pen: Pen) -> str:
    """CRLF, but in a base64 part whose lines end with LF alone."""
    if displayed.part.encoding != "base64" or "\r\n".encode(pen.codec) in displayed.decoded:
        return "\r\n"
    return "\n" if "\n".encode(pen.codec) in displayed.decoded else "\r\n"
