"""Pages and letters can be read by day and by night, links and buttons be hit (WCAG 2.2, 1.4.3 and 2.5.5)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "relay"
PAGE = (ROOT / "web" / "templates" / "page.html").read_text(encoding="utf-8")
LETTER = (ROOT / "enforcement" / "templates" / "refusals.html").read_text(encoding="utf-8")
PALETTES = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", rule)) for rule in re.findall(r":root {(.*?)}", PAGE)]
ON = [("ink", "card"), ("ink", "paper"), ("soft", "card"), ("soft", "paper"), ("act", "card"), ("act", "paper")]
ON += [("warn", "card"), ("act-ink", "act")]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", PALETTES, ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), ON, ids=" on ".join)
def test_every_ink_of_the_pages_stands_out_from_its_paper(palette: dict[str, str], ink: str, paper: str) -> None:
    assert contrast(palette[ink], palette[paper]) >= 4.5


def test_letters_have_the_colours_of_the_pages() -> None:
    used = set(re.findall(r"#[0-9a-f]{6}", LETTER))

    assert used <= {colour for palette in PALETTES for colour in palette.values()}


@pytest.mark.parametrize("selector", ["nav a, .reach", "button, .button", "summary"])
def test_what_is_touched_is_44_pixels_high(selector: str) -> None:
    (style,) = re.findall(rf"^{re.escape(selector)} {{(.*)}}$", PAGE, re.MULTILINE)
    (height,) = re.findall(r"min-height: ([0-9.]+)rem", style)

    assert float(height) * 16 >= 44
