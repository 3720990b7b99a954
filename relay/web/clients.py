"""Who is at the other end of an HTTP request: evidence and limits hang on it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from fastapi import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Clients:
    """Reads X-Forwarded-For from trusted proxies only ([web] trusted_proxies)."""

    trusted: tuple[Network, ...]

    @classmethod
    def behind(cls, networks: tuple[str, ...]) -> Clients:
        return cls(tuple(ipaddress.ip_network(one) for one in networks))

    def address(self, request: Request) -> str:
        """The nearest address that is no trusted proxy; what stands behind an unreadable entry is anybody's word."""
        chain = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        peer = request.client.host if request.client else ""
        nearest = _parsed(peer)
        while chain and nearest is not None and self._trusts(nearest):
            before = _parsed(chain.pop().strip())
            if before is None:
                break
            nearest = before
        return peer if nearest is None else str(nearest)

    def _trusts(self, address: IpAddress) -> bool:
        return any(address in network for network in self.trusted)


def _parsed(text: str) -> IpAddress | None:
    """An address as proxies write it: bare, in brackets, with or without a port; IPv4 in IPv6 as IPv4."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
