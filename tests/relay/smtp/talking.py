"""A server on port 0 and a client that speaks to it octet by octet."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from recording_stages import RecordingStages

from config.schema import Limits, Listener, Tls
from relay.smtp.server import SmtpServer

WAIT = 5.0
LIMITS = Limits()


class Client:
    """What a raw socket client can do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, text: str | bytes) -> None:
        self.writer.write(text.encode("latin-1") if isinstance(text, str) else text)

    async def line(self) -> str:
        """One line without CRLF; '' at the end of input."""
        async with asyncio.timeout(WAIT):
            return (await self.reader.readline()).decode().removesuffix("\r\n")

    async def reply(self) -> list[str]:
        """All lines of one reply."""
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return lines

    async def say(self, command: str | bytes) -> str:
        """Send one command with CRLF; the last line of its reply."""
        self.send(command + (b"\r\n" if isinstance(command, bytes) else "\r\n"))
        return (await self.reply())[-1]

    async def rest(self) -> str:
        """Everything until the server closes."""
        async with asyncio.timeout(WAIT):
            try:
                return (await self.reader.read()).decode()
            except ConnectionError:
                return ""

    async def start_tls(self) -> None:
        await self.writer.start_tls(trusting(), server_hostname="localhost")

    def close(self) -> None:
        self.writer.close()


def trusting() -> ssl.SSLContext:
    """Takes the server's self-signed certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclasses.dataclass(slots=True)
class Relay:
    server: SmtpServer
    stages: RecordingStages
    implicit: bool = False

    async def connect(self, greet: bool = True, local: str | None = None) -> Client:
        bound = self.server.bound[0]
        context = trusting() if self.implicit else None
        reader, writer = await asyncio.open_connection(
            bound.host, bound.port, ssl=context, local_addr=(local, 0) if local else None
        )
        client = Client(reader, writer)
        if greet:
            assert (await client.line()).startswith("220 ")
        return client

    async def closed(self, left: int = 0) -> None:
        """Wait until only so many connections are left."""
        async with asyncio.timeout(WAIT):
            while self.server.connections > left:  # noqa: ASYNC110 - the server has no event for its clients' end
                await asyncio.sleep(0.005)

    async def hello(self, local: str | None = None) -> Client:
        client = await self.connect(local=local)
        await client.say("EHLO client.test")
        return client

    async def in_data(self, recipient: str = "bob@example.org") -> Client:
        """A session that was told 354."""
        client = await self.hello()
        await client.say("MAIL FROM:<news@acme.test>")
        await client.say(f"RCPT TO:<{recipient}>")
        assert (await client.say("DATA")).startswith("354 ")
        return client


def listener(kind: str = "bulk", tls: str = "none", **more: object) -> Listener:
    trusted = ("127.0.0.0/8",) if kind == "bulk" else ()
    return dataclasses.replace(Listener(kind, "127.0.0.1:0", tls, trusted=trusted), **more)  # type: ignore[arg-type]


@asynccontextmanager
async def serving(
    data_dir: Path, one: Listener, limits: Limits = LIMITS, hostname: str = "mx.test"
) -> AsyncIterator[Relay]:
    stages = RecordingStages()
    server = SmtpServer(stages, hostname=hostname, limits=limits, tls=Tls(), data_dir=data_dir, delay=0.0)
    await server.start([one], reuse_port=False)
    try:
        yield Relay(server, stages, one.tls == "implicit")
    finally:
        await server.drain(0.0)
