"""DNS through dnspython: every answer is found, absent, or unknown; unknown is never 'absent'."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from dns.nameserver import Do53Nameserver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from config.endpoint import Endpoint
from relay.ports import TxtAnswer

SPECIAL_USE = frozenset({"test", "localhost", "invalid", "example", "local", "onion"})
"""Top labels that public resolvers know nothing of (RFC 6761, 6762, 7686): only a server of our own is asked."""

LONGEST_KEPT = 300.0
"""Seconds that an answer is kept at most, whatever its TTL: who has just published a record waits no longer."""
ABSENT_KEPT = 30.0
"""Seconds that 'there is none' is kept; 'could not look it up' is never kept, so that it hides no later answer."""
MOST_KEPT = 20_000

_FAILURES = (dns.exception.DNSException, OSError, TimeoutError, ValueError)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer and until when it counts, on the resolver's clock."""

    until: float
    found: TxtAnswer
    records: Sequence[object]


class DnsResolver:
    """`Resolver` over the configured servers, else the system's; every question ends within `timeout` seconds.

    Answers are kept in this process for their TTL; `seconds` is a clock that never goes back.
    """

    def __init__(self, servers: Sequence[str], timeout: float, seconds: Callable[[], float] = time.monotonic) -> None:
        self._servers = tuple(servers)
        self._timeout = timeout
        self._seconds = seconds
        self._kept: dict[tuple[str, dns.rdatatype.RdataType], _Kept] = {}
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def txt(self, name: str) -> tuple[TxtAnswer, tuple[str, ...]]:
        """The TXT records of a name, each joined to one text."""
        if self._unasked(name):
            return TxtAnswer.ABSENT, ()
        found, records = await self._ask(name, dns.rdatatype.TXT)
        texts = (b"".join(one.strings).decode("utf-8", "replace") for one in records if isinstance(one, TXT))
        return found, tuple(texts)

    async def takes_mail(self, domain: str) -> TxtAnswer:
        """Whether anything takes mail for a domain (RFC 5321 §5.1, null MX: RFC 7505)."""
        if self._unasked(domain):
            return TxtAnswer.UNKNOWN
        found, records = await self._ask(domain, dns.rdatatype.MX)
        if found is TxtAnswer.FOUND:
            hosts = [one.exchange for one in records if isinstance(one, MX)]
            return TxtAnswer.ABSENT if hosts == [dns.name.root] else TxtAnswer.FOUND
        if found is TxtAnswer.UNKNOWN:
            return found
        return await self._has_address(domain)

    async def _has_address(self, domain: str) -> TxtAnswer:
        asked = (self._ask(domain, dns.rdatatype.A), self._ask(domain, dns.rdatatype.AAAA))
        answers = [found for found, _ in await asyncio.gather(*asked)]
        for answer in (TxtAnswer.FOUND, TxtAnswer.UNKNOWN):
            if answer in answers:
                return answer
        return TxtAnswer.ABSENT

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> tuple[TxtAnswer, Sequence[object]]:
        """What is kept and still counts, else what the servers say."""
        kept = self._kept.get((name, kind))
        if kept is None or kept.until <= self._seconds():
            kept = await self._answer(name, kind)
            if kept.found is not TxtAnswer.UNKNOWN:
                self._keep(name, kind, kept)
        return kept.found, kept.records

    def _keep(self, name: str, kind: dns.rdatatype.RdataType, answer: _Kept) -> None:
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[name, kind] = answer

    async def _answer(self, name: str, kind: dns.rdatatype.RdataType) -> _Kept:
        now = self._seconds()
        try:
            async with asyncio.timeout(self._timeout):
                resolver = self._resolver = self._resolver or self._made()
                answer = await resolver.resolve(f"{name}.", kind, lifetime=self._timeout)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return _Kept(now + ABSENT_KEPT, TxtAnswer.ABSENT, ())
        except _FAILURES:
            return _Kept(now, TxtAnswer.UNKNOWN, ())
        seconds = min(LONGEST_KEPT, answer.response.resolve_chaining().minimum_ttl)
        return _Kept(now + seconds, TxtAnswer.FOUND, list(answer.rrset or ()))

    def _made(self) -> dns.asyncresolver.Resolver:
        """Made at the first question: a machine without resolver configuration is 'unknown', not a crash."""
        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            endpoints = [Endpoint.parse(server) for server in self._servers]
            resolver.nameservers = [Do53Nameserver(one.host, one.port) for one in endpoints]
        return resolver

    def _unasked(self, name: str) -> bool:
        return not self._servers and name.rpartition(".")[2] in SPECIAL_USE
