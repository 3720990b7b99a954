"""A load generator for what smtp-source cannot send: a body that differs in every message, over kept sessions."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import uvloop

NUMBER = b"No. 00000000"
"""Stands in the message's text; each message gets a number of its own there."""


class Session:
    """One kept SMTP session that sends messages one after another, each command after the reply to the last."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def expect(self, code: bytes) -> None:
        """The next reply; ConnectionError where it is another one."""
        while True:
            line = await self._reader.readline()
            if line[3:4] != b"-":
                break
        if not line.startswith(code):
            raise ConnectionError(f"wanted {code!r}, got {line!r}")

    async def say(self, line: bytes, code: bytes) -> None:
        self._writer.write(line + b"\r\n")
        await self.expect(code)

    async def send(self, sender: bytes, recipient: bytes, octets: bytes) -> None:
        """One message."""
        await self.say(b"MAIL FROM:<" + sender + b">", b"250")
        await self.say(b"RCPT TO:<" + recipient + b">", b"250")
        await self.say(b"DATA", b"354")
        await self.say(octets + b"\r\n.", b"250")


async def _session(port: int, sender: bytes, recipient: bytes, messages: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    session = Session(reader, writer)
    await session.expect(b"220")
    await session.say(b"EHLO bench.localhost", b"250")
    for octets in messages:
        await session.send(sender, recipient, octets)
    await session.say(b"QUIT", b"221")
    writer.close()


async def run(port: int, message: bytes, count: int, sessions: int, sender: bytes, recipient: bytes) -> None:
    """Send `count` messages, no two with the same body, as fast as the server takes them."""
    before, _, after = message.partition(NUMBER)
    numbers = itertools.islice(itertools.count(1), count)
    messages = (b"%bNo. %08d%b" % (before, number, after) for number in numbers)
    await asyncio.gather(*[_session(port, sender, recipient, messages) for _ in range(sessions)])


def main() -> None:
    port, file, count, sessions, sender, recipient = sys.argv[1:]
    octets = Path(file).read_bytes().replace(b"\n", b"\r\n")
    uvloop.run(run(int(port), octets, int(count), int(sessions), sender.encode(), recipient.encode()))


if __name__ == "__main__":
    main()
