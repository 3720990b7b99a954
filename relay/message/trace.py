"""Trace fields and the fields a message must have: Received, Date, Message-ID, MIME-Version."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from relay.message.header_fields import header_field
from relay.message.recipe import Recipe


def mail_date(seconds: int) -> str:
    """Seconds since the epoch as RFC 5322 §3.3 writes them, in UTC."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def received(recipe: Recipe) -> bytes:
    """Our Received field (RFC 5321 §4.4)."""
    return header_field("Received", f"{recipe.received_from}; {mail_date(recipe.date)}")


def missing(present: frozenset[str], recipe: Recipe) -> list[tuple[str, bytes]]:
    """Fields RFC 6409 §8 lets a submission server add, as (lower-case name, octets)."""
    values = {}
    if "date" not in present:
        values["Date"] = mail_date(recipe.date)
    if "message-id" not in present:
        values["Message-ID"] = f"<{recipe.ref}.{recipe.nonce}@{recipe.hostname}>"
    if "mime-version" not in present and any(name.startswith("content-") for name in present):
        values["MIME-Version"] = "1.0"
    return [(name.lower(), header_field(name, value)) for name, value in values.items()]
