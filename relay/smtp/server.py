"""All SMTP listeners of one worker: bound, served, drained (DESIGN.md §1 and §2)."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.endpoint import Endpoint
from config.schema import Limits, Listener, Tls
from relay.smtp import certificate, replies
from relay.smtp.door import Door
from relay.smtp.limits import Connections
from relay.smtp.listener import Commands
from relay.smtp.memory import MemoryBudget
from relay.smtp.proxied import ProxiedServer
from relay.smtp.service import Service
from relay.smtp.stages_port import Stages

BACKLOG = 512
DRAIN_SECONDS = 30.0
"""How long sessions may finish the transaction they are in (RELIABILITY.md row 72)."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A listener and the port it really has, where its bind said 0."""

    listener: Listener
    host: str
    port: int


class SmtpServer:
    """Built with what it needs, then `start`, later `drain`; `reload_certificate` in between."""

    def __init__(
        self,
        stages: Stages,
        *,
        hostname: str,
        limits: Limits,
        tls: Tls,
        data_dir: Path,
        delay: float = 0.5,
        mail_domain: str = "",
        beside: SmtpServer | None = None,
    ) -> None:
        """`delay`: seconds of the first wait after a wrong password or too many faults.

        `mail_domain`: where a bare <postmaster> of an intake listener has its mailbox. `beside`: another server of
        this process, whose connections and memory count together with these.
        """
        self._mail_domain = mail_domain
        fresh = Connections(limits.connections, limits.connections_per_address), MemoryBudget(limits.memory_budget)
        connections, memory = fresh if beside is None else beside.shared
        self._tls = tls
        self._data_dir = data_dir
        self._service = Service(
            hostname=hostname,
            stages=stages,
            limits=limits,
            connections=connections,
            memory=memory,
            spool_dir=data_dir,
            tls=None,
            delay=delay,
        )
        self._servers: list[asyncio.Server | ProxiedServer] = []
        self.bound: tuple[Bound, ...] = ()

    @property
    def shared(self) -> tuple[Connections, MemoryBudget]:
        """What servers of one process count together."""
        return self._service.connections, self._service.memory

    @property
    def connections(self) -> int:
        """Open now."""
        return self._service.connections.open

    async def start(self, listeners: Sequence[Listener], *, reuse_port: bool = True) -> None:
        """Bind and serve them all; OSError, naming the bind, where a port cannot be had."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        if any(one.tls != "none" for one in listeners):
            self._service.tls = self._context()
        bound: list[Bound] = []
        for listener in listeners:
            bound += [await self._serve(listener, sock) for sock in _bind(listener.bind, reuse_port)]
        self.bound = tuple(bound)
        limits = self._service.limits
        self._service.sessions.start_clock(min(1.0, limits.command_idle / 4, limits.transaction / 4))

    def reload_certificate(self, tls: Tls | None = None) -> None:
        """Read certificate and key again for handshakes to come; CertificateFault leaves the old pair in force."""
        if self._service.tls is not None:
            certificate.load(self._service.tls, *self._pair(tls or self._tls))
            self._tls = tls or self._tls

    async def drain(self, grace: float = DRAIN_SECONDS) -> int:
        """Take no more connections, end the idle ones with 421 4.3.2, wait for the rest; how many did not end."""
        self._service.draining = True
        for server in self._servers:
            server.close()
        left = await self._service.sessions.drain(grace, replies.SHUTTING_DOWN)
        self._service.sessions.stop_clock()
        return left

    def _context(self) -> ssl.SSLContext:
        return certificate.server_context(*self._pair(self._tls))

    def _pair(self, tls: Tls) -> tuple[Path, Path | None]:
        if tls.certificate is None:
            return certificate.self_signed(self._data_dir, self._service.hostname), None
        return tls.certificate, tls.key

    async def _serve(self, listener: Listener, sock: socket.socket) -> Bound:
        host, port = sock.getsockname()[:2]
        door = Door(listener, self._service.hostname, self._service.limits, self._mail_domain)
        loop = asyncio.get_running_loop()
        implicit = listener.tls == "implicit"
        if listener.proxies:
            proxied = ProxiedServer(door, self._service, sock, self._service.tls if implicit else None)
            proxied.start(BACKLOG)
            self._servers.append(proxied)
            return Bound(listener, host, port)
        server = await loop.create_server(
            lambda: Commands(door, self._service, loop),
            sock=sock,
            backlog=BACKLOG,
            ssl=self._service.tls if implicit else None,
            ssl_handshake_timeout=self._service.limits.handshake if implicit else None,
        )
        self._servers.append(server)
        return Bound(listener, host, port)


def _bind(bind: str, reuse_port: bool) -> list[socket.socket]:
    """A socket for each address of the bind's host (localhost has two); port 0 becomes one port for all of them."""
    endpoint = Endpoint.parse(bind)
    found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    port = endpoint.port
    for family, kind, protocol, _, address in found:
        try:
            sock = _bind_one(family, kind, protocol, (str(address[0]), port), reuse_port)
        except OSError as error:
            # localhost often has an IPv6 address on machines without IPv6.
            if sockets and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue
            raise
        port = sock.getsockname()[1]
        sockets.append(sock)
    return sockets


def _bind_one(family: int, kind: int, protocol: int, address: tuple[str, int], reuse_port: bool) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Inherited by accepted sockets: a reply must not wait for more to send (DESIGN.md §7).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot bind {address[0]}:{address[1]}: {error.strerror}") from None
    return sock
