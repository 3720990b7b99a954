"""One SMTP session from greeting to goodbye: the loop over its commands, and what a fault costs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import ClassVar

from policies.verdict import Reply
from relay.smtp import replies
from relay.smtp.door import Door
from relay.smtp.grammar import CommandFault
from relay.smtp.limits import FaultCount, Patience
from relay.smtp.service import Service
from relay.smtp.wire import Wire
from relay.transaction import Session, Transaction

Command = Callable[[str], Awaitable[None]]

_SHORT = 512
_LONGEST = {b"MAIL": 512 + 26 + 17 + 120 + 500 + 71, b"RCPT": 512 + 500, b"AUTH": 12_288 + 2}
"""Octets of a command line with CRLF: 512, and what SIZE, 8BITMIME, DSN, AUTH and XLIST add (row 10)."""

_HTTP = frozenset(("GET", "POST", "CONNECT", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"))
_TURN = 32
"""Commands of one group after which other sessions get a turn of the loop."""


class Conversation(Wire):
    """The commands are methods named smtp_VERB, as in aiosmtpd; subclasses add them."""

    verbs: ClassVar[dict[str, str]] = {}
    """Verb to name of its method; looked up once a class, not once a connection."""

    def __init_subclass__(cls) -> None:
        names = (name for name in dir(cls) if name.startswith("smtp_"))
        cls.verbs = {name.removeprefix("smtp_"): name for name in names}

    def __init__(self, door: Door, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(service, loop)
        self.door = door
        self._tx: Transaction | None = None
        self._accepted = 0
        self._ends_group = False
        """A DATA command was read and its message was not."""
        self._uncounted = True
        """Does not count against its address: trusted, authenticated or refused at once."""
        self.on_behalf_of: tuple[str, int] | None = None
        """The client's address and port where a listed proxy told them."""
        self._faults = FaultCount(service.limits.soft_errors, service.limits.hard_errors)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = self.on_behalf_of or transport.get_extra_info("peername") or ("", 0)
        door = self.door
        self.visit = Session(door.kind, door.bind, door.on_unavailable, str(peer[0]), int(peer[1]))
        self.visit.tls = describe_tls(transport)
        self._trusted = door.trusts(self.visit.client)
        self.service.sessions.begin(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.visit.left = True
        super().connection_lost(error)

    # ------------------------------------------------------------ the loop

    async def converse(self) -> None:
        """The whole session. Runs in a task of the server's that nothing of the client's cancels."""
        client = self.visit.client
        refusal = self._refusal(client)
        self._uncounted = self._trusted or refusal is not None
        self.service.connections.opened(client, self._uncounted)
        try:
            if refusal is None:
                await self._greet_and_serve()
            else:
                self._refuse(refusal)
                self.parted = True
            await self.hang_up()
        finally:
            for answered in self.visit.unread:
                await answered.lost()
            self.close_wire()
            self.service.connections.closed(client, self._uncounted)

    def _refusal(self, client: str) -> Reply | None:
        """Why this client may not even begin."""
        if self.service.draining:
            return replies.SHUTTING_DOWN
        if not self.door.admits(client):
            return replies.NOT_TRUSTED
        return self.service.connections.refusal(client, self._trusted)

    async def _greet_and_serve(self) -> None:
        # Two turns of the loop: whatever the client sent before our greeting has arrived by then.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self.pipelined:
            self._refuse(replies.TALKS_EARLY)
            return
        self.reply_raw(f"220 {self.service.hostname} ESMTP\r\n".encode("ascii"))
        turn = 0
        while not self.closing:
            line = self.next_line()
            if line is None:
                turn = 0
                if not await self.wait_for_command():
                    return
                if self.visit.unread:
                    await self._answers_were_read()
                continue
            await self._obey(line)
            self._idle_since = self.loop.time()
            turn += 1
            if turn % _TURN == 0:
                await self.flush()
                await asyncio.sleep(0)

    async def _answers_were_read(self) -> None:
        """Octets came after every reply had been sent: the client goes on (RELIABILITY.md §E5)."""
        unread, self.visit.unread = self.visit.unread, []
        for answered in unread:
            await answered.read()

    async def _obey(self, line: bytes) -> None:
        """One command line. What goes wrong in a stage is our fault and the session goes on."""
        try:
            text = self._text(line)
            verb, _, argument = text.partition(" ")
            method = self.verbs.get(verb) or self._other_spelling(verb, text)
            command: Command = getattr(self, method)
            await command(argument)
        except CommandFault as fault:
            await self._fault(fault.reply)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: 451, never a lost session
            self.reply(self.service.stages.internal(self.visit, error))
        if self._ends_group:
            self._end_group()

    def _text(self, line: bytes) -> str:
        """The line as text, its length and octets checked; CommandFault where they are wrong."""
        if line[-2:] != b"\r\n":
            raise CommandFault(replies.NOT_CRLF)
        if len(line) > _SHORT:
            verb = line[:5].split(b" ")[0].upper()
            if len(line) > _LONGEST.get(verb, _SHORT):
                raise CommandFault(replies.LINE_TOO_LONG)
        text = line[:-2].decode("utf-8", "replace")
        if not text.isprintable() and any(c < " " or c == "\x7f" for c in text):
            raise CommandFault(replies.CONTROL_CHARACTER)
        return text.rstrip(" ")

    def _other_spelling(self, verb: str, text: str) -> str:
        """The method of a verb that is not in capitals; CommandFault where it is none of ours."""
        capitals = verb.upper() if verb.isascii() else ""
        if capitals in _HTTP:
            raise CommandFault(replies.NOT_HTTP)
        if capitals not in self.verbs:
            raise CommandFault(replies.UNKNOWN if text else replies.EMPTY_LINE)
        return self.verbs[capitals]

    def _end_group(self) -> None:
        """RFC 2920 §3.1: DATA ends a group. What follows a refused one is a message, not commands."""
        self._ends_group = False
        if self.pipelined and not self.closing:
            self._refuse(replies.TALKS_BEHIND_DATA)

    def _refuse(self, reply: Reply) -> None:
        """End the session for what the client is or did."""
        self.reply(reply)
        self.closing = True
        self.service.stages.session_refused(self.visit, reply)

    async def _fault(self, reply: Reply) -> None:
        """A protocol error: counted, slowed down, at last the end; trusted peers are only told."""
        patience = Patience.NORMAL if self._trusted else self._faults.fault()
        await self._answer_patiently(patience, reply)

    async def _answer_patiently(self, patience: Patience, reply: Reply) -> None:
        if patience is Patience.OVER:
            self._refuse(replies.TOO_MANY_ERRORS)
            return
        if patience is Patience.SLOW:
            await self._pause(self.service.delay)
        if reply.close:
            self._refuse(reply)
        else:
            self.reply(reply)

    async def _pause(self, seconds: float) -> None:
        await self.flush()
        await asyncio.sleep(seconds)

    async def _junk(self, reply: Reply) -> None:
        """Answer a command that delivers nothing."""
        patience = Patience.NORMAL if self._trusted else self._faults.junk()
        await self._answer_patiently(patience, reply)

    def _forget_transaction(self) -> None:
        self._tx = None
        self._accepted = 0
        self._mail_since = math.inf


def describe_tls(transport: asyncio.BaseTransport) -> str:
    """TLSv1.3 with TLS_AES_256_GCM_SHA384; empty: in clear."""
    tls = transport.get_extra_info("ssl_object")
    cipher = tls.cipher() if tls is not None else None
    return f"{tls.version()} with {cipher[0]}" if tls is not None and cipher else ""


def take_nothing(arg: str) -> None:
    """For commands without an argument."""
    if arg:
        raise CommandFault(replies.NO_ARGUMENT)
