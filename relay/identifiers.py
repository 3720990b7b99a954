"""REFs: ULIDs, time-ordered and unique over processes (DESIGN.md §5)."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SIGNS = frozenset(_ALPHABET)
_AS_PYTHON = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]

_NAME = re.compile(r"[a-z0-9-]{2,32}", re.ASCII)


def is_name(text: str) -> bool:
    """Whether the text may name an account, list, credential or identity (INTERFACE.md §1)."""
    return _NAME.fullmatch(text) is not None


def new_ref(milliseconds: int | None = None) -> str:
    """A 26-character ULID: 48 bits of Unix milliseconds, 80 random bits, Crockford base32."""
    at = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    number = (at << 80) | int.from_bytes(os.urandom(10))
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def is_ref(text: str) -> bool:
    """Whether the text has a REF's form."""
    return len(text) == 26 and text[0] <= "7" and _SIGNS.issuperset(text)


def ref_number(ref: str) -> int:
    """The 128-bit number of a REF; ValueError where it is none."""
    if not is_ref(ref):
        raise ValueError("not a REF")
    return int(ref.translate(_AS_PYTHON), 32)


def ref_at(ref: str) -> datetime:
    """When a REF was made; ValueError where it is none."""
    return datetime.fromtimestamp((ref_number(ref) >> 80) / 1000, UTC)


def ref_prefix(ref: str) -> int:
    """The first 64 bits: what a token carries of a REF (48 bits of time, 16 random)."""
    return ref_number(ref) >> 64
