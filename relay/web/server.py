"""The HTTP server of the web process: uvicorn on a socket of ours, within the limits of RELIABILITY.md row 57."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI


class WebServer:
    """Serves one site until `stop`; signals are the process's own business, not uvicorn's."""

    def __init__(self, site: FastAPI, bind: str) -> None:
        self._bind = bind
        self._started = asyncio.Event()
        config = uvicorn.Config(
            site,
            loop="none",
            access_log=False,
            log_level="error",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=10,
            limit_concurrency=500,
            h11_max_incomplete_event_size=65_536,
            lifespan="off",
            ws="none",
        )
        self._server = _Server(config, self._started)

    async def serve(self) -> None:
        """Until stop(); OSError where the address cannot be had."""
        with _listening(self._bind) as listening:
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


def _listening(bind: str) -> socket.socket:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((host, int(port)))
    listening.listen(512)
    return listening
