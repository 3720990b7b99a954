"""What elements other than text add to a displayed line: breaks, pictures, controls."""

from __future__ import annotations

from relay.message.bottom import Piece
from relay.message.declarations import declarations
from relay.message.frame import pixels
from relay.message.look import Look, Seen
from relay.message.selectors import Box

BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "li",
    "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "ul",
})  # fmt: skip
"""Elements that begin and end a line."""
BREAKS = frozenset({"br", "hr"})
UNSEEN = frozenset({"script", "style", "template", "title", "head", "meta", "link", "base", "noscript"})
"""Elements whose text is no text of the page."""
CONTROLS = frozenset({
    "input", "button", "iframe", "video", "object", "embed", "audio", "select", "textarea", "svg", "canvas",
})  # fmt: skip
"""Elements that show something of their own."""
_LOGO_WORDS = 3
_ICON = 64
"""Pixels; pictures no larger either way are icons or spacers."""


def control(box: Box, look: Look) -> Piece | None:
    """A control or embedded thing on view is content."""
    if box.tag == "input" and (box.attributes.get("type") or "").lower() == "hidden":
        return None
    if look.gone or not look.visible:
        return None
    return Piece("", look.box_seen()[0], object=True)


def picture(box: Box, look: Look, link: int, href: str) -> Piece | None:
    """A picture says what its alt says; without one it is content, unless it is as small as an icon."""
    seen = look.box_seen()[0]
    if seen is Seen.NO:
        return None
    alt = " ".join((box.attributes.get("alt") or "").split())
    width, height = _side(box, "width"), _side(box, "height")
    if _tiny(width) or _tiny(height):
        return None
    icon = _icon(width) or _icon(height)
    if link < 0:
        logo = _icon(width) and _icon(height) and alt.count(" ") < _LOGO_WORDS
        return None if (icon and not alt) or logo else Piece(alt, seen, object=not icon)
    # A link that is a picture is seen where the picture has words in its place when it is not loaded.
    return Piece(alt, seen if alt else Seen.DOUBT, link, href, object=not icon)


def is_painted(box: Box) -> bool:
    """Whether an element has a background picture of its own."""
    return bool(box.attributes.get("background")) or "url(" in (box.attributes.get("style") or "")


def painting(box: Box, look: Look) -> Piece | None:
    """A background picture in a box without text shows itself, unless it is as small as an icon."""
    height, width = _side(box, "height"), _side(box, "width")
    if height is None or _icon(height) or _icon(width) or look.box_seen()[0] is Seen.NO:
        return None
    return Piece("", Seen.DOUBT, object=True)


def _tiny(side: float | None) -> bool:
    return side is not None and side <= 2


def _icon(side: float | None) -> bool:
    return side is not None and side <= _ICON


def _side(box: Box, name: str) -> float | None:
    style = box.attributes.get("style")
    if style and name in style.lower():
        declared = declarations(style).get(name)
        if declared is not None:
            size = pixels(declared[0], 16.0)
            if size is not None:
                return size
    return pixels((box.attributes.get(name) or "").strip().lower(), 16.0)
