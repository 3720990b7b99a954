"""CSS declarations as browsers take them: strings, brackets, escapes, priorities; what is invalid is left out."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|\"[^\"]*\"|'[^']*'", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_GROUPED = re.compile(r"[\"'(\[{\\]")
_TOKEN = re.compile(r"\\.|\"(?:[^\"\\\n]|\\.)*(?:\"|\n|\Z)|'(?:[^'\\\n]|\\.)*(?:'|\n|\Z)|[()\[\]{};]", re.DOTALL)
_CLOSED_BY = {"(": ")", "[": "]", "{": "}"}
_IMPORTANT = re.compile(r"!\s*important\Z")

_ANYWHERE = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
_LENGTH = frozenset({"auto", "none", "normal", "min-content", "max-content", "fit-content", "stretch"})
_FONT_SIZES = frozenset({
    "xx-small", "x-small", "small", "medium", "large", "x-large", "xx-large", "xxx-large", "smaller", "larger",
})  # fmt: skip
_KEYWORDS: dict[str, frozenset[str]] = {
    "visibility": frozenset({"visible", "hidden", "collapse"}),
    "position": frozenset({"static", "relative", "absolute", "fixed", "sticky", "-webkit-sticky"}),
    "overflow": frozenset({"visible", "hidden", "clip", "scroll", "auto", "overlay"}),
    "font-size": _FONT_SIZES,
    "line-height": frozenset({"normal"}),
    **dict.fromkeys(("height", "width", "max-height", "max-width", "text-indent", "letter-spacing"), _LENGTH),
}
"""Properties whose invalid values are known for sure: a browser ignores the declaration, what stood before counts."""

Declared = dict[str, tuple[str, bool]]
"""Property to (value, important), lower case."""


def declarations(text: str) -> Declared:
    """What a block declares; a later declaration wins unless an earlier is important (CSS Syntax 3 §5.4.4)."""
    found: Declared = {}
    if "/*" in text:
        text = _COMMENT.sub(lambda found: "" if found[0][0] == "/" else found[0], text)
    escaped = "\\" in text
    for one in _split(text) if _GROUPED.search(text) else text.split(";"):
        name, colon, value = (_ESCAPE.sub(_letter, one) if escaped else one).lower().partition(":")
        if not colon:
            continue
        name, value = name.strip(), value.strip()
        important = "!" in value
        if important:
            value, marks = _IMPORTANT.subn("", value)
            if not marks or "!" in value:
                continue
            value = value.rstrip()
        if (name not in _KEYWORDS or _is_valid(name, value)) and (important or not found.get(name, ("", False))[1]):
            found[name] = (value, important)
    return found


def hex_unescaped(css: str) -> str:
    """Hexadecimal escapes of letters undone; other escapes stay, so that '.sm\\:hide' is one class still."""
    return _ESCAPE.sub(lambda found: _letter(found) if found[1] else found[0], css) if "\\" in css else css


def _letter(found: re.Match[str]) -> str:
    if not found[1]:
        return found[2]
    number = int(found[1], 16)
    letter = chr(number) if 0 < number < 0xD800 else "\ufffd"
    return letter if letter.isalnum() or letter in "-_" else f"\\{letter}" if letter in ":./" else " "


def _split(text: str) -> list[str]:
    """At semicolons outside strings and brackets; what is left open runs to the end."""
    pieces: list[str] = []
    closing: list[str] = []
    start = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in _CLOSED_BY:
            closing.append(_CLOSED_BY[mark])
        elif closing and mark == closing[-1]:
            closing.pop()
        elif mark == ";" and not closing:
            pieces.append(text[start : token.start()])
            start = token.end()
    pieces.append(text[start:])
    return pieces


def _is_valid(name: str, value: str) -> bool:
    known = _KEYWORDS[name]
    if value in known or value in _ANYWHERE or "(" in value:
        return bool(value)
    if known is _FONT_SIZES or known is _LENGTH or name == "line-height":
        return value[:1].isdigit() or value[:1] in ("+", "-", ".")
    return name == "overflow" and all(word in known for word in value.split())
