"""The HTTP server of the web process: uvicorn on a socket of ours, within the limits of RELIABILITY.md row 57."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
"""In which a request's header must have come, and how long a kept connection may say nothing."""


class WebServer:
    """Serves one site until `stop`; signals are the process's own business, not uvicorn's."""

    def __init__(self, site: FastAPI, bind: str, header_seconds: float = HEADER_SECONDS) -> None:
        self._bind = bind
        self._started = asyncio.Event()
        self.port = 0
        """The port that was bound, once serving."""
        config = uvicorn.Config(
            site,
            loop="none",
            http=_patient(header_seconds),
            access_log=False,
            log_level="error",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(HEADER_SECONDS),
            limit_concurrency=500,
            h11_max_incomplete_event_size=65_536,
            lifespan="off",
            ws="none",
        )
        self._server = _Server(config, self._started)

    async def serve(self) -> None:
        """Until stop(); OSError where the address cannot be had."""
        with _listening(self._bind) as listening:
            self.port = listening.getsockname()[1]
            await self._server.serve(sockets=[listening])

    async def until_started(self) -> None:
        await self._started.wait()

    def stop(self) -> None:
        """Finish what is under way and end."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: asyncio.Event) -> None:
        super().__init__(config)
        self._announce = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: the process has handlers of its own (relay/child.py)."""
        yield


def _patient(seconds: float) -> type[H11Protocol]:
    """uvicorn's protocol, which itself waits for ever for a header that comes octet by octet."""

    class Patient(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._deadline = self.loop.call_later(seconds, transport.abort)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._rest()
            elif self._deadline is None:
                self._deadline = self.loop.call_later(seconds, self.transport.abort)

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            super().connection_lost(exc)

        def _rest(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Patient


def _listening(bind: str) -> socket.socket:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle off for what is accepted.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((host, int(port)))
    listening.listen(512)
    return listening
