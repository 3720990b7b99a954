"""What may be shown of a value that can hold a password."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r"(?i)\b(password|passwd|sslpassword)=[^&\s]*")


def masked(text: str) -> str:
    """A URL without its password: smtps://user:***@host:465. Other text comes back as it is."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text
    login, at, place = rest.rpartition("@")
    if at:
        user, colon, _ = login.partition(":")
        rest = f"{user}{':***' if colon else ''}@{place}"
    return _PARAMETER.sub(r"\1=***", f"{scheme}://{rest}")
