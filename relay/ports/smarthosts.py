"""Where copies go, and every way a try can end. Hot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    """How far a copy got; everything before DOT is safe to try again."""

    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    """While the body was being written, before the final dot was handed to the kernel."""
    AFTER_DOT = "after_dot"


@dataclass(frozen=True, slots=True)
class Delivered:
    smarthost: str
    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The smarthost's own 5xx to MAIL, RCPT, DATA or the dot; text cleaned and cut."""

    smarthost: str
    code: int
    enhanced: str
    text: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class Postponed:
    """Not taken, may be tried again: a 4xx of its own (code > 0), or unavailable (code 0)."""

    smarthost: str
    code: int
    enhanced: str
    error: str
    """In words a person understands."""
    phase: Phase


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The dot was sent and no usable reply came: it may have been taken."""

    smarthost: str
    error: str


Outcome = Delivered | Refused | Postponed | InDoubt


@dataclass(slots=True)
class Outgoing:
    """One copy on its way: always one RCPT."""

    reverse_path: str
    """'' is <>."""
    forward_path: str
    render: Callable[[bool], bytes]
    """Bytes with CRLF lines, not dot-stuffed; the argument says whether the smarthost takes 8BITMIME."""
    before_dot: Callable[[], None] | None = None
    permit: Callable[[], Awaitable[None]] | None = None
    """Awaited when the smarthost said 354, before the body's first octet (commit SENDING, ask suppression again).
    What it raises gives the copy up, drops the link and leaves `deliver` unchanged."""


class Smarthosts(Protocol):
    """All configured smarthosts behind one door: weights, failover, circuit breaker, kept links. Hot."""

    async def deliver(self, outgoing: Outgoing, timeout: float) -> Outcome:
        """Never raises for anything a smarthost does; `timeout` seconds bound the whole."""

    def reachable(self) -> bool:
        """Whether at least one breaker is not open."""

    async def probe(self) -> bool:
        """Connect and greet at least one smarthost; for readiness."""

    async def close(self) -> None: ...
