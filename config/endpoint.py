"""Hosts, ports, names and networks as settings write them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import idna

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    )
)
PRIVATE_6 = tuple(ipaddress.IPv6Network(text) for text in ("::1/128", "fc00::/7", "fe80::/10"))
"""RFC 1918, RFC 6598, RFC 3927, RFC 4193, loopback and link-local: what the Internet does not route."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """host:port or [IPv6]:port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """ValueError, in words, where the text is no endpoint."""
        host, colon, port = text.rpartition(":")
        if not colon or not host:
            raise ValueError("must be host:port")
        if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
            raise ValueError("must be host:port with a port from 0 to 65535")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError("must write an IPv6 address in brackets: [::1]:25")
        if host == "*":
            raise ValueError("must name an address: 0.0.0.0 or [::] stand for all")
        if not is_address(host) and not is_name(host):
            raise ValueError("must be host:port with an IP address or a host name")
        return cls(host, int(port))

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    def clashes(self, other: Endpoint) -> bool:
        """Whether both cannot be bound; port 0 takes a free one."""
        if not self.port or self.port != other.port:
            return False
        return self.host == other.host or self._covers(other) or other._covers(self)

    def _covers(self, other: Endpoint) -> bool:
        """Whether this is the any-address of the other's family; a name may be of either."""
        if not is_address(self.host) or not ipaddress.ip_address(self.host).is_unspecified:
            return False
        return not is_address(other.host) or (":" in self.host) == (":" in other.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """127.0.0.0/8, ::1, localhost and names under it (RFC 6761 §6.3)."""
    if is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost" or host.lower().endswith(".localhost")


def is_name(text: str) -> bool:
    """A host or domain name of A-labels (RFC 5890 §2.3.2.1), at most 253 octets; no address."""
    labels = text.lower().split(".")
    if len(text) > 253 or labels[-1].isdecimal() or not all(_LABEL.fullmatch(one) for one in labels):
        return False
    return all(_is_a_label(one) for one in labels if one.startswith("xn--"))


def _is_a_label(label: str) -> bool:
    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def is_private(network: Network) -> bool:
    """Whether all of a network lies where only our own machines can be."""
    if isinstance(network, ipaddress.IPv4Network):
        return any(network.subnet_of(known) for known in PRIVATE_4)
    return any(network.subnet_of(known) for known in PRIVATE_6)
