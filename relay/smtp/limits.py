"""How many connections one worker holds, and how many faults one session may make (RELIABILITY.md rows 38 and 40)."""

from __future__ import annotations

import ipaddress
import resource
from collections import Counter
from enum import Enum, auto

from policies.verdict import Reply
from relay.smtp import replies

RESERVED_DESCRIPTORS = 64
"""Left for the store, smarthost links and message files when connections use up the rest (row 44)."""

JUNK_COMMANDS = 100
"""NOOP, RSET, VRFY and their like that a session may send for each message it delivers."""


class Connections:
    """Open connections of one worker, and those of each address that has not shown who it is."""

    def __init__(self, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._descriptors = _descriptor_limit() - RESERVED_DESCRIPTORS
        self._open = 0
        self._strangers: Counter[str] = Counter()

    @property
    def open(self) -> int:
        return self._open

    def refusal(self, client: str, trusted: bool) -> Reply | None:
        """Why one more connection from this address is too many; None: it is not."""
        if self._open >= self._total:
            return replies.TOO_MANY_CONNECTIONS
        if self._open >= self._descriptors:
            return replies.NO_DESCRIPTORS
        if not trusted and self._strangers[network_of(client)] >= self._per_address:
            return replies.TOO_MANY_FROM_ADDRESS
        return None

    def opened(self, client: str, known: bool) -> None:
        self._open += 1
        if not known:
            self._strangers[network_of(client)] += 1

    def authenticated(self, client: str) -> None:
        """The connection no longer counts against its address."""
        network = network_of(client)
        self._strangers[network] -= 1
        if self._strangers[network] <= 0:
            del self._strangers[network]

    def closed(self, client: str, known: bool) -> None:
        self._open -= 1
        if not known:
            self.authenticated(client)


class Patience(Enum):
    """What a fault costs the client."""

    NORMAL = auto()
    SLOW = auto()
    OVER = auto()


class FaultCount:
    """Protocol errors of one session; refusals by policy are not counted here."""

    __slots__ = ("_faults", "_hard", "_junk", "_soft")

    def __init__(self, soft: int, hard: int) -> None:
        self._soft = soft
        self._hard = hard
        self._faults = 0
        self._junk = 0

    def fault(self) -> Patience:
        self._faults += 1
        if self._faults >= self._hard:
            return Patience.OVER
        return Patience.SLOW if self._faults > self._soft else Patience.NORMAL

    def junk(self) -> Patience:
        """A command that delivers nothing: the first hundred are free."""
        self._junk += 1
        return self.fault() if self._junk > JUNK_COMMANDS else Patience.NORMAL

    def delivered(self) -> None:
        self._junk = 0


def network_of(client: str) -> str:
    """The address itself, or the /64 of an IPv6 address: one customer line has a whole one."""
    if ":" not in client:
        return client
    network = ipaddress.ip_network((client.partition("%")[0], 64), strict=False)
    return str(network.network_address)


def _descriptor_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1_048_576
