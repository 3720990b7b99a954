"""STARTTLS and AUTH: how a session becomes private and gets a name (RFC 3207, RFC 4954)."""

from __future__ import annotations

import asyncio
import ssl

from aiosmtpd.smtp import syntax

from relay.smtp import replies, sasl
from relay.smtp.conversation import Conversation, describe_tls, take_nothing
from relay.smtp.door import Door
from relay.smtp.grammar import CommandFault
from relay.smtp.service import Service
from relay.smtp.wire import Wire


class Securing(Conversation):
    """The two commands after which the client must say EHLO again, or may send mail."""

    def __init__(self, door: Door, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(door, service, loop)
        self._failed_logins = 0

    @syntax("STARTTLS")
    async def smtp_STARTTLS(self, arg: str) -> None:
        take_nothing(arg)
        if self.visit.tls:
            raise CommandFault(replies.TLS_TWICE)
        if self.door.tls != "starttls" or self.service.tls is None:
            raise CommandFault(replies.NO_STARTTLS)
        if self.pipelined:
            self._refuse(replies.TALKS_BEHIND_STARTTLS)
            return
        self.reply(replies.GO_TLS)
        if await self.flush():
            await self._upgrade(self.service.tls)

    async def _upgrade(self, context: ssl.SSLContext) -> None:
        """RFC 3207 §4.2: what was said in clear is forgotten."""
        limit = self.service.limits.handshake
        try:
            upgraded = await self.loop.start_tls(
                self.wire, self, context, server_side=True, ssl_handshake_timeout=limit
            )
        except (OSError, ssl.SSLError, TimeoutError):
            upgraded = None
        if upgraded is None:
            self.closing = self.parted = True
            return
        Wire.connection_made(self, upgraded)
        self._forget_transaction()
        session = self.visit
        session.helo, session.esmtp, session.credential, session.account_id = "", False, None, 0
        session.tls = describe_tls(upgraded)

    @syntax("AUTH mechanism [initial-response]")
    async def smtp_AUTH(self, arg: str) -> None:
        self._check_auth_allowed()
        mechanism, _, initial = arg.partition(" ")
        exchange = {"PLAIN": sasl.plain, "LOGIN": sasl.login}.get(mechanism.upper())
        if exchange is None:
            raise CommandFault(replies.AUTH_UNKNOWN if mechanism else replies.NEEDS_ARGUMENT)
        try:
            login = await exchange(initial or None, self._ask)
        except sasl.SaslFault as fault:
            if fault.reply is not None:
                await self._fault(fault.reply)
            return
        await self._log_in(login)

    def _check_auth_allowed(self) -> None:
        session = self.visit
        if not self.door.offer.auth:
            raise CommandFault(replies.NO_AUTH)
        if not self.door.allows_auth(bool(session.tls)):
            raise CommandFault(replies.AUTH_NEEDS_TLS)
        if not session.esmtp:
            raise CommandFault(replies.HELLO_FIRST)
        if session.credential is not None:
            raise CommandFault(replies.AUTH_TWICE)
        if self._tx is not None:
            raise CommandFault(replies.AUTH_IN_MAIL)

    async def _ask(self, challenge: bytes) -> bytes | None:
        """One step of a SASL exchange; a line that does not end in CR LF is no response."""
        self.reply_raw(b"334 " + challenge + b"\r\n")
        self._idle_since = self.loop.time()
        line = await self.read_line()
        if line is None:
            return None
        if line[-2:] != b"\r\n":
            raise sasl.SaslFault(replies.NOT_CRLF)
        return line[:-2]

    async def _log_in(self, login: sasl.Login) -> None:
        await self.flush()
        session = self.visit
        reply = await self.service.stages.authenticate(session, login.login, login.password, login.authzid)
        if reply.code == 235:
            self._stop_counting()
        elif reply.code == 535:
            await self._count_wrong_password()
            if self.closing:
                return
        self.reply(reply)

    def _stop_counting(self) -> None:
        if not self._uncounted:
            self._uncounted = True
            self.service.connections.authenticated(self.visit.client)

    async def _count_wrong_password(self) -> None:
        """Each wrong password waits twice as long as the one before; the last one allowed ends the session."""
        await self._pause(self.service.delay * 2**self._failed_logins)
        self._failed_logins += 1
        if self._failed_logins >= self.service.limits.auth_failures:
            self._refuse(replies.AUTH_EXHAUSTED)
