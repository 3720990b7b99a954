"""A smarthost that records every octet it takes and fails where it is told to."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

RESET = "reset"
CLOSE = "close"
HANG = "hang"
GARBAGE = "garbage"
TAKE_AND_CLOSE = "take and close"
"""At the dot: the message is taken, the reply never comes."""


class Stage(StrEnum):
    """Where a fault strikes."""

    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"
    RSET = "rset"


@dataclass(frozen=True, slots=True)
class Taken:
    """One message this sink took."""

    reverse_path: str
    forward_paths: tuple[str, ...]
    parameters: str
    body: bytes
    """Dots taken off."""


@dataclass
class Sink:
    """An SMTP server on a free loopback port. `faults` maps a stage to what happens there.

    A fault is close, reset, hang, garbage, a reply line such as `451 4.3.0 busy`, or octets sent as they are.
    `fail_times` bounds how often a stage fails; without an entry it fails every time.
    """

    faults: dict[Stage, str | bytes] = field(default_factory=dict)
    fail_times: dict[Stage, int] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 26214400")
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    login: tuple[str, str] | None = None
    refuse: Callable[[str], str] = field(default=lambda _recipient: "")
    """A reply for a forward-path that is not taken; empty: taken."""
    silent: Callable[[Taken], bool] = field(default=lambda _taken: False)
    """Messages that are taken, and whose reply never comes."""
    thinks: float = 0.0
    """Seconds between a message's dot and the reply."""
    taken: list[Taken] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    """Bare CR, bare LF, NUL, unstuffed dots, lines over 998 octets, commands out of order."""
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    quit: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a client said QUIT."""
    _server: asyncio.Server | None = None
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Sink:
        context = self.tls if self.implicit_tls else None
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A large body must not fit into buffers: whoever sends it shall notice that nobody reads it.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
        listening.bind(("127.0.0.1", self.port))
        self._server = await asyncio.start_server(self._session, sock=listening, ssl=context, limit=1 << 18)
        self.port = listening.getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        assert not self.violations, self.violations

    async def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection, as a restarted server does."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def bodies_for(self, recipient: str) -> list[bytes]:
        """What this recipient would have got."""
        return [one.body for one in self.taken if recipient in one.forward_paths]

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await Dialogue(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError, Ended):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()


class Ended(Exception):
    """The session is over."""


class Dialogue:
    """One session with one client."""

    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink = sink
        self._reader = reader
        self._writer = writer
        self._secured = sink.implicit_tls
        self._forget()

    def _forget(self) -> None:
        self._reverse_path: str | None = None
        self._parameters = ""
        self._forward_paths: list[str] = []

    async def run(self) -> None:
        await self._say(Stage.BANNER, "220 sink.example ESMTP")
        while line := await self._reader.readline():
            self._check_command(line)
            text = line.decode("latin-1").rstrip("\r\n")
            self._sink.commands.append(text)
            await self._obey(text.partition(" ")[0].upper(), text)

    async def _obey(self, verb: str, text: str) -> None:
        match verb:
            case "EHLO":
                offers = [*self._sink.extensions, *(["STARTTLS"] if self._offers_tls() else [])]
                offers += ["AUTH PLAIN LOGIN"] if self._sink.login and (self._secured or not self._sink.tls) else []
                lines = ["sink.example", *offers]
                reply = "\r\n".join(f"250{'-' if one is not lines[-1] else ' '}{one}" for one in lines)
                await self._say(Stage.EHLO, reply)
            case "STARTTLS":
                await self._start_tls()
            case "AUTH":
                await self._auth(text)
            case "MAIL":
                self._reverse_path = text.partition("<")[2].partition(">")[0]
                self._parameters = text.partition(">")[2].strip()
                if not await self._say(Stage.MAIL, "250 2.1.0 Ok"):
                    self._forget()
            case "RCPT":
                await self._rcpt(text)
            case "DATA":
                await self._data()
            case "RSET":
                self._forget()
                await self._say(Stage.RSET, "250 2.0.0 Ok")
            case "QUIT":
                self._sink.quit.set()
                await self._write(b"221 2.0.0 Bye\r\n")
                raise Ended
            case _:
                await self._write(b"502 5.5.1 what?\r\n")

    def _offers_tls(self) -> bool:
        return self._sink.tls is not None and not self._secured

    async def _start_tls(self) -> None:
        if not await self._say(Stage.STARTTLS, "220 2.0.0 go ahead"):
            return
        assert self._sink.tls is not None
        await self._writer.start_tls(self._sink.tls)
        self._secured = True

    async def _auth(self, text: str) -> None:
        blob = base64.b64decode(text.split(" ")[2]).decode() if text.upper().startswith("AUTH PLAIN ") else ""
        right = self._sink.login is not None and blob == "\0{}\0{}".format(*self._sink.login)
        await self._say(Stage.AUTH, "235 2.7.0 welcome" if right else "535 5.7.8 wrong")

    async def _rcpt(self, text: str) -> None:
        address = text.partition("<")[2].partition(">")[0]
        refusal = self._sink.refuse(address)
        if self._reverse_path is None:
            await self._write(b"503 5.5.1 MAIL first\r\n")
        elif refusal:
            await self._write(refusal.encode() + b"\r\n")
        elif await self._say(Stage.RCPT, "250 2.1.5 Ok"):
            self._forward_paths.append(address)

    async def _data(self) -> None:
        if not self._forward_paths and Stage.DATA not in self._sink.faults:
            await self._write(b"503 5.5.1 no valid recipients\r\n")
            return
        if not await self._say(Stage.DATA, "354 go ahead"):
            return
        if Stage.BODY in self._sink.faults:
            await self._reader.readuntil(b"\n")
            await self._fault(Stage.BODY)
            raise Ended
        octets = await self._read_body()
        taken = Taken(self._reverse_path or "", tuple(self._forward_paths), self._parameters, self._unstuffed(octets))
        self._forget()
        if self._sink.faults.get(Stage.DOT) == TAKE_AND_CLOSE:
            self._sink.taken.append(taken)
            raise Ended
        if await self._fault(Stage.DOT):
            return
        if self._sink.thinks:
            await asyncio.sleep(self._sink.thinks)
        if taken.forward_paths:
            # Before the reply, as a real one does: whoever hangs up now sends it again, and we have it twice.
            self._sink.taken.append(taken)
        if self._sink.silent(taken):
            raise Ended
        await self._write(b"250 2.0.0 Ok: queued as 4SINK\r\n")

    async def _read_body(self) -> bytes:
        lines = [b"\r\n"]
        while not (lines[-1] == b".\r\n" and lines[-2].endswith(b"\r\n")):
            lines.append(await self._reader.readuntil(b"\n"))
        return b"".join(lines[1:-1])

    def _unstuffed(self, octets: bytes) -> bytes:
        """The message, and everything that must not be in it noted."""
        note = self._sink.violations.append
        if b"\0" in octets:
            note("NUL in the body")
        if octets.replace(b"\r\n", b"").strip(b"\r\n") != octets.replace(b"\r\n", b"") or any(
            one in octets.replace(b"\r\n", b"") for one in (b"\r", b"\n")
        ):
            note("bare CR or LF in the body")
        lines = octets.split(b"\r\n")
        if any(len(line) > 999 for line in lines):
            note("a line longer than 998 octets")
        if any(line.startswith(b".") and not line.startswith(b"..") for line in lines):
            note("an unstuffed dot")
        return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)

    def _check_command(self, line: bytes) -> None:
        if not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\0" in line or len(line) > 1024:
            self._sink.violations.append(f"command {line!r}")

    async def _say(self, stage: Stage, reply: str) -> bool:
        """The reply, or the fault of this stage instead; whether the good reply was given."""
        if await self._fault(stage):
            return False
        await self._write(reply.encode("latin-1") + b"\r\n")
        return reply[0] in "23"

    async def _fault(self, stage: Stage) -> bool:
        """Play the fault of this stage, if it has one left; raises Ended where that ends the session."""
        sink = self._sink
        fault = sink.faults.get(stage)
        if fault is None or sink.fail_times.get(stage, 1) <= 0:
            return False
        if stage in sink.fail_times:
            sink.fail_times[stage] -= 1
        match fault:
            case "hang":
                await asyncio.Event().wait()
            case "close":
                raise Ended
            case "reset":
                self._writer.transport.abort()
                raise Ended
            case "garbage":
                await self._write(b"\xff\xfe\x00 no reply at all\r\n")
            case bytes():
                await self._write(fault)
            case _:
                await self._write(fault.encode() + b"\r\n")
                if fault.startswith("421"):
                    raise Ended
        return True

    async def _write(self, octets: bytes) -> None:
        self._writer.write(octets)
        await self._writer.drain()
