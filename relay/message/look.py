"""How an element looks: what is inherited, and whether a reader sees text that looks so (clause 5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from relay.message.colour import BLACK, LINK, WHITE, Rgb, contrast

MIN_FONT = 6.0
"""Pixels; smaller text counts as hidden."""
MIN_OPACITY = 0.3
EASY_CONTRAST = 4.5
"""What text of any size should have (WCAG 2.2 §1.4.3)."""
MIN_CONTRAST = 1.5
"""Text below this is in or near its background's colour; the palest honest footers have about 2."""


class Seen(IntEnum):
    """Whether a reader sees something."""

    YES = 0
    DOUBT = 1
    NO = 2


@dataclass(slots=True)
class Look:
    """How an element's own text looks; reasons are words for `check`."""

    gone: str = ""
    doubt: str = ""
    visible: bool = True
    font: float = 16.0
    line: float = 0.0
    """Line height in pixels; 0: normal."""
    colour: Rgb | None = BLACK
    behind: Rgb | None = WHITE
    """Background; None where we cannot tell."""
    opacity: float = 1.0
    link: Rgb | None = LINK
    disturbs: bool = False
    """Whether the element itself may lie over others or change their order; not inherited."""

    def copy(self) -> Look:
        """A look of its own to change; dataclasses.replace() takes three times as long."""
        return Look(
            self.gone, self.doubt, self.visible, self.font, self.line,
            self.colour, self.behind, self.opacity, self.link,
        )  # fmt: skip

    def box_seen(self) -> tuple[Seen, str]:
        """Whether the place an element takes is on view, whatever its text looks like."""
        if self.gone or not self.visible:
            return Seen.NO, self.gone or "visibility:hidden"
        if self.opacity < MIN_OPACITY:
            return Seen.NO, "opacity near zero"
        return (Seen.DOUBT, self.doubt) if self.doubt else (Seen.YES, "")

    @property
    def pale(self) -> bool:
        """Whether text that is seen is hard to read; unknown colours are not held against it."""
        if self.colour is None or self.behind is None:
            return False
        return self.opacity * (contrast(self.colour, self.behind) - 1) + 1 < EASY_CONTRAST

    def text_seen(self) -> tuple[Seen, str]:
        seen, why = self.box_seen()
        if seen is Seen.NO:
            return seen, why
        if self.font < MIN_FONT:
            return Seen.NO, f"text of {self.font:g}px"
        if self.colour is not None and self.behind is not None:
            if contrast(self.colour, self.behind) < MIN_CONTRAST:
                return Seen.NO, "text in the colour of its background"
        elif seen is Seen.YES:
            return Seen.DOUBT, "colours cannot be told"
        if 0 < self.line < 4 and seen is Seen.YES:
            return Seen.DOUBT, "lines of no height"
        return seen, why


ROOT = Look()
