"""Opt-out placeholders and URLs in long texts: a few letters are searched first, the grammar only around them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relay.message.placeholders import OPT_OUT_PATTERN

_REACH = 48
"""Characters around 'unsub' within which every placeholder that has it lies."""
URL = re.compile(
    rf"(?P<mark>{OPT_OUT_PATTERN.pattern})|(?:https?://|mailto:|www\.)[^\s<>\"\x00-\x20\x7f\u2028\u2029]+",
    re.IGNORECASE,
)
"""A URL as people write it in text, or an opt-out placeholder."""


def opt_out_marks(text: str, lower: str) -> Iterator[re.Match[str]]:
    """Every opt-out placeholder, in order; `lower` is the text in lower case, character for character."""
    at = lower.find("unsub")
    end = 0
    while at >= 0:
        found = OPT_OUT_PATTERN.search(text, max(end, at - _REACH), at + _REACH)
        if found is not None:
            yield found
            end = found.end()
        at = lower.find("unsub", max(end, at + 5))


def urls(text: str, lower: str | None = None) -> Iterator[re.Match[str]]:
    """Every URL and opt-out placeholder, in order; `lower` is the text in lower case, where it is known already."""
    lower = text.lower() if lower is None else lower
    if len(lower) != len(text):
        # A few capital letters have longer small ones; then the grammar reads all of it.
        yield from URL.finditer(text)
        return
    starts = sorted({*_schemes(lower), *[found.start() for found in opt_out_marks(text, lower)]})
    end = 0
    for start in starts:
        found = URL.match(text, start) if start >= end else None
        if found is not None:
            yield found
            end = found.end()


def _schemes(lower: str) -> Iterator[int]:
    for sign in ("://", "mailto:", "www."):
        at = lower.find(sign)
        while at >= 0:
            if sign != "://":
                yield at
            elif lower.endswith("https", 0, at):
                yield at - 5
            elif lower.endswith("http", 0, at):
                yield at - 4
            at = lower.find(sign, at + 1)
