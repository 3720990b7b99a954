"""One element's look while its declarations are taken: what only several of them together tell, and CSS lengths."""

from __future__ import annotations

import re
from dataclasses import dataclass

from relay.message.look import Look

LENGTH = re.compile(r"([+-]?\d*\.?\d+)(px|pt|em|rem|%|vw|vh|in|cm|mm|pc|ex|ch)?")
_PIXELS = {"px": 1.0, "pt": 1.333, "in": 96.0, "cm": 37.8, "mm": 3.78, "pc": 16.0, "vw": 6.0, "vh": 6.0}


@dataclass(slots=True)
class Frame:
    """What a declaration needs besides the look: properties judged together once all are known."""

    look: Look
    parent: Look
    tag: str = ""
    declared_colour: str = ""
    overflow: bool = False
    height: float | None = None
    """Pixels a box is held to."""
    width: float | None = None
    position: bool = False
    offset: bool = False
    picture: bool = False
    """A background that is a picture: what colour lies under it does not tell."""
    ground: bool = False
    """A background of its own."""
    reordered: bool = False
    """Shown in another order than it stands in."""
    lifted: bool = False
    """Out of the flow, or drawn up over what stands before it."""


def pixels(value: str, font: float) -> float | None:
    """A CSS length in pixels; None for percentages of a box, keywords and calculations."""
    found = LENGTH.fullmatch(value)
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
