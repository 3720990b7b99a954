"""What CSS properties, tags and attributes do to whether a person sees a thing (clause 5.5)."""

from __future__ import annotations

import re
from collections.abc import Callable

from relay.message.colour import colour
from relay.message.frame import LENGTH, Frame, pixels
from relay.message.moving import MOVING
from relay.message.selectors import Box

_NOTHING = 2.0
_NARROW = 40.0
_STEP = 1.2
"""What 'smaller' and <small> divide a font size by."""

GONE_TAGS = frozenset({
    "head", "script", "style", "template", "title", "noscript", "object", "embed", "iframe", "svg",
    "math", "audio", "video", "canvas", "select", "option", "datalist", "textarea", "noframes",
    "noembed", "dialog", "frameset", "rp", "meter", "progress", "area", "param",
})  # fmt: skip
SMALLER = frozenset({"small", "sub", "sup"})
DOUBTFUL_TAGS = frozenset({"marquee", "details", "thead", "caption", "bdo"})
"""Closed, moving, turned round, or shown above what stands before them."""
_SHOWN_DISPLAYS = frozenset({
    "block", "inline", "inline-block", "table", "inline-table", "table-row", "table-cell",
    "table-row-group", "table-footer-group", "list-item", "flex",
    "inline-flex", "grid", "inline-grid", "contents", "flow-root", "initial", "inherit", "unset",
    "revert", "-webkit-box", "-webkit-inline-box", "-ms-flexbox", "-ms-inline-flexbox",
})  # fmt: skip
_KEYWORDS = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0,
    "xx-large": 32.0, "xxx-large": 48.0, "initial": 16.0,
}  # fmt: skip
_FONT_TAG = {"1": 10.0, "2": 13.0, "3": 16.0, "4": 18.0, "5": 24.0, "6": 32.0, "7": 48.0}
_FONT_SIZE = re.compile(
    r"(?:^|\s)([+-]?[\d.][\w.+-]*%?|(?:xx?-)?(?:small|large)|medium|smaller|larger)(?:\s*/\s*\S+)?\s+[^\s\d]"
)
_FONT_WEIGHT = re.compile(r"(?:^|\s)[1-9]00(?=\s)")
_SYMBOLS = re.compile(r"dings|\bsymbol\b|adobe blank|\bblokk|redacted|flow (?:block|circular|rounded)|barcode")
"""Fonts that show signs in place of letters."""


def presentation(box: Box, frame: Frame) -> None:
    """What tags and attributes say before any style does (HTML §15)."""
    look, tag, attributes = frame.look, box.tag, box.attributes
    background = attributes.get("bgcolor")
    if background:
        look.behind = colour(background.strip().lower(), look.behind)
        frame.ground = True
    if attributes.get("background"):
        look.behind, frame.picture = None, True
    if "inert" in attributes:
        look.doubt = look.doubt or "a part that takes no click"
    if tag == "a" and attributes.get("href") is not None:
        look.colour = look.link
    elif tag == "font":
        if attributes.get("color"):
            look.colour = colour((attributes["color"] or "").strip().lower(), look.behind)
        look.font = _FONT_TAG.get((attributes.get("size") or "").strip(), look.font)
        _family(frame, (attributes.get("face") or "").lower())
    elif tag in SMALLER:
        look.font /= _STEP
    elif tag == "body":
        if attributes.get("text"):
            look.colour = colour((attributes["text"] or "").strip().lower(), look.behind)
        if attributes.get("link"):
            look.link = colour((attributes["link"] or "").strip().lower(), look.behind)
    elif tag in DOUBTFUL_TAGS and not (tag == "details" and "open" in attributes):
        look.doubt = look.doubt or f"<{tag}>"


def together(frame: Frame) -> None:
    """What only all declarations together tell."""
    look = frame.look
    sides = [one for one in (frame.height, frame.width) if one is not None]
    if any(one < _NOTHING for one in sides):
        if frame.overflow:
            look.gone = look.gone or "a box of no size"
        else:
            look.doubt = look.doubt or "a box of no size"
    elif frame.overflow and (frame.height is not None or (frame.width is not None and frame.width < _NARROW)):
        look.doubt = look.doubt or "a box that may cut it off"
    if frame.position and frame.offset:
        look.doubt = look.doubt or "moved away"
    over = frame.ground and (frame.lifted or (frame.position and frame.offset))
    look.disturbs = (over or frame.reordered) and not look.gone
    if frame.declared_colour:
        shown = colour(frame.declared_colour, look.behind)
        if frame.declared_colour not in ("inherit", "currentcolor", "unset"):
            look.colour = shown
        else:
            look.colour = frame.parent.colour


def _display(frame: Frame, value: str) -> None:
    if value == "none":
        frame.look.gone = "display:none"
    elif value not in _SHOWN_DISPLAYS:
        frame.look.doubt = f"display:{value}"
        frame.reordered = value == "table-header-group" and frame.tag != "thead"


