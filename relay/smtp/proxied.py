"""A listener behind load balancers: listed peers say first whose connection it is (RELIABILITY.md row 28)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from relay.smtp.door import Door
from relay.smtp.listener import Commands
from relay.smtp.proxy_header import BadHeader, Client, Take, read_client
from relay.smtp.service import Service

PAUSE = 0.5
"""Seconds before the next try where a connection could not be taken: descriptors come back."""
HEADERS = 256
"""Connections whose header is awaited at one time; more wait in the kernel's queue."""


class ProxiedServer:
    """Accepts by itself: a header comes before TLS, and not an octet more than it may be read."""

    def __init__(self, door: Door, service: Service, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        self._door = door
        self._service = service
        self._sock = sock
        self._tls = tls
        self._begun: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(HEADERS)
        self._accepting: asyncio.Task[None] | None = None

    def start(self, backlog: int) -> None:
        self._sock.setblocking(False)
        self._sock.listen(backlog)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Take no more; connections that are sessions already go on."""
        if self._accepting is not None:
            self._accepting.cancel()
        for task in self._begun:
            task.cancel()
        self._sock.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._places.acquire()
            try:
                connection, peer = await loop.sock_accept(self._sock)
            except OSError:
                self._places.release()
                await asyncio.sleep(PAUSE)
                continue
            task = loop.create_task(self._begin(connection, str(peer[0])))
            self._begun.add(task)
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._begun.discard(task)
        self._places.release()

    async def _begin(self, connection: socket.socket, peer: str) -> None:
        """From a connection to a session; one that does not say whose it is ends here."""
        client: Client | None = None
        limit = self._service.limits.handshake
        try:
            if self._door.proxied(peer):
                async with asyncio.timeout(limit):
                    client = await read_client(_taking(connection))
            await asyncio.get_running_loop().connect_accepted_socket(
                self._session(client), connection, ssl=self._tls, ssl_handshake_timeout=limit if self._tls else None
            )
        except (BadHeader, TimeoutError, OSError):
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    def _session(self, client: Client | None) -> Callable[[], Commands]:
        def make() -> Commands:
            commands = Commands(self._door, self._service, asyncio.get_running_loop())
            commands.on_behalf_of = client
            return commands

        return make


def _taking(connection: socket.socket) -> Take:
    async def take(octets: int) -> bytes:
        loop, taken = asyncio.get_running_loop(), b""
        while len(taken) < octets:
            piece = await loop.sock_recv(connection, octets - len(taken))
            if not piece:
                return b""
            taken += piece
        return taken

    return take
