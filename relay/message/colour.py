"""CSS colours, and how far apart two of them are to the eye (WCAG 2.2 contrast)."""

from __future__ import annotations

import re

Rgb = tuple[int, int, int]
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)
LINK: Rgb = (0, 0, 238)
"""What a link has where nothing else is said."""

_NUMBER = re.compile(r"-?\d*\.?\d+")
_HEX = re.compile(r"#?([0-9a-f]{3,8})")
_NAMED = {
    "black": "000000", "silver": "c0c0c0", "gray": "808080", "grey": "808080", "white": "ffffff",
    "maroon": "800000", "red": "ff0000", "purple": "800080", "fuchsia": "ff00ff", "magenta": "ff00ff",
    "green": "008000", "lime": "00ff00", "olive": "808000", "yellow": "ffff00", "navy": "000080",
    "blue": "0000ff", "teal": "008080", "aqua": "00ffff", "cyan": "00ffff", "orange": "ffa500",
    "whitesmoke": "f5f5f5", "snow": "fffafa", "ivory": "fffff0", "gainsboro": "dcdcdc", "linen": "faf0e6",
    "lightgray": "d3d3d3", "lightgrey": "d3d3d3", "darkgray": "a9a9a9", "darkgrey": "a9a9a9",
    "dimgray": "696969", "dimgrey": "696969", "ghostwhite": "f8f8ff", "floralwhite": "fffaf0",
    "aliceblue": "f0f8ff", "azure": "f0ffff", "honeydew": "f0fff0", "mintcream": "f5fffa",
    "seashell": "fff5ee", "beige": "f5f5dc", "lavender": "e6e6fa", "antiquewhite": "faebd7",
    "lightyellow": "ffffe0", "cornsilk": "fff8dc", "pink": "ffc0cb", "brown": "a52a2a", "gold": "ffd700",
    "tomato": "ff6347", "crimson": "dc143c", "indigo": "4b0082", "slategray": "708090",
    "slategrey": "708090", "lightslategray": "778899", "darkslategray": "2f4f4f", "midnightblue": "191970",
    "steelblue": "4682b4", "royalblue": "4169e1", "dodgerblue": "1e90ff", "darkblue": "00008b",
    "lightblue": "add8e6", "skyblue": "87ceeb", "darkgreen": "006400", "darkred": "8b0000",
    "coral": "ff7f50", "salmon": "fa8072", "khaki": "f0e68c", "tan": "d2b48c", "wheat": "f5deb3",
    "buttontext": "000000", "canvas": "ffffff", "canvastext": "000000", "windowtext": "000000",
    "window": "ffffff", "linktext": "0000ee",
}  # fmt: skip


def colour(text: str, behind: Rgb | None) -> Rgb | None:
    """The colour a value shows over what is behind it; None where we cannot tell."""
    if text in _NAMED:
        text = _NAMED[text]
    if text == "transparent":
        return behind
    if text.startswith(("rgb", "hsl")):
        return _function(text, behind)
    found = _HEX.fullmatch(text)
    return _hex(found[1], behind) if found else None


def _hex(digits: str, behind: Rgb | None) -> Rgb | None:
    if len(digits) in (3, 4):
        digits = "".join(c + c for c in digits)
    if len(digits) not in (6, 8):
        return None
    value = (int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16))
    if len(digits) == 6:
        return value
    return _blended(value, int(digits[6:8], 16) / 255, behind)


def _function(text: str, behind: Rgb | None) -> Rgb | None:
    numbers = [float(n) for n in _NUMBER.findall(text)]
    if len(numbers) < 3 or "var(" in text or "calc(" in text:
        return None
    share = text.count("%")
    alpha = numbers[3] if len(numbers) > 3 else 1.0
    if len(numbers) > 3 and text.rstrip(" )").endswith("%"):
        alpha, share = alpha / 100, share - 1
    if text.startswith("hsl"):
        value = _from_hsl(numbers[0], numbers[1] / 100, numbers[2] / 100)
    else:
        scale = 2.55 if share >= 3 else 1.0
        value = (_octet(numbers[0] * scale), _octet(numbers[1] * scale), _octet(numbers[2] * scale))
    return _blended(value, alpha, behind)


def _from_hsl(hue: float, saturation: float, lightness: float) -> Rgb:
    """CSS Color 4 §7.1."""
    reach = saturation * min(lightness, 1 - lightness)

    def channel(n: int) -> int:
        k = (n + hue / 30) % 12
        return _octet(255 * (lightness - reach * max(-1.0, min(k - 3, 9 - k, 1.0))))

    return channel(0), channel(8), channel(4)


def _octet(value: float) -> int:
    return max(0, min(255, round(value)))


def _blended(value: Rgb, alpha: float, behind: Rgb | None) -> Rgb | None:
    if alpha >= 1:
        return value
    if behind is None:
        return None
    return (
        _octet(value[0] * alpha + behind[0] * (1 - alpha)),
        _octet(value[1] * alpha + behind[1] * (1 - alpha)),
        _octet(value[2] * alpha + behind[2] * (1 - alpha)),
    )


def contrast(one: Rgb, other: Rgb) -> float:
    """1 (the same) to 21 (black on white)."""
    light, dark = _luminance(one), _luminance(other)
    if light < dark:
        light, dark = dark, light
    return (light + 0.05) / (dark + 0.05)


def _luminance(value: Rgb) -> float:
    red, green, blue = (_LINEAR[n] for n in value)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_LINEAR = [n / 255 / 12.92 if n <= 10 else ((n / 255 + 0.055) / 1.055) ** 2.4 for n in range(256)]
