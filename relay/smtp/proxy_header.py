"""The PROXY protocol, versions 1 and 2: whose connection a load balancer hands on (haproxy's proxy-protocol.txt)."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LONGEST_V1 = 107
"""Octets of a version 1 line with CRLF (§2.1)."""
LONGEST_V2 = 4096
"""Octets of addresses and TLVs we read; the protocol allows 65535, of which nobody sends more than some hundred."""

_LOCAL, _PROXY = 0x20, 0x21
_OVER_TCP = {0x11: (4, 12), 0x21: (16, 36)}
"""Family and transport: octets of one address, and of both with their ports."""

Take = Callable[[int], Awaitable[bytes]]
"""Exactly so many octets of the connection, none beyond; empty where it ended before."""
Client = tuple[str, int]


class BadHeader(Exception):
    """A listed peer that does not begin with a header we can trust: the connection is worth nothing."""


async def read_client(take: Take) -> Client | None:
    """The client that the header names; None: the peer speaks for itself (health checks, UNKNOWN)."""
    start = await take(len(SIGNATURE))
    return await _version_2(take) if start == SIGNATURE else await _version_1(start, take)


async def _version_1(line: bytes, take: Take) -> Client | None:
    """PROXY TCP4|TCP6 SOURCE DESTINATION PORT PORT, or PROXY UNKNOWN and anything (§2.1)."""
    if not line.startswith(b"PROXY "):
        raise BadHeader("no PROXY header")
    while not line.endswith(b"\r\n"):
        more = await take(1)
        if not more or len(line) >= LONGEST_V1:
            raise BadHeader("an endless PROXY header")
        line += more
    words = line[:-2].decode("ascii", "replace").split(" ")
    if words[1] == "UNKNOWN":
        return None
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise BadHeader("a PROXY header of an unknown form")
    source, _ = (_address(one, 4 if words[1] == "TCP4" else 6) for one in words[2:4])
    ports = [_port(one) for one in words[4:]]
    return source, ports[0]


async def _version_2(take: Take) -> Client | None:
    """Command, family, length, addresses, then TLVs, which are read and left alone (§2.2)."""
    head = await take(4)
    if len(head) != 4 or head[0] not in (_LOCAL, _PROXY):
        raise BadHeader("a PROXY header of an unknown version or command")
    length = int.from_bytes(head[2:])
    if length > LONGEST_V2:
        raise BadHeader("an endless PROXY header")
    body = await take(length) if length else b""
    if len(body) != length:
        raise BadHeader("half a PROXY header")
    if head[0] == _LOCAL or head[1] not in _OVER_TCP:
        return None
    size, wanted = _OVER_TCP[head[1]]
    if length < wanted:
        raise BadHeader("half a PROXY header")
    return str(ipaddress.ip_address(body[:size])), int.from_bytes(body[2 * size : 2 * size + 2])


def _address(text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as fault:
        raise BadHeader("a PROXY header without an address") from fault
    if address.version != version:
        raise BadHeader("a PROXY header with an address of another family")
    return str(address)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0") and int(text) <= 65535):
        raise BadHeader("a PROXY header without a port")
    return int(text)
