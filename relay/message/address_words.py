"""The words of postal addresses, each in the one spelling in which addresses are compared (clause 5.1)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?<![^\W_])[a-z]{1,2}\d[a-z\d]?\s{0,2}\d(?!st|nd|rd|th)[a-z]{2}(?![^\W_])"  # a British post code
    r"|\d+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]+"
)
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_MARKS = re.compile(r"[\u0300-\u036f]")
_DOTTED = re.compile(r"\.\s?")
_DASH = re.compile(r"[-\u2013]")
_SAME = {
    # Each spelling by the one both sides are compared in.
    "jln": "jl", "jalan": "jl", "gang": "gg", "gedung": "gd", "gdg": "gd", "lantai": "fl", "lt": "fl", "blok": "bl",
    "blk": "bl", "kavling": "kav", "kelurahan": "kel", "desa": "ds", "kecamatan": "kec", "kabupaten": "kab",
    "komplek": "komp", "kompleks": "komp", "perumahan": "perum", "jenderal": "jend", "jendral": "jend",
    "kolonel": "kol", "kapten": "kapt", "letnan": "let", "haji": "h", "dokter": "dr", "raden": "r", "gubernur": "gub",
    "street": "st", "saint": "st", "avenue": "ave", "av": "ave", "road": "rd", "boulevard": "blvd", "bvd": "blvd",
    "boul": "blvd", "bd": "blvd", "lane": "ln", "drive": "dr", "court": "ct", "place": "pl", "square": "sq",
    "highway": "hwy", "parkway": "pkwy", "terrace": "ter", "crescent": "cres", "circle": "cir", "alley": "aly",
    "floor": "fl", "flr": "fl", "level": "fl", "building": "bldg", "mount": "mt", "fort": "ft", "center": "ctr",
    "centre": "ctr", "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw",
    "southeast": "se", "southwest": "sw", "str": "strasse", "platz": "pl", "allee": "al", "calle": "c",
    "avenida": "avda", "rue": "r", "piazza": "pza", "plaza": "pza", "postbox": "po box",
    # Provinces and states.
    "jabar": "jawa barat", "jateng": "jawa tengah", "jatim": "jawa timur", "sumut": "sumatera utara",
    "sumbar": "sumatera barat", "sumsel": "sumatera selatan", "kalbar": "kalimantan barat", "sumatra": "sumatera",
    "kaltim": "kalimantan timur", "kalsel": "kalimantan selatan", "kalteng": "kalimantan tengah",
    "sulsel": "sulawesi selatan", "sulut": "sulawesi utara", "ntb": "nusa tenggara barat",
    "ntt": "nusa tenggara timur",
    "diy": "di yogyakarta", "jogjakarta": "yogyakarta", "jogja": "yogyakarta", "jaksel": "jakarta selatan",
    "jakpus": "jakarta pusat", "jakbar": "jakarta barat", "jaktim": "jakarta timur", "jakut": "jakarta utara",
    "alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
    "connecticut": "ct", "delaware": "de", "florida": "fl", "georgia": "ga", "hawaii": "hi", "idaho": "id",
    "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks", "kentucky": "ky", "louisiana": "la",
    "maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi", "minnesota": "mn", "mississippi": "ms",
    "missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv", "ohio": "oh", "oklahoma": "ok",
    "oregon": "or", "pennsylvania": "pa", "tennessee": "tn", "texas": "tx", "utah": "ut", "vermont": "vt",
    "virginia": "va", "wisconsin": "wi", "wyoming": "wy", "ontario": "on", "quebec": "qc", "alberta": "ab",
    "victoria": "vic", "queensland": "qld", "tasmania": "tas",
}  # fmt: skip
_SAME_TWO = {
    ("new", "hampshire"): "nh", ("new", "jersey"): "nj", ("new", "mexico"): "nm", ("new", "york"): "ny",
    ("n", "carolina"): "nc", ("n", "dakota"): "nd", ("rhode", "island"): "ri", ("s", "carolina"): "sc",
    ("s", "dakota"): "sd", ("w", "va"): "wv", ("british", "columbia"): "bc", ("post", "office"): "po",
    ("united", "kingdom"): "uk", ("great", "britain"): "uk", ("united", "states"): "usa", ("new", "zealand"): "nz",
    ("p", "o"): "po", ("d", "c"): "dc", ("post", "box"): "po box",
}  # fmt: skip
SPELLINGS = frozenset({part for one in (*_SAME.values(), *_SAME_TWO.values()) for part in one.split()})
"""Words that may have been written otherwise."""
_SILENT = frozenset({
    "no", "nomor", "nr", "num", "number", "nomer", "n°", "kota", "th", "kode", "pos", "prov", "provinsi", "propinsi",
    "suite", "ste", "unit", "apt", "apartment", "room", "rm", "郵", "便", "番", "号",
})  # fmt: skip
"""Words that may stand or be left out without another place being meant."""
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_LETTERS_OF_COUNTRIES = frozenset(
    {"a", "b", "ch", "cz", "d", "dk", "e", "f", "fin", "i", "l", "n", "nl", "p", "pl", "s"}
)
COUNTRIES = frozenset({
    "indonesia", "usa", "us", "deutschland", "germany", "uk", "france", "netherlands", "nederland", "singapore",
    "malaysia", "australia", "canada", "japan", "india", "spain", "españa", "espana", "italy", "italia", "austria",
    "österreich", "osterreich", "switzerland", "schweiz", "suisse", "belgium", "ireland", "sweden", "norway",
    "denmark", "poland", "polska", "finland", "portugal", "brazil", "brasil", "mexico", "méxico", "nz", "philippines",
    "thailand", "vietnam", "england", "scotland", "wales", "united kingdom", "united states", "new zealand",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text, as it is compared, and where it stands."""

    text: str
    start: int
    end: int


