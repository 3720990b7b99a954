"""What CSS properties, tags and attributes do to whether a person sees a thing (clause 5.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from relay.message.colour import colour
from relay.message.look import Look
from relay.message.selectors import Box

_FAR = 100.0
"""Pixels beyond which an offset may push text off the screen."""

GONE_TAGS = frozenset({
    "head", "script", "style", "template", "title", "noscript", "object", "embed", "iframe", "svg",
    "math", "audio", "video", "canvas", "select", "option", "datalist", "textarea", "noframes",
    "noembed", "dialog", "frameset",
})  # fmt: skip
_SHOWN_DISPLAYS = frozenset({
    "block", "inline", "inline-block", "table", "inline-table", "table-row", "table-cell",
    "table-row-group", "table-header-group", "table-footer-group", "table-caption", "list-item", "flex",
    "inline-flex", "grid", "inline-grid", "contents", "flow-root", "initial", "inherit", "unset",
    "revert", "-webkit-box", "-webkit-inline-box", "-ms-flexbox", "-ms-inline-flexbox",
})  # fmt: skip
_LENGTH = re.compile(r"([+-]?\d*\.?\d+)(px|pt|em|rem|%|vw|vh|in|cm|mm|pc|ex|ch)?")
_PIXELS = {"px": 1.0, "pt": 1.333, "in": 96.0, "cm": 37.8, "mm": 3.78, "pc": 16.0, "vw": 6.0, "vh": 6.0}
_KEYWORDS = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0}
_FONT_TAG = {"1": 10.0, "2": 13.0, "3": 16.0, "4": 18.0, "5": 24.0, "6": 32.0, "7": 48.0}
_FONT_SIZE = re.compile(r"(?:^|\s)(\d*\.?\d+(?:px|pt|em|rem|%)?)(?:\s*/\s*\S+)?\s+\S")


@dataclass(slots=True)
class Frame:
    """What a declaration needs besides the look: properties judged together once all are known."""

    look: Look
    parent: Look
    declared_colour: str = ""
    overflow: bool = False
    small: bool = False
    position: bool = False
    offset: bool = False


def presentation(box: Box, frame: Frame) -> None:
    """What tags and attributes say before any style does (HTML §15)."""
    look, tag, attributes = frame.look, box.tag, box.attributes
    background = attributes.get("bgcolor")
    if attributes.get("background"):
        look.behind = None
    if background:
        look.behind = colour(background.strip().lower(), look.behind)
    if tag == "a" and attributes.get("href") is not None:
        look.colour = look.link
    elif tag == "font":
        if attributes.get("color"):
            look.colour = colour((attributes["color"] or "").strip().lower(), look.behind)
        look.font = _FONT_TAG.get((attributes.get("size") or "").strip(), look.font)
    elif tag == "body":
        if attributes.get("text"):
            look.colour = colour((attributes["text"] or "").strip().lower(), look.behind)
        if attributes.get("link"):
            look.link = colour((attributes["link"] or "").strip().lower(), look.behind)
    elif tag == "marquee" or (tag == "details" and "open" not in attributes):
        look.doubt = look.doubt or f"<{tag}>"


def together(frame: Frame) -> None:
    look = frame.look
    if frame.small:
        if frame.overflow:
            look.gone = look.gone or "a box of no size"
        else:
            look.doubt = look.doubt or "a box of no size"
    if frame.position and frame.offset:
        look.doubt = look.doubt or "moved away"
    if frame.declared_colour:
        shown = colour(frame.declared_colour, look.behind)
        if frame.declared_colour not in ("inherit", "currentcolor", "unset"):
            look.colour = shown
        else:
            look.colour = frame.parent.colour


def pixels(value: str, font: float) -> float | None:
    """A CSS length in pixels; None for percentages of a box, keywords and calculations."""
    found = _LENGTH.fullmatch(value)
    if found is None:
        return None
    number, unit = float(found[1]), found[2]
    if unit in ("em", "ch", "ex"):
        return number * font
    if unit == "rem":
        return number * 16
    if unit == "%":
        return 0.0 if number == 0 else None
    return number * _PIXELS.get(unit or "px", 1.0)


def _display(frame: Frame, value: str) -> None:
    if value == "none":
        frame.look.gone = "display:none"
    elif value not in _SHOWN_DISPLAYS:
        frame.look.doubt = f"display:{value}"


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
    if size is not None:
        frame.look.font = size
    elif "(" in value:
        frame.look.doubt = "a font size that cannot be told"


def _font(frame: Frame, value: str) -> None:
    found = _FONT_SIZE.search(value)
    if found is not None:
        _font_size(frame, found[1])


def _line_height(frame: Frame, value: str) -> None:
    found = _LENGTH.fullmatch(value)
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
    if "url(" in value or "gradient" in value:
        look.behind = None
        return
    for token in re.split(r"\s+(?![^(]*\))", value):
        shown = colour(token, frame.parent.behind)
        if shown is not None:
            look.behind = shown
            return
    if "var(" in value:
        look.behind = None


def _background_colour(frame: Frame, value: str) -> None:
    if value not in ("inherit", "initial", "unset", "none", ""):
        frame.look.behind = colour(value, frame.parent.behind)


def _background_image(frame: Frame, value: str) -> None:
    if "url(" in value or "gradient" in value:
        frame.look.behind = None


def _size(frame: Frame, value: str) -> None:
    size = pixels(value, frame.look.font)
    if size is not None and size < 4:
        frame.small = frame.small or size <= 0 or frame.overflow or size < 2


def _overflow(frame: Frame, value: str) -> None:
    frame.overflow = frame.overflow or "hidden" in value or "clip" in value


def _position(frame: Frame, value: str) -> None:
    if value in ("absolute", "fixed"):
        frame.look.doubt = f"position:{value}"
    frame.position = value in ("relative", "sticky")


def _offset(frame: Frame, value: str) -> None:
    distance = pixels(value, frame.look.font)
    frame.offset = frame.offset or (abs(distance) > _FAR if distance is not None else value != "auto")


def _indent(frame: Frame, value: str) -> None:
    distance = pixels(value.split(" ")[0], frame.look.font)
    if distance is None or abs(distance) > _FAR:
        frame.look.doubt = "text indented away"


def _margin(frame: Frame, value: str) -> None:
    for one in value.split():
        distance = pixels(one, frame.look.font)
        if "(" in one or (distance is not None and distance <= -_FAR / 2):
            frame.look.doubt = "a margin that moves it away"


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


def _layer(frame: Frame, value: str) -> None:
    if value.startswith("-"):
        frame.look.doubt = "behind something else"


_HARMLESS = frozenset({"none", "initial", "unset", "auto", "inherit", "normal", "1", "100%", ""})
_MOVES_OR_CUTS = (
    "transform", "-webkit-transform", "-ms-transform", "clip", "clip-path", "-webkit-clip-path",
    "filter", "mask", "-webkit-mask", "mask-image", "mso-hide", "zoom",
    "animation", "-webkit-animation", "content-visibility", "translate", "scale", "rotate", "offset-path",
)  # fmt: skip
PROPERTIES: dict[str, Callable[[Frame, str], None]] = {
    "display": _display, "visibility": _visibility, "opacity": _opacity, "font-size": _font_size,
    "font": _font, "line-height": _line_height, "color": _colour, "-webkit-text-fill-color": _colour,
    "background": _background, "background-color": _background_colour,
    "background-image": _background_image, "height": _size, "max-height": _size, "width": _size,
    "max-width": _size, "overflow": _overflow, "overflow-x": _overflow, "overflow-y": _overflow,
    "position": _position, "left": _offset, "top": _offset, "right": _offset, "bottom": _offset,
    "text-indent": _indent, "margin": _margin, "margin-left": _margin, "margin-right": _margin,
    "margin-top": _margin, "margin-bottom": _margin, "letter-spacing": _spacing, "z-index": _layer,
    "pointer-events": _pointer,
    **{name: _doubtful(name) for name in _MOVES_OR_CUTS},
}  # fmt: skip
