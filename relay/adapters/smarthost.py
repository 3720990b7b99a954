"""Opens links to a smarthost: connect, greet, STARTTLS or implicit TLS, AUTH; never a step less than its URL says."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote, urlsplit

import aiosmtplib

from policies.verdict import clean
from relay.adapters.smarthost_link import Features, Link
from relay.adapters.smarthost_replies import MAX_TEXT
from relay.adapters.smarthost_starttls import OneReplyOnly
from relay.ports import Phase, Postponed

_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class NotSafe(Exception):
    """The smarthost does not offer the protection its URL asks for."""


@dataclass(frozen=True, slots=True)
class Route:
    """A smarthost's URL, taken apart."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Route:
        """ValueError where the URL is none of smtp://, smtps://, smtp+starttls://[user:password@]host[:port]."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("a smarthost is smtp://, smtps:// or smtp+starttls://[user:password@]host:port")
        port = parts.port or _PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))

    @property
    def name(self) -> str:
        """host:port, as journal and replies name it; never with the password."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def on_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def client_context(verify: bool) -> ssl.SSLContext:
    """TLS ≥ 1.2; with the system's certificate authorities and host name checked, or neither."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Opener:
    """Makes new links to one smarthost."""

    def __init__(self, route: Route, hostname: str, connect_timeout: float, tls: ssl.SSLContext) -> None:
        self.name = route.name
        self._route = route
        self._hostname = hostname
        self._connect_timeout = connect_timeout
        self._tls = tls

    async def open(self, timeout: float) -> Link | Postponed:
        """A link ready for MAIL, or why there is none; `timeout` seconds bound the whole."""
        client = self._client()
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout):
                await self._greet(client, progress)
            return self._take_over(client)
        except (aiosmtplib.SMTPException, OSError, ValueError, NotSafe) as fault:
            client.close()
            return self._unavailable(fault, progress.phase)
        except BaseException:
            client.close()
            raise

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._route.host,
            port=self._route.port,
            local_hostname=self._hostname,
            timeout=self._connect_timeout,
            use_tls=self._route.scheme == "smtps",
            start_tls=False,
            tls_context=self._tls,
        )

    async def _greet(self, client: aiosmtplib.SMTP, progress: _Progress) -> None:
        await client.connect()
        await client.ehlo()
        if self._route.scheme == "smtp+starttls":
            progress.phase = Phase.TLS
            await self._start_tls(client)
        if self._route.user:
            progress.phase = Phase.AUTH
            if self._route.scheme == "smtp" and not self._route.on_loopback:
                raise NotSafe(
                    "a password is not sent over an unencrypted connection; use smtps:// or smtp+starttls://"
                )
            await client.login(self._route.user, self._route.password)

    async def _start_tls(self, client: aiosmtplib.SMTP) -> None:
        if not client.supports_extension("starttls"):
            raise NotSafe("it does not offer STARTTLS")
        guard = OneReplyOnly(client)
        try:
            await client.starttls()
        except aiosmtplib.SMTPException:
            if guard.injected:
                raise NotSafe("it sent octets behind its reply to STARTTLS") from None
            raise
        await client.ehlo()

    def _take_over(self, client: aiosmtplib.SMTP) -> Link:
        """The transport leaves aiosmtplib's hands: from here on the link reads and writes (DESIGN.md §3)."""
        if client.transport is None or client.transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("it closed the connection")
        transport = cast(asyncio.Transport, client.transport)
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if transport.get_extra_info("sslcontext") is None:
            transport.set_write_buffer_limits(high=0)
        else:
            transport.set_write_buffer_limits(high=1, low=0)
        offers = client.supports_extension
        link = Link(self.name, Features(offers("pipelining"), offers("8bitmime"), offers("size")), transport)
        transport.set_protocol(link)
        return link

    def _unavailable(self, fault: Exception, phase: Phase) -> Postponed:
        cause = fault.__cause__ if isinstance(fault.__cause__, OSError) else fault
        if isinstance(cause, ssl.SSLError):
            phase = Phase.TLS
        enhanced = "4.7.5" if phase is Phase.TLS else "4.7.0" if phase is Phase.AUTH else "4.4.1"
        return Postponed(self.name, 0, enhanced, clean(_in_words(fault, cause), MAX_TEXT), phase)


@dataclass(slots=True)
class _Progress:
    phase: Phase = Phase.CONNECT


def _in_words(fault: Exception, cause: BaseException) -> str:
    """What went wrong, for whoever reads the journal."""
    match cause:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not valid: {cause.verify_message}"
        case ssl.SSLError():
            return f"TLS could not be set up: {cause.reason or 'handshake failed'}"
        case socket.gaierror():
            return "its name could not be looked up"
        case ConnectionRefusedError():
            return "it refused the connection"
        case aiosmtplib.SMTPResponseException():
            return f"it answered {cause.code} {cause.message}" if cause.code > 0 else "it answered with garbage"
        case aiosmtplib.SMTPServerDisconnected():
            return "it closed the connection"
        case TimeoutError():
            return "it did not answer in time"
        case OSError() if cause.strerror:
            return cause.strerror
    return str(fault) or type(fault).__name__