def readable(text: str) -> str:
    """Text without invisible characters, its letters in one form: the text that offsets of words are in."""
    return text if text.isascii() else unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def address_words(text: str) -> list[Word]:
    """The words of a text as readable() gives it."""
    plain = text.lower() if text.isascii() else text.casefold()
    if len(plain) != len(text):
        plain = text.lower() if len(text.lower()) == len(text) else text
    raw = [Word(found[0], found.start(), found.end()) for found in _TOKEN.finditer(plain)]
    found: list[Word] = []
    for at, word in enumerate(raw):
        if not _is_mark(raw, at, plain):
            found += _canonical(word)
    return _in_one_order(_joined(found, plain))


def spelt_one_way(word: str) -> bool:
    """Whether no abbreviation, mark or leading zero can make the word look otherwise in ASCII text."""
    if not word.isascii():
        return False
    return word.isdigit() or (len(word) > 3 and word.isalpha() and word not in SPELLINGS)


def _is_mark(raw: list[Word], at: int, plain: str) -> bool:
    """Whether a word only marks a number: 6th, D-10115."""
    word = raw[at]
    if word.text in _ORDINALS:
        return at > 0 and raw[at - 1].end == word.start and raw[at - 1].text.isdigit()
    if word.text not in _LETTERS_OF_COUNTRIES or at + 1 == len(raw):
        return False
    number = raw[at + 1]
    between = plain[word.end : number.start]
    return number.text.isdigit() and len(number.text) in (4, 5) and _DASH.fullmatch(between) is not None


def _canonical(word: Word) -> list[Word]:
    text = word.text
    if text.isdigit():
        # RT 001 is RT 1; a post code keeps its zeros.
        return [Word(text.lstrip("0") or "0" if len(text) <= 3 else text, word.start, word.end)]
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold().replace("ß", "ss")
    if any(c.isdigit() for c in text):
        text = "".join(text.split())
    for ending in ("strasse", "str"):
        if len(text) > len(ending) + 2 and text.endswith(ending):
            return [Word(text[: -len(ending)], word.start, word.end), Word("strasse", word.start, word.end)]
    text = _SAME.get(text, text)
    return [Word(one, word.start, word.end) for one in text.split() if one not in _SILENT]


def _joined(found: list[Word], plain: str) -> list[Word]:
    """Words that are written in pieces: I.L., P. O., New York."""
    joined: list[Word] = []
    for word in found:
        last = joined[-1] if joined else None
        if last is None:
            joined.append(word)
            continue
        two = _SAME_TWO.get((last.text, word.text))
        between = plain[last.end : word.start]
        if two is not None:
            joined[-1:] = [Word(one, last.start, word.end) for one in two.split()]
        elif _is_initial(word, plain) and _is_initials(last, plain) and _DOTTED.fullmatch(between):
            joined[-1] = Word(last.text + word.text, last.start, word.end)
        else:
            joined.append(word)
    return joined


def _is_initial(word: Word, plain: str) -> bool:
    return len(word.text) == 1 and word.text.isalpha() and plain[word.end : word.end + 1] == "."


def _is_initials(word: Word, plain: str) -> bool:
    """One letter, or several that were joined: each has its dot in the text."""
    letters = word.text.isalpha() and plain[word.end : word.end + 1] == "."
    return (
        letters
        and len(word.text) == sum(c.isalpha() for c in plain[word.start : word.end])
        and (len(word.text) == 1 or "." in plain[word.start : word.end])
    )


def _in_one_order(found: list[Word]) -> list[Word]:
    """'RT/RW 1/2' as 'RT 1 RW 2', '6 floor' as 'floor 6'."""
    for at in range(len(found) - 1):
        here, following = found[at], found[at + 1]
        if (here.text, following.text) == ("rt", "rw") and at + 3 < len(found) and found[at + 2].text.isdigit():
            found[at + 1], found[at + 2] = found[at + 2], following
        elif (
            here.text.isdigit()
            and following.text == "fl"
            and not (at + 2 < len(found) and found[at + 2].text.isdigit() and len(found[at + 2].text) < 4)
        ):
            found[at], found[at + 1] = following, here
    return found
