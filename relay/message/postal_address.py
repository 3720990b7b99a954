"""Whether the registered postal address stands in a text: tolerant of how it is written, not of what it says."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

_TOKEN = re.compile(r"\d+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_MARKS = re.compile(r"[\u0300-\u036f]")
_SAME = {
    # Each spelling by the one both sides are compared in.
    "jln": "jl", "jalan": "jl", "gang": "gg", "gedung": "gd", "gdg": "gd", "lantai": "lt", "blok": "bl",
    "blk": "bl", "kavling": "kav", "kelurahan": "kel", "desa": "ds", "kecamatan": "kec", "kabupaten": "kab",
    "provinsi": "prov", "propinsi": "prov", "komplek": "komp", "kompleks": "komp", "perumahan": "perum",
    "street": "st", "saint": "st", "avenue": "ave", "av": "ave", "road": "rd", "boulevard": "blvd",
    "bvd": "blvd", "lane": "ln", "drive": "dr", "court": "ct", "place": "pl", "square": "sq",
    "highway": "hwy", "parkway": "pkwy", "terrace": "ter", "crescent": "cres", "suite": "ste",
    "apartment": "apt", "floor": "fl", "level": "fl", "building": "bldg", "room": "rm", "mount": "mt",
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw",
    "southeast": "se", "southwest": "sw", "str": "strasse", "straße": "strasse", "platz": "pl",
    "allee": "al", "calle": "c", "avenida": "avda", "rue": "r", "piazza": "pza", "plaza": "pza",
}  # fmt: skip
_SPELLINGS = frozenset(_SAME.values())
_SILENT = frozenset({"no", "nomor", "nr", "num", "number", "nomer", "n°", "kota", "th", "kode", "pos"})
"""Words that may stand or be left out without another place being meant."""
COUNTRIES = frozenset({
    "indonesia", "usa", "us", "deutschland", "germany", "uk", "france", "netherlands", "nederland", "singapore",
    "malaysia", "australia", "canada", "japan", "india", "spain", "españa", "italy", "italia", "austria",
    "österreich", "switzerland", "schweiz", "belgium", "ireland", "sweden", "norway", "denmark", "poland",
    "portugal", "brazil", "brasil", "mexico", "méxico", "philippines", "thailand", "vietnam",
})  # fmt: skip
_NEAR = 0.6
"""Share of the address' words within one stretch that makes a text look like the address."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int


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
        self._words = [word.text for word in _words(text)]
        if len(self._words) > 3 and self._words[-1] in COUNTRIES:
            # Mail within a country leaves its name out.
            self._words.pop()
        telling = [word.encode() for word in self._words if len(word) > 3 or word.isdigit()]
        self._telling = sorted(telling, key=len, reverse=True)[:12]
        self._anchor = max((word for word in self._words if _is_spelt_one_way(word)), key=len, default="")
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
            text = _INVISIBLE.sub("", text)
        held = _words(text)
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
            found = self._exact(piece, _words(piece))
            if found is not None:
                return AddressFound(True, start + found.start, found.excerpt)
            at = lower.rfind(self._anchor, 0, max(0, at - self._reach // 2))
        return None

    def _exact(self, text: str, held: list[_Word]) -> AddressFound | None:
        wanted, size = self._words, len(self._words)
        for at in range(len(held) - size, -1, -1):
            if held[at].text == wanted[0] and all(held[at + n].text == wanted[n] for n in range(size)):
                first, last = held[at], held[at + size - 1]
                if not _runs_on(text, first.start, last.end):
                    return AddressFound(True, first.start, _excerpt(text, first, last))
        return None

    def _near(self, text: str, held: list[_Word]) -> AddressFound | None:
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


def _is_spelt_one_way(word: str) -> bool:
    """Whether no abbreviation, mark or leading zero can make the word look otherwise in ASCII text."""
    if not word.isascii() or word.endswith("strasse"):
        return False
    return word.isdigit() or word not in _SPELLINGS


def _excerpt(text: str, first: _Word, last: _Word) -> str:
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


def _words(text: str) -> list[_Word]:
    plain = text.lower() if text.isascii() else text.casefold()
    if len(plain) != len(text):
        plain = text.lower() if len(text.lower()) == len(text) else text
    found: list[_Word] = []
    for match in _TOKEN.finditer(plain):
        word = match[0]
        if not word.isascii():
            word = _MARKS.sub("", unicodedata.normalize("NFKD", word)).casefold()
        word = _canonical(word)
        if word and word not in _SILENT:
            found.append(_Word(word, match.start(), match.end()))
    return found


def _canonical(word: str) -> str:
    if word.isdigit():
        # RT 001 is RT 1; a post code keeps its zeros.
        return word.lstrip("0") or "0" if len(word) <= 3 else word
    if len(word) > 5 and word.endswith("str"):
        return f"{word}asse"
    return _SAME.get(word, word)
