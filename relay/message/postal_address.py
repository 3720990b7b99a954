"""Whether the registered postal address stands in a text: tolerant of how it is written, not of what it says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from relay.message.address_words import COUNTRIES, Word, address_words, readable, spelt_one_way

_NEAR = 0.6
"""Share of the address' words within one stretch that makes a text look like the address."""


@dataclass(frozen=True, slots=True)
class AddressFound:
    """Where an address stands in a text; `exact` is the registered one, else one that only looks like it."""

    exact: bool
    start: int
    """Offset in the text without its invisible characters."""
    excerpt: str


class RegisteredAddress:
    """A registered postal address, ready to be looked up in footers."""

    def __init__(self, text: str) -> None:
        self._words = [word.text for word in address_words(readable(text))]
        if len(self._words) > 3 and self._words[-1] in COUNTRIES:
            # Mail within a country leaves its name out.
            self._words.pop()
        telling = [word.encode() for word in self._words if len(word) > 3 or word.isdigit()]
        self._telling = sorted(telling, key=len, reverse=True)[:12]
        self._anchor = max((word for word in self._words if spelt_one_way(word)), key=len, default="")
        """A word that must stand as it is wherever the address does, in ASCII text."""
        self._reach = 4 * len(text) + 200

    def may_stand_in(self, lower: bytes) -> bool:
        """A cheap look whether half of the address' telling words stand anywhere in lower-case octets."""
        if not all(word.isascii() for word in self._telling):
            return bool(self._words)
        missing = 0
        for word in self._telling:
            missing += word not in lower
            if missing * 2 > len(self._telling):
                return False
        return bool(self._telling)

    def find(self, text: str) -> AddressFound | None:
        """The registered address, else the stretch most like it, else None."""
        wanted = self._words
        if not wanted:
            return None
        if text.isascii() and self._anchor:
            lower = text.lower()
            exact = self._around_anchor(text, lower)
            if exact is not None or not self.may_stand_in(lower.encode()):
                return exact
        elif not text.isascii():
            text = readable(text)
        held = address_words(text)
        return self._exact(text, held) or self._near(text, held)

    def stands_in(self, text: str) -> bool:
        """Whether the registered address itself stands there."""
        found = self.find(text)
        return found is not None and found.exact

    def _around_anchor(self, text: str, lower: str) -> AddressFound | None:
        """The last exact address, looked for only near the one word it cannot be without."""
        at = lower.rfind(self._anchor)
        while at >= 0:
            start = max(0, at - self._reach)
            piece = text[start : at + self._reach]
            found = self._exact(piece, address_words(piece))
            if found is not None:
                return AddressFound(True, start + found.start, found.excerpt)
            at = lower.rfind(self._anchor, 0, max(0, at - self._reach // 2))
        return None

    def _exact(self, text: str, held: list[Word]) -> AddressFound | None:
        wanted, size = self._words, len(self._words)
        for at in range(len(held) - size, -1, -1):
            if held[at].text == wanted[0] and all(held[at + n].text == wanted[n] for n in range(size)):
                first, last = held[at], held[at + size - 1]
                if not _runs_on(text, first.start, last.end):
                    return AddressFound(True, first.start, _excerpt(text, first, last))
        return None

    def _near(self, text: str, held: list[Word]) -> AddressFound | None:
        size = len(self._words)
        wanted = Counter(self._words)
        window: Counter[str] = Counter()
        best, best_at, common = 0, -1, 0
        for at, word in enumerate(held):
            window[word.text] += 1
            common += window[word.text] <= wanted[word.text]
            if at >= size + 2:
                gone = held[at - size - 2].text
                common -= window[gone] <= wanted[gone]
                window[gone] -= 1
            if common > best:
                best, best_at = common, at
        if size < 3 or best < _NEAR * size:
            return None
        first, last = held[max(best_at - size, 0)], held[best_at]
        return AddressFound(False, first.start, _excerpt(text, first, last))


def _excerpt(text: str, first: Word, last: Word) -> str:
    return " ".join(text[first.start : last.end].split())[:160]


def _runs_on(text: str, start: int, end: int) -> bool:
    """Whether a number at either end is only a piece of another: 12A, 5-12, 10/3; a ZIP+4 is the same place."""
    if text[start].isdigit() and re.search(r"[\w/-]\Z", text[:start][-1:]):
        return True
    after = text[end : end + 6]
    if not text[end - 1].isdigit() or re.match(r"-\d{4}\b", after):
        return False
    blank = " ?" if re.search(r"(?<!\d)\d{1,3}\Z", text[max(end - 4, 0) : end]) else ""
    return bool(re.match(rf"[^\W_]|[/-]\d|{blank}[A-Za-z]\b(?!\.)", after))
