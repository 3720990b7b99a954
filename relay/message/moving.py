"""What CSS properties do to where a box stands: out of the way, over others, cut off, in another order."""

from __future__ import annotations

from collections.abc import Callable

from relay.message.frame import LENGTH, Frame, pixels

_FAR = 100.0
"""Pixels beyond which an offset may push text off the screen."""
_WIDE = 300.0
"""Pixels of padding or margin that no footer has."""
_LIFT = 10.0
"""Pixels by which a box may be drawn up without covering a line."""
_HELD = frozenset({"visible", "initial", "unset", "inherit"})
_IN_ORDER = frozenset({"0", "none", "auto", "initial", "unset", "inherit"})


def _height(frame: Frame, value: str) -> None:
    size = pixels(value, frame.look.font)
    if size is not None:
        frame.height = size if frame.height is None else min(size, frame.height)


def _width(frame: Frame, value: str) -> None:
    size = pixels(value, frame.look.font)
    if size is not None:
        frame.width = size if frame.width is None else min(size, frame.width)


def _overflow(frame: Frame, value: str) -> None:
    frame.overflow = frame.overflow or value not in _HELD


def _position(frame: Frame, value: str) -> None:
    if value in ("absolute", "fixed"):
        frame.look.doubt = f"position:{value}"
        frame.lifted = True
    frame.position = value in ("relative", "sticky", "-webkit-sticky")


def _offset(frame: Frame, value: str) -> None:
    distance = pixels(value, frame.look.font)
    frame.offset = frame.offset or (abs(distance) > _FAR if distance is not None else value != "auto")


def _indent(frame: Frame, value: str) -> None:
    distance = pixels(value.split(" ")[0], frame.look.font)
    if distance is None or abs(distance) > _FAR:
        frame.look.doubt = "text indented away"


def _margin(frame: Frame, value: str) -> None:
    for one in value.split():
        distance = _shift(one, frame.look.font)
        if "(" in one or distance <= -_FAR / 2 or distance >= _WIDE:
            frame.look.doubt = "a margin that moves it away"
        frame.lifted = frame.lifted or distance <= -_LIFT


def _padding(frame: Frame, value: str) -> None:
    if any("(" in one or _shift(one, frame.look.font) >= _WIDE for one in value.split()):
        frame.look.doubt = "a padding that moves it away"


def _shift(value: str, font: float) -> float:
    """Pixels a margin or padding moves by; a share of a box as of one 600 pixels wide."""
    if value.endswith("%"):
        number = LENGTH.fullmatch(value)
        return 6 * float(number[1]) if number else 0.0
    return pixels(value, font) or 0.0


def _inset(frame: Frame, value: str) -> None:
    for one in value.split():
        _offset(frame, one)


def _order(frame: Frame, value: str) -> None:
    if value not in _IN_ORDER:
        frame.look.doubt, frame.reordered = "a box in another order", True


def _clamp(frame: Frame, value: str) -> None:
    if value not in _IN_ORDER:
        frame.look.doubt = "lines cut off"


def _flow(frame: Frame, value: str) -> None:
    if "reverse" in value:
        frame.look.doubt, frame.reordered = "a box in another order", True


def _layer(frame: Frame, value: str) -> None:
    if value.startswith("-"):
        frame.look.doubt = "behind something else"


_LOGICAL = ("inline", "block", "inline-start", "inline-end", "block-start", "block-end")
MOVING: dict[str, Callable[[Frame, str], None]] = {
    "height": _height, "max-height": _height, "block-size": _height, "max-block-size": _height,
    "width": _width, "max-width": _width, "inline-size": _width, "max-inline-size": _width,
    "overflow": _overflow, "overflow-x": _overflow, "overflow-y": _overflow,
    "position": _position, "left": _offset, "top": _offset, "right": _offset, "bottom": _offset,
    "text-indent": _indent, "z-index": _layer, "flex-direction": _flow, "flex-flow": _flow,
    **dict.fromkeys(("order", "grid-row", "grid-row-start", "grid-area"), _order),
    **dict.fromkeys(("-webkit-line-clamp", "line-clamp"), _clamp),
    **{f"inset{side}": _inset for side in ("", "-inline", "-block", "-inline-start", "-inline-end", "-block-start")},
    **{f"margin{side}": _margin for side in ("", "-left", "-right", "-top", "-bottom")},
    **{f"margin-{side}": _margin for side in _LOGICAL},
    **{f"padding{side}": _padding for side in ("", "-left", "-right", "-top", "-bottom")},
    **{f"padding-{side}": _padding for side in _LOGICAL},
}  # fmt: skip
