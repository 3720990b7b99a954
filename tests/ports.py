"""Loopback ports for servers that are told theirs: none that the system gives to clients, none of a neighbour's."""

from __future__ import annotations

import itertools
import os
import re
import socket
from collections.abc import Iterator

FIRST, LAST = 10_000, 32_767
"""Below the ports that outgoing connections get (Linux: from 32768), so that no client sits on one meanwhile."""
NEIGHBOURS = 8
"""Test processes that run at once and never try the same port."""


def _mine() -> Iterator[int]:
    """This process's share of the range, without end, begun at a place that another run does not begin at."""
    worker = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    size = (LAST - FIRST) // NEIGHBOURS
    first = FIRST + int(worker) % NEIGHBOURS * size
    return itertools.cycle((first + (os.getpid() * 64 + one) % size) for one in range(size))


_ports = _mine()


def free_ports(count: int) -> list[int]:
    """So many that nobody listens on; each is handed out once before any comes again."""
    return list(itertools.islice(filter(_is_free, _ports), count))


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
