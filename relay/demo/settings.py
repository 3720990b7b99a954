"""The demo's relay.toml: free loopback ports, everything inside one temporary folder."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo listens on 127.0.0.1."""

    submission: int
    bulk: int
    intake: int
    web: int

    @classmethod
    def free(cls) -> Self:
        """Four ports nobody listens on now."""
        sockets = [socket.socket() for _ in range(4)]
        try:
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            return cls(*(one.getsockname()[1] for one in sockets))
        finally:
            for one in sockets:
                one.close()


def relay_toml(ports: Ports) -> str:
    """Relative paths resolve against the file's folder."""
    return f"""data_dir = "var"
[platform]
public_url = "http://127.0.0.1:{ports.web}"
[store]
url = "sqlite:///var/relay.db"
[[smarthost]]
url = "maildir:outbox"
[web]
bind = "127.0.0.1:{ports.web}"
[log]
format = "json"
[dns]
check_domains = false
[[listener]]
kind = "submission"
bind = "127.0.0.1:{ports.submission}"
tls = "starttls"
on_unavailable = "queue"
[[listener]]
kind = "bulk"
bind = "127.0.0.1:{ports.bulk}"
tls = "none"
trusted = ["127.0.0.0/8"]
on_unavailable = "defer"
[[listener]]
kind = "intake"
bind = "127.0.0.1:{ports.intake}"
tls = "none"
"""
