"""One listener as its connections see it: who may come in, what is offered, what is required (INTERFACE.md §3)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Literal

from config.endpoint import Endpoint
from config.schema import Limits, Listener
from relay.smtp.grammar import Offer


class Door:
    """Fixed for the life of the listener; shared by all its connections."""

    def __init__(self, listener: Listener, hostname: str, limits: Limits, mail_domain: str = "") -> None:
        self.kind: Literal["submission", "bulk", "intake"] = listener.kind
        self.bind = listener.bind
        self.tls: Literal["starttls", "implicit", "none"] = listener.tls
        self.on_unavailable: Literal["queue", "defer"] = listener.on_unavailable or (
            "defer" if listener.kind == "bulk" else "queue"
        )
        relays = listener.kind != "intake"
        self.offer = Offer(dsn=relays, auth=relays, xlist=relays, postmaster="" if relays else mail_domain)
        self.auth_required = relays and (listener.kind == "submission" or listener.auth == "required")
        self._in_clear = listener.tls == "none" and Endpoint.parse(listener.bind).loopback
        self._networks = [ipaddress.ip_network(text, strict=False) for text in listener.trusted]
        self._trusts: dict[str, bool] = {}
        self._proxies = [ipaddress.ip_network(text, strict=False) for text in listener.proxies]
        self._hostname = hostname
        self._limits = limits
        self._hellos: dict[tuple[bool, bool], bytes] = {}

    def trusts(self, client: str) -> bool:
        """Whether the peer's address lies in the trusted networks of a bulk listener."""
        known = self._trusts.get(client)
        if known is None:
            if len(self._trusts) >= 10_000:
                self._trusts.clear()
            known = self._trusts[client] = _lies_in(client, self._networks)
        return known

    def proxied(self, peer: str) -> bool:
        """Whether the peer is a load balancer of ours, which says whose connection it hands on."""
        return _lies_in(peer, self._proxies)

    def admits(self, client: str) -> bool:
        """Whether the peer may speak at all: bulk is for trusted networks, unless everybody must authenticate."""
        return self.kind != "bulk" or self.auth_required or self.trusts(client)

    def allows_auth(self, tls_active: bool) -> bool:
        """AUTH works under TLS, and in clear on loopback where the listener has no TLS at all."""
        return self.offer.auth and (tls_active or self._in_clear)

    def hello(self, tls_active: bool, authenticated: bool) -> bytes:
        """The whole EHLO reply."""
        key = (tls_active, authenticated)
        if key not in self._hellos:
            lines = [self._hostname, *self._keywords(tls_active, authenticated)]
            marks = ["-"] * (len(lines) - 1) + [" "]
            text = "".join(f"250{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True))
            self._hellos[key] = text.encode("ascii")
        return self._hellos[key]

    def _keywords(self, tls_active: bool, authenticated: bool) -> list[str]:
        words = ["PIPELINING", f"SIZE {self._limits.max_size}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        if self.offer.dsn:
            words.append("DSN")
        if self.tls == "starttls" and not tls_active:
            words.append("STARTTLS")
        # Not after AUTH succeeded: it may not be issued again (RFC 4954 §4).
        if self.allows_auth(tls_active) and not authenticated:
            words.append("AUTH PLAIN LOGIN")
        if self.offer.xlist:
            words.append("XLIST")
        return words


def _lies_in(client: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
