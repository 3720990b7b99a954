"""Nothing may follow the reply to STARTTLS before TLS is up (RFC 3207 §4.2, RELIABILITY.md row 5)."""

from __future__ import annotations

import asyncio
from typing import cast

import aiosmtplib


class OneReplyOnly(asyncio.Protocol):
    """Stands between the transport and aiosmtplib while STARTTLS is answered; more than one reply ends the link."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        """Takes its place at once."""
        if client.protocol is None or client.transport is None:
            raise aiosmtplib.SMTPServerDisconnected("it closed the connection")
        self.injected = False
        self._reader = client.protocol
        self._transport = cast(asyncio.Transport, client.transport)
        self._seen = b""
        self._transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if _beyond_first_reply(self._seen):
            self.injected = True
            self._transport.abort()
        self._reader.data_received(data)

    def eof_received(self) -> bool:
        return self._reader.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reader.connection_lost(exc)

    def pause_writing(self) -> None:
        self._reader.pause_writing()

    def resume_writing(self) -> None:
        self._reader.resume_writing()


def _beyond_first_reply(octets: bytes) -> bool:
    """Whether anything stands behind the last line of the first reply."""
    position = 0
    while (end := octets.find(b"\n", position)) >= 0:
        if octets[position + 3 : position + 4] != b"-":
            return end + 1 < len(octets)
        position = end + 1
    return False
