"""Trace fields and the fields a message must have: Received, Date, Message-ID, MIME-Version."""

from __future__ import annotations

import time
from functools import lru_cache

from relay.message.header_fields import header_field
from relay.message.recipe import Recipe

_ALWAYS = frozenset({"date", "message-id", "mime-version"})
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=8)
def mail_date(seconds: int) -> str:
    """Seconds since the epoch as RFC 5322 §3.3 writes them, in UTC."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(seconds)
    at = f"{hour:02d}:{minute:02d}:{second:02d}"
    return f"{_DAYS[weekday]}, {day:02d} {_MONTHS[month - 1]} {year:04d} {at} +0000"


def received(recipe: Recipe) -> bytes:
    """Our Received field (RFC 5321 §4.4)."""
    return header_field("Received", f"{recipe.received_from}; {mail_date(recipe.date)}")


def missing(present: frozenset[str], recipe: Recipe) -> list[tuple[str, bytes]]:
    """Fields RFC 6409 §8 lets a submission server add, as (lower-case name, octets)."""
    if present >= _ALWAYS:
        return []
    values = {}
    if "date" not in present:
        values["Date"] = mail_date(recipe.date)
    if "message-id" not in present:
        values["Message-ID"] = f"<{recipe.ref}.{recipe.nonce}@{recipe.hostname}>"
    if "mime-version" not in present and any(name.startswith("content-") for name in present):
        values["MIME-Version"] = "1.0"
    return [(name.lower(), header_field(name, value)) for name, value in values.items()]
