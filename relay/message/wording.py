"""Phrases looked up in text as people read it: case, punctuation and invisible characters do not matter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_NOT_WORD = re.compile(
    r"(?:(?![\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff\u1000-\u1049\u1780-\u17d3])[\W_])+"
)
"""Vowel signs and other marks belong to the letter they stand at, though Python calls them no word."""
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_UNSPACED = re.compile(
    r"[\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0590-\u06ff]"
)
"""Scripts written without spaces, or with prefixes glued to words: compared anywhere in the text."""


def words(text: str) -> str:
    """The text as its words, lower case, one blank between; compatibility forms and invisible signs undone."""
    if text.isascii():
        return _NOT_WORD.sub(" ", text.lower()).strip()
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    # Turkish İ lower-cases to i with a dot above; the dot is no part of any phrase.
    return _NOT_WORD.sub(" ", plain.casefold().replace("\u0307", "")).strip()


class Phrases:
    """A set of phrases; one ending in '*' may go on in its last word."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._by_start: dict[str, list[tuple[str, bool]]] = {}
        self._anywhere: list[str] = []
        for entry in entries:
            phrase = words(entry)
            if not phrase:
                continue
            if _UNSPACED.search(phrase):
                self._anywhere.append(phrase)
            self._by_start.setdefault(phrase[:3], []).append((phrase, entry.endswith("*")))

    def find(self, text: str) -> str:
        """The first phrase that stands in `text`, which is as words() gives it; empty: none."""
        at = 0
        size = len(text)
        by_start = self._by_start
        while at < size:
            for phrase, open_end in by_start.get(text[at : at + 3], ()):
                end = at + len(phrase)
                if text.startswith(phrase, at) and (end == size or open_end or text[end] == " "):
                    return phrase
            blank = text.find(" ", at)
            at = blank + 1 if blank >= 0 else size
        if self._anywhere and not text.isascii():
            return next((phrase for phrase in self._anywhere if phrase in text), "")
        return ""

    def whole(self, text: str) -> bool:
        """Whether the whole text is one of the phrases."""
        return any(phrase == text for phrase, _ in self._by_start.get(text[:3], ()))
