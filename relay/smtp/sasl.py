"""SASL PLAIN (RFC 4616) and LOGIN as SMTP carries them (RFC 4954 §4); what a client may send and what it means."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from policies.verdict import Reply
from relay.smtp import replies

MAX_LINE = 1024
"""Octets of one response; longer ones cannot be a login of ours (RELIABILITY.md row 35)."""

Ask = Callable[[bytes], Awaitable[bytes | None]]
"""Sends a challenge (base64, after 334) and gives the client's line; None: the client has gone."""


class SaslFault(Exception):
    """The exchange ended without a login; `reply` says why, None: the client has gone."""

    def __init__(self, reply: Reply | None) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Login:
    """What the client claims to be; the password is kept out of every repr."""

    login: str
    password: bytes = field(repr=False)
    authzid: str = ""


async def plain(initial: str | None, ask: Ask) -> Login:
    """authzid NUL authcid NUL password, in one response."""
    response = _decode(initial.encode()) if initial is not None else await _answer(ask, b"")
    parts = response.split(b"\0")
    if len(parts) != 3:
        raise SaslFault(replies.AUTH_NOT_PLAIN)
    authzid, login, password = parts
    return Login(_text(login), password, _text(authzid))


async def login(initial: str | None, ask: Ask) -> Login:
    """Name and password, each asked for; the name may come with the command."""
    name = _decode(initial.encode()) if initial is not None else await _answer(ask, b"Username:")
    return Login(_text(name), await _answer(ask, b"Password:"))


async def _answer(ask: Ask, challenge: bytes) -> bytes:
    line = await ask(b64encode(challenge))
    if line is None:
        raise SaslFault(None)
    if line == b"*":
        raise SaslFault(replies.AUTH_CANCELLED)
    return _decode(line)


def _decode(line: bytes) -> bytes:
    if len(line) > MAX_LINE:
        raise SaslFault(replies.AUTH_TOO_LONG)
    if line == b"=":
        return b""  # An empty initial response (RFC 4954 §4).
    try:
        return b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise SaslFault(replies.AUTH_NOT_BASE64) from None


def _text(name: bytes) -> str:
    """A name that is no UTF-8 names nobody: it goes on, to be refused like any wrong one."""
    return name.decode("utf-8", "replace")
