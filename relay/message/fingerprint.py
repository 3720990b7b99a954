"""What makes two letters the same to their readers: visible text without what differs for each (clause 2.2)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from selectolax.lexbor import LexborHTMLParser

from relay.message.parts import DisplayedPart, Message

_DIGITS = re.compile(r"\d+")


def content_fingerprint(message: Message, displayed: Sequence[DisplayedPart]) -> str:
    """128 bits in hex over the visible words; addresses, numbers and links count as alike.

    Of a message that shows no words: over its body as it came.
    """
    words = " ".join([_masked(word) for one in displayed for word in _visible(one).casefold().split()])
    octets = words.encode("utf-8", "replace") if words else message.raw[message.root.body :]
    return hashlib.sha256(octets).hexdigest()[:32]


def _visible(one: DisplayedPart) -> str:
    text = one.decoded.decode(one.charset, "replace")
    if not one.html:
        return text
    parser = LexborHTMLParser(text)
    parser.strip_tags(["script", "style", "head", "title"])
    return parser.body.text(separator=" ") if parser.body is not None else ""


def _masked(word: str) -> str:
    if "@" in word:
        return "@"
    if "://" in word or word.startswith("www."):
        return "://"
    return _DIGITS.sub("#", word)
