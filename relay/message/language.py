"""The language of a displayed text: what it says of itself, else a vote of the commonest words."""

from __future__ import annotations

import re

_TAG = re.compile(r"[a-z]{2,3}(?=-|_|\Z|,|;)")
_LETTERS_ALONE = {code: " " for code in range(128) if not chr(code).islower()}
"""Leaves small ASCII letters and blanks; other alphabets stay, their words tell nothing here."""
_SAMPLE = 2000
_GLANCE = 500
"""Characters at the end that are asked first; most texts say it there."""
_RTL = frozenset({"ar", "fa", "he", "iw", "ur", "ps", "yi", "dv", "ug", "sd", "ku"})
_RTL_LETTER = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_STOP_WORDS = {
    "en": frozenset(
        {"the", "and", "you", "your", "for", "with", "this", "that", "our", "are", "have", "from", "will", "not"}
    ),
    "id": frozenset(
        {
            "yang", "dan", "anda", "untuk", "dengan", "ini", "dari", "kami", "adalah", "akan", "tidak", "pada",
            "atau", "juga", "bisa", "kamu", "sudah",
        }
    ),
}  # fmt: skip
_TELLING = _STOP_WORDS["en"] | _STOP_WORDS["id"]
_ENOUGH = 3


def language_tag(text: str) -> str:
    """The primary language of a lang attribute or Content-Language; empty where it is none (RFC 5646)."""
    found = _TAG.match(text.strip().lower())
    return "" if found is None or found[0] == "und" else found[0]


def language_of(text: str) -> str:
    """'en' or 'id' where the commonest words say so clearly, else empty."""
    return _vote(text[-_GLANCE:]) or _vote(text[-_SAMPLE:])


def _vote(text: str) -> str:
    spoken = text.lower().translate(_LETTERS_ALONE).split()
    telling = [word for word in spoken if word in _TELLING]
    votes = {language: sum([word in common for word in telling]) for language, common in _STOP_WORDS.items()}
    best = max(votes, key=lambda language: votes[language])
    others = sum(votes.values()) - votes[best]
    return best if votes[best] >= _ENOUGH and votes[best] > 2 * others else ""


def right_to_left(language: str, text: str) -> bool:
    """Whether a text runs from right to left: by its language, else by most of its letters."""
    if language:
        return language in _RTL
    sample = text[-_SAMPLE:]
    if sample.isascii():
        return False
    return len(_RTL_LETTER.findall(sample)) * 2 > sum(c.isalpha() for c in sample)
