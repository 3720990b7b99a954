"""Who is at the other end of an HTTP request: evidence and limits hang on it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from fastapi import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Clients:
    """Reads X-Forwarded-For from trusted proxies only ([web] trusted_proxies)."""

    trusted: tuple[Network, ...]

    @classmethod
    def behind(cls, networks: tuple[str, ...]) -> Clients:
        return cls(tuple(ipaddress.ip_network(one) for one in networks))

    def address(self, request: Request) -> str:
        """The nearest address that is no trusted proxy; the peer's own where nothing usable was forwarded."""
        peer = request.client.host if request.client else ""
        chain = [entry.strip() for entry in request.headers.get("x-forwarded-for", "").split(",") if entry.strip()]
        while chain and self._trusted(peer):
            peer = _plain(chain.pop()) or peer
        return peer

    def _trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self.trusted)


def _plain(entry: str) -> str:
    try:
        return str(ipaddress.ip_address(entry.strip("[]")))
    except ValueError:
        return ""
