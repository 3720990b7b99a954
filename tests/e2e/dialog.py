"""SMTP as a client sees it: whole replies, in order, and the one form every refusal has (INTERFACE.md §3)."""

from __future__ import annotations

import contextlib
import re
import smtplib
from collections.abc import Sequence

REF = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
"""A ULID (Crockford's base 32)."""

REFUSAL = re.compile(
    r"(?P<code>[45]\d\d) (?P<enhanced>[45]\.\d{1,3}\.\d{1,3}) (?P<rule>[a-z]+(?:\.[a-z_]+)?): (?P<what>[\x20-\x7e]+)"
    rf" \[(?P<ref>{REF})\] (?P<url>https?://[^ /]+(?P<path>/r/(?P=ref)\.[a-z2-7]{{16}}))"
)
ACCEPTED = re.compile(rf"250 2\.0\.0 (?P<ref>{REF}) accepted(?: for [0-9a-z ]+)?")
MAX_REPLY = 510


def line(code: int, text: bytes) -> str:
    """A reply as it came, without its line end; several lines stay apart."""
    return f"{code} {text.decode('ascii')}"


def refusal(reply: str) -> re.Match[str]:
    """The parts of a refusal; AssertionError for anything that has not the one form."""
    found = REFUSAL.fullmatch(reply)
    assert found is not None, reply
    assert len(reply.encode()) <= MAX_REPLY
    return found


def rule(reply: str) -> str:
    """Code, enhanced code and rule: `550 5.7.1 consent.missing`; the reply itself where it is no refusal."""
    found = REFUSAL.fullmatch(reply)
    return f"{found['code']} {found['enhanced']} {found['rule']}" if found else reply


def send(
    client: smtplib.SMTP,
    sender: str,
    recipients: Sequence[str],
    octets: bytes | None = None,
    *,
    options: Sequence[str] = (),
) -> list[str]:
    """MAIL, every RCPT, and DATA where a message is given and anybody was taken: each reply."""
    client.ehlo_or_helo_if_needed()
    replies = [line(*client.mail(sender, options))]
    if replies[0].startswith("250"):
        replies += [line(*client.rcpt(recipient)) for recipient in recipients]
        if octets is not None and any(reply.startswith("25") for reply in replies[1:]):
            replies.append(line(*client.data(octets)))
    with contextlib.suppress(smtplib.SMTPServerDisconnected):  # some refusals end the session
        client.rset()
    return replies


def accepted(reply: str) -> str:
    """The REF of an acceptance."""
    found = ACCEPTED.fullmatch(reply)
    assert found is not None, reply
    return found["ref"]
