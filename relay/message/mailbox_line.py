"""The line `From PERSON DATE` that mailbox files put before each message (RFC 4155); it is no part of the message."""

from __future__ import annotations

import re

_MAILBOX_LINE = re.compile(rb">*From [^\r\n]*\r\n")


def without_mailbox_line(raw: bytes) -> bytes:
    """The message itself: clients that send a file as it lies send that line too, and no mail server minds."""
    found = _MAILBOX_LINE.match(raw)
    return raw[found.end() :] if found else raw
