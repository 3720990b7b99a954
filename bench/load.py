"""Load and sink: smtp-source or source.py, smtp-sink, and what a run of them costs the server between."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, LOAD_CORE = "0", "1"
"""The server under test has one core for itself; load generator and sink share the other."""


@dataclass(frozen=True)
class Rate:
    """One timed run."""

    messages: int
    seconds: float
    cpu_seconds: float
    """User and system time of the server's processes."""

    @property
    def per_second(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_seconds / self.messages


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(port: int, seconds: float = 60.0) -> None:
    """Until something listens; TimeoutError otherwise."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """smtp-sink on a free loopback port: takes everything, keeps nothing."""
    port = free_port()
    command = ["taskset", "-c", LOAD_CORE, "smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def cpu_of(pids: list[int]) -> float:
    """User and system seconds of processes so far (and of their ended children)."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):  # ended meanwhile: its parent counts it
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(fields[at]) for at in (11, 12, 13, 14))
    return ticks / os.sysconf("SC_CLK_TCK")


def run(
    port: int,
    message: Path,
    messages: int,
    pids: list[int],
    *,
    sessions: int = 20,
    sender: str,
    recipient: str,
    new_bodies: bool = False,
) -> Rate:
    """Send a file so often over kept sessions and time it; raises where one is not accepted.

    `new_bodies`: no two messages have the same body.
    """
    command = ["taskset", "-c", LOAD_CORE]
    if new_bodies:
        command += [sys.executable, "-m", "bench.source", str(port), str(message), str(messages), str(sessions)]
        command += [sender, recipient]
    else:
        command += ["smtp-source", "-d", "-s", str(sessions), "-m", str(messages), "-F", str(message)]
        command += ["-f", sender, "-t", recipient, f"127.0.0.1:{port}"]
    before, began = cpu_of(pids), time.monotonic()
    subprocess.run(command, check=True, timeout=120)
    seconds = time.monotonic() - began
    return Rate(messages, seconds, cpu_of(pids) - before)
