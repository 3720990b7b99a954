"""System calls of a running relay that fail or kill, one at a time: strace meddles with the call that is due."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

STORE = "pwrite64,fsync"
"""What a commit is made of."""
EVERYTHING = "pwrite64,fsync,write,sendto,recvfrom,read,connect"
"""From a client's first octet to our last."""


@dataclass(frozen=True, slots=True)
class Meddling:
    """The `when`-th of these calls, counted from now on in each thread, ends like this."""

    calls: str
    what: str
    """`error=EIO`, or `signal=SIGKILL`."""
    when: int

    def __str__(self) -> str:
        return f"{self.calls}:{self.what}:{self.when}"


@contextlib.contextmanager
def meddling(pids: Sequence[int], fault: Meddling, record: Path) -> Iterator[None]:
    """For a while; PermissionError where nobody may look into a process."""
    inject = f"inject={fault.calls}:{fault.what}:when={fault.when}"
    attach = [word for pid in pids for word in ("-p", str(pid))]
    command = ["strace", "-f", "-e", f"trace={fault.calls}", "-e", inject, "-s", "32", "-o", str(record), *attach]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as tracer:
        assert tracer.stderr is not None
        line = tracer.stderr.readline()
        if b"attached" not in line:
            raise PermissionError(line.decode())
        try:
            yield
        finally:
            tracer.terminate()
            tracer.stderr.read()


def struck(record: Path) -> bool:
    """Whether the call came about at all."""
    text = record.read_text(errors="replace")
    return "(INJECTED)" in text or "killed by SIGKILL" in text
