"""Reading messages without holding up the loop: large HTML goes to a process that may be killed (DESIGN.md §6)."""

from __future__ import annotations

import asyncio
import resource
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from policies.facts import FooterIdentity
from relay.message.known_bodies import KnownBodies
from relay.message.postal_address import RegisteredAddress
from relay.message.read import read, read_header, read_parts
from relay.message.scan import scan
from relay.ports import Readable

INLINE_HTML = 262_144
"""Octets of message up to which HTML is parsed on the loop."""
CPU_SECONDS = 1
"""CPU a message may cost in the reading process before the process is killed."""
WAIT_SECONDS = 5.0


class TooCostly(Exception):
    """Reading took more than its share: our fault towards the client, 451."""


MAX_ADDRESSES = 1000
"""Registered addresses kept ready to be looked up."""


def read_now(
    raw: bytes, footer: FooterIdentity, hostname: str, public_url: str, address: RegisteredAddress | None = None
) -> Readable:
    """Scan and read in the calling process."""
    message = scan(raw)
    reading = read(message, footer, hostname, public_url, address)
    return Readable(message, reading.facts, reading.displayed)


def _read_limited(raw: bytes, footer: FooterIdentity, hostname: str, public_url: str) -> Readable:
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + 1 + CPU_SECONDS, most))
    return read_now(raw, footer, hostname, public_url)


class Reader:
    """The port `MessageReader`. One spare process, made when first needed, made anew after it was killed."""

    def __init__(self, hostname: str, public_url: str) -> None:
        self._hostname = hostname
        self._public_url = public_url
        self._process: ProcessPoolExecutor | None = None
        self._addresses: dict[str, RegisteredAddress] = {}
        self._bodies = KnownBodies()

    async def read(self, raw: bytes, footer: FooterIdentity) -> Readable:
        """TooCostly where a parser ran away; nothing else is raised for any input."""
        if len(raw) <= INLINE_HTML or b"text/html" not in raw.lower():
            return self._read_here(raw, footer)
        process = self._process = self._process or ProcessPoolExecutor(1, get_context("spawn"))
        try:
            job = process.submit(_read_limited, raw, footer, self._hostname, self._public_url)
            async with asyncio.timeout(WAIT_SECONDS):
                return await asyncio.wrap_future(job)
        except (TimeoutError, BrokenProcessPool) as error:
            self._kill(process)
            raise TooCostly("reading the message took too long") from error

    def _read_here(self, raw: bytes, footer: FooterIdentity) -> Readable:
        """On the loop; a body that was read before is not read again."""
        known = self._bodies.find(raw, footer)
        found = known.in_message(raw) if known is not None else None
        if found is None:
            message = scan(raw)
            parts = read_parts(message, footer, self._public_url, self._address(footer.postal_address))
            known = self._bodies.keep(message, footer, parts)
        else:
            message, parts = found
        reading = read_header(message, self._hostname, parts)
        return Readable(message, reading.facts, reading.displayed, known)

    def _address(self, text: str) -> RegisteredAddress:
        """An account's address, taken apart once."""
        known = self._addresses.get(text)
        if known is None:
            if len(self._addresses) >= MAX_ADDRESSES:
                self._addresses.clear()
            known = self._addresses[text] = RegisteredAddress(text)
        return known

    def _kill(self, process: ProcessPoolExecutor) -> None:
        """Whoever else waits for it is told that it broke; cancelled, they would look like ended sessions."""
        if self._process is process:
            self._process = None
        for one in list((process._processes or {}).values()):
            one.kill()
        process.shutdown(wait=False)

    def close(self) -> None:
        if self._process is not None:
            self._kill(self._process)
