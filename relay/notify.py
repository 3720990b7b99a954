"""What `relay serve` tells the service manager that started it (sd_notify(3)); without one, nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """The socket that messages go to; never raises, since service goes on without its manager."""

    address: str = ""
    """NOTIFY_SOCKET: a path, or @ and an abstract name. Empty: nobody listens."""
    watchdog_seconds: float = 0.0
    """Within which a sign of life is expected; 0: none is."""

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> ServiceManager:
        """As the manager told this process; WATCHDOG_USEC counts where WATCHDOG_PID is absent or names us."""
        address = environ.get("NOTIFY_SOCKET", "")
        microseconds = environ.get("WATCHDOG_USEC", "")
        ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        expected = int(microseconds) / 1e6 if address and ours and microseconds.isdecimal() else 0.0
        return cls(address, expected)

    def ready(self, status: str) -> None:
        """Start-up or reload is over."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Type=notify-reload asks for the monotonic time the reload began at, in microseconds."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1", "STATUS=finishing what was begun")

    async def watch(self, healthy: Callable[[], bool]) -> None:
        """A sign of life at twice the pace that is asked for, as long as all is well; for ever."""
        while self.watchdog_seconds:
            if healthy():
                self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / 2)

    def _send(self, *assignments: str) -> None:
        if not self.address:
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.setblocking(False)
            one.sendto("\n".join(assignments).encode(), address)
