"""Words that an account supplied, fit for mail the platform itself signs: short, plain, and never a link."""

from __future__ import annotations

import re

MAX_WORDS = 80
"""Characters."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/+")
_LINKING_DOT = re.compile(r"(?<=\w)\.(?=[^\W\d])|(?<=[^\W\d])\.(?=\w)")


def plain_words(text: str) -> str:
    """At most 80 printable characters in one line, in which no mail program finds an address to make a link of."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    line = _LINKING_DOT.sub("·", _SCHEME.sub("", line)).replace("@", " at ")
    return line if len(line) <= MAX_WORDS else f"{line[: MAX_WORDS - 1].rstrip()}…"
