"""The smarthost's faults in one table: stage, fault, number of recipients, listener (row 66, figure 10)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product

from posting import FAST, RAW, FakeClock, Post, render
from sink import CLOSE, GARBAGE, HANG, RESET, TAKE_AND_CLOSE, Sink, Stage

from config.schema import Delivery
from relay.adapters.smarthost import Opener, Route, client_context
from relay.forwarding.breaker import Breaker
from relay.forwarding.links import Links
from relay.forwarding.smarthosts import Pool, Weighted
from relay.ports import CopyState

ENDLESS = b"250 " + b"x" * 40_000
BUSY, NO, CLOSING, HALF = "451 4.3.0 busy", "550 5.7.1 no", "421 4.3.2 closing", b"250 2.0"
STAGES = (Stage.BANNER, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT)
FAULTS: tuple[str | bytes, ...] = (CLOSE, RESET, HANG, GARBAGE, BUSY, NO, CLOSING, ENDLESS, TAKE_AND_CLOSE)
COUNTS = (1, 3, 50)
LISTENERS = ("queue", "defer")
PATIENT = replace(FAST, inline_deadline=20.0, connect_timeout=10.0, in_doubt_tries=10)
"""As the settings have it: a slow machine is no slow smarthost."""
HASTY = replace(FAST, inline_deadline=5.0, connect_timeout=2.5, in_doubt_tries=10)
"""For what never answers."""
AT_ONCE = 24


def meaning(stage: Stage, fault: str | bytes) -> str:
    """unavailable, busy, refused or doubt (RELIABILITY.md §E2)."""
    if stage in (Stage.BANNER, Stage.EHLO):
        return "unavailable"
    if fault in (BUSY, NO):
        return "busy" if fault == BUSY else "refused"
    if stage in (Stage.BODY, Stage.DOT) and fault != CLOSING:
        return "doubt"
    return "unavailable"


def code(kind: str, on_unavailable: str) -> int:
    if kind == "refused":
        return 550
    return 250 if kind == "doubt" or on_unavailable == "queue" else 451


async def play_matrix(seed: int) -> list[str]:
    """What was wrong in each cell; empty strings: nothing."""
    cells = [
        (stage, fault, count, listener)
        for stage, fault, count, listener in product(STAGES, FAULTS, COUNTS, LISTENERS)
        if fault != TAKE_AND_CLOSE or stage is Stage.DOT
    ]
    random.Random(seed).shuffle(cells)
    places = asyncio.Semaphore(AT_ONCE)

    async def cell(stage: Stage, fault: str | bytes, count: int, listener: str) -> str:
        async with places:
            wrong = await play(stage, fault, count, listener)
        return f"{stage} {fault[:20]!r} {count} {listener}: {wrong}" if wrong else ""

    return list(await asyncio.gather(*(cell(*one) for one in cells)))


@asynccontextmanager
async def failing(stage: Stage, fault: str | bytes) -> AsyncIterator[Sink]:
    async with Sink(faults={stage: fault}) as sink:
        yield sink


def pool(sink: Sink, clock: FakeClock, clocks: Delivery) -> Pool:
    """The sink as the one smarthost."""
    route = Route.parse(f"smtp://127.0.0.1:{sink.port}")
    opener = Opener(route, "relay.example", clocks.connect_timeout, client_context(False))
    return Pool([Weighted(Links(route.name, opener.open, 20, 500, 30.0, Breaker(clock.monotonic)))], lambda: 0.5)


async def play(stage: Stage, fault: str | bytes, count: int, listener: str) -> str:
    """One message meets the fault; once the smarthost is well, the queue must end as promised."""
    clock, people = FakeClock(), [f"r{number}@example.org" for number in range(count)]
    kind = meaning(stage, fault)
    async with failing(stage, fault) as sink:
        clocks = HASTY if fault == HANG else PATIENT
        post = Post(pool(sink, clock, clocks), clock, clocks)
        reply, tx = await post.send(*people, on_unavailable=listener)
        if stage is Stage.BODY and fault in (BUSY, NO) and reply.code == 250:
            # It closed on a body it had not read, and so its verdict may not have arrived.
            kind = "doubt" if _in_doubt(post, tx.ref) else kind
        wrong = _wrong_at_once(post, sink, tx.ref, kind, listener, reply.code, fault)
        sink.faults.clear()
        for _ in range(6):
            clock.advance(hours=1)
            await post.keeper.round()
        wrong = wrong or _wrong_in_the_end(sink, people, reply.code == 250, fault)
        await post.smarthosts.close()
    return wrong


def _in_doubt(post: Post, ref: str) -> bool:
    return any(copy.state is CopyState.IN_DOUBT for copy in post.spool.copies(ref))


def _wrong_at_once(post: Post, sink: Sink, ref: str, kind: str, listener: str, got: int, fault: str | bytes) -> str:
    wanted = code(kind, listener)
    if got != wanted:
        return f"{got}, not {wanted}"
    if (ref in post.spool.entries) is not (got == 250):
        return "kept without a promise, or promised without being kept"
    if sink.taken and fault != TAKE_AND_CLOSE:
        return "taken by a smarthost that did not say so"
    states = {copy.state for copy in post.spool.copies(ref)} if got == 250 else set()
    if kind == "doubt" and CopyState.IN_DOUBT not in states:
        return f"no copy is in doubt: {sorted(states)}"
    may = {CopyState.IN_DOUBT, CopyState.PENDING} | ({CopyState.FAILED} if fault == NO else set())
    return "" if states <= may else f"states {sorted(states)}"


def _wrong_in_the_end(sink: Sink, people: list[str], promised: bool, fault: str | bytes) -> str:
    for one in people:
        bodies = sink.bodies_for(one)
        if set(bodies) - {render(RAW, one)}:
            return f"{one} got other octets"
        fewest, most = 0 if fault == NO else 1, 2 if fault == TAKE_AND_CLOSE else 1
        if not (fewest <= len(bodies) <= most if promised else not bodies):
            return f"{one} got {len(bodies)} copies"
    return ""