def _visibility(frame: Frame, value: str) -> None:
    if value in ("hidden", "collapse"):
        frame.look.visible = False
    elif value in ("visible", "initial"):
        frame.look.visible = True


def _opacity(frame: Frame, value: str) -> None:
    try:
        share = float(value.rstrip("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        frame.look.doubt = "opacity that cannot be told"
        return
    frame.look.opacity = frame.parent.opacity * share


def _font_size(frame: Frame, value: str) -> None:
    parent = frame.parent.font
    size = _KEYWORDS.get(value)
    if size is None and value.endswith("%"):
        try:
            size = parent * float(value[:-1]) / 100
        except ValueError:
            size = None
    if size is None:
        size = pixels(value, parent)
    if value in ("smaller", "larger"):
        size = parent / _STEP if value == "smaller" else parent * _STEP
    if size is not None:
        frame.look.font = size
    elif value not in _INHERITED:
        frame.look.doubt = "a font size that cannot be told"


def _font(frame: Frame, value: str) -> None:
    found = _FONT_SIZE.search(_FONT_WEIGHT.sub("", value))
    if found is not None:
        _font_size(frame, found[1])
    elif any(c.isdigit() for c in value):
        frame.look.doubt = "a font size that cannot be told"
    _family(frame, value)


def is_of_signs(family: str) -> bool:
    """Whether a list of fonts names one that shows signs in place of letters."""
    return _SYMBOLS.search(family) is not None


def _family(frame: Frame, value: str) -> None:
    if is_of_signs(value):
        frame.look.doubt = "signs in place of letters"


def _line_height(frame: Frame, value: str) -> None:
    found = LENGTH.fullmatch(value)
    if found is None:
        frame.look.line = 0.0
    elif found[2] is None:
        frame.look.line = float(found[1]) * frame.look.font or 0.01
    else:
        height = pixels(value, frame.look.font)
        frame.look.line = 0.0 if height is None else height or 0.01


def _colour(frame: Frame, value: str) -> None:
    frame.declared_colour = value


def _background(frame: Frame, value: str) -> None:
    look = frame.look
    frame.ground = frame.ground or value not in _NO_GROUND
    if "url(" in value or "gradient" in value or "image" in value:
        look.behind, frame.picture = None, True
        return
    for token in re.split(r"\s+(?![^(]*\))", value):
        shown = colour(token, frame.parent.behind)
        if shown is not None:
            look.behind = shown
            return
    if "var(" in value:
        look.behind = None


def _background_colour(frame: Frame, value: str) -> None:
    frame.ground = frame.ground or value not in _NO_GROUND
    if value not in ("inherit", "initial", "unset", "none", ""):
        frame.look.behind = colour(value, frame.parent.behind) if not frame.picture else None


def _background_image(frame: Frame, value: str) -> None:
    if "(" in value:
        frame.look.behind, frame.picture = None, True


def _doubtful(name: str) -> Callable[[Frame, str], None]:
    def take(frame: Frame, value: str) -> None:
        if value not in _HARMLESS:
            frame.look.doubt = name

    return take


def _spacing(frame: Frame, value: str) -> None:
    distance = pixels(value, frame.look.font)
    if distance is not None and distance < -2:
        frame.look.doubt = "letters pushed together"


def _pointer(frame: Frame, value: str) -> None:
    if value == "none":
        frame.look.doubt = "a link that takes no click"


def _bidi(frame: Frame, value: str) -> None:
    if "override" in value:
        frame.look.doubt = "letters in another order"


_INHERITED = frozenset({"inherit", "unset", "revert", "revert-layer"})
_NO_GROUND = frozenset({"none", "transparent", "initial", "unset", "inherit", ""})
_HARMLESS = frozenset({"none", "initial", "unset", "auto", "inherit", "normal", "1", "100%", "currentcolor", ""})
_MOVES_OR_CUTS = (
    "transform", "-webkit-transform", "-ms-transform", "clip", "clip-path", "-webkit-clip-path",
    "filter", "mask", "-webkit-mask", "mask-image", "mso-hide", "zoom",
    "animation", "-webkit-animation", "animation-name", "-webkit-animation-name", "content-visibility",
    "translate", "scale", "rotate", "offset-path", "-webkit-mask-image", "mix-blend-mode", "content",
    "-webkit-text-fill-color", "-webkit-text-security", "text-size-adjust", "-webkit-text-size-adjust",
    "-ms-text-size-adjust", "-moz-transform", "-o-transform", "-moz-animation", "perspective",
    "shape-outside", "columns", "column-count",
)  # fmt: skip
PROPERTIES: dict[str, Callable[[Frame, str], None]] = {
    "display": _display, "visibility": _visibility, "opacity": _opacity, "font-size": _font_size,
    "font": _font, "line-height": _line_height, "color": _colour,
    "background": _background, "background-color": _background_colour,
    "background-image": _background_image, "letter-spacing": _spacing,
    "pointer-events": _pointer, "font-family": _family, "unicode-bidi": _bidi,
    **MOVING,
    **{name: _doubtful(name) for name in _MOVES_OR_CUTS},
}  # fmt: skip
