"""Many messages through changing weather, every answer written down: what was promised and what was refused.

The invariants are RELIABILITY.md §E10's: 1 (each 250 ends in a delivery, a DSN or a person's hands), 3 (twice only
after a doubt), 4 (no message answered 4xx or 5xx reaches anybody), 5 (the same octets each time),
7 (one DSN a failure; the weather may refuse it, then it goes to the account instead, the same octets).
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from posting import FAST, RAW, FakeClock, Post, pool_to, render
from sink import CLOSE, GARBAGE, RESET, TAKE_AND_CLOSE, Sink, Stage

from relay.ports import CopyState

WEATHER = (CLOSE, RESET, GARBAGE, "451 4.3.0 busy", "550 5.7.1 no", "421 4.3.2 closing")
PLACES = (Stage.BANNER, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT)


@dataclass(frozen=True)
class Entry:
    """One answer as the client got it."""

    ref: str
    code: int
    recipients: tuple[str, ...]


def draw_weather(dice: random.Random, sink: Sink) -> None:
    """A fault somewhere for the next few times, or none; sometimes some recipients are refused."""
    sink.faults.clear()
    sink.fail_times.clear()
    if dice.random() < 0.7:
        place = dice.choice(PLACES)
        fault = TAKE_AND_CLOSE if place is Stage.DOT and dice.random() < 0.3 else dice.choice(WEATHER)
        sink.faults[place] = fault
        sink.fail_times[place] = dice.randint(1, 3)
    sink.refuse = (
        (lambda who: "550 5.1.1 no such user" if who[0] == "x" else "") if dice.random() < 0.5 else lambda _: ""
    )


async def send_all(dice: random.Random, sink: Sink, post: Post, clock: FakeClock) -> list[Entry]:
    ledger = []
    for number in range(40):
        draw_weather(dice, sink)
        names = [f"{dice.choice('abx')}{number}n{place}@example.org" for place in range(dice.choice((1, 1, 2, 5)))]
        reply, tx = await post.send(*names, on_unavailable=dice.choice(("queue", "defer")))
        ledger.append(Entry(tx.ref, 0 if reply.silent else reply.code, tuple(names)))
        clock.advance(seconds=5)
        if dice.random() < 0.3:
            await post.keeper.round()
    return ledger


async def clear_up(sink: Sink, post: Post, clock: FakeClock) -> None:
    """Fair weather until the queue has nothing left to do."""
    sink.faults.clear()
    sink.refuse = lambda _: ""
    for _ in range(30):
        clock.advance(hours=3)
        await post.keeper.round()


class Judge:
    """Compares what clients were told with what arrived and what the spool holds."""

    def __init__(self, sink: Sink, post: Post) -> None:
        self.sink = sink
        self.arrived = Counter(path for one in sink.taken for path in one.forward_paths)
        entries = post.spool.entries.values()
        self.copies = {(one.message.ref, copy.recipient): copy for one in entries for copy in one.copies.values()}
        self.reports = b"".join({one.message.raw for one in entries if one.message.purpose == "dsn"})

    def check(self, entry: Entry, recipient: str) -> None:
        count, copy = self.arrived[recipient], self.copies.get((entry.ref, recipient))
        told = self.reports.count(b"Final-Recipient: rfc822; " + recipient.encode() + b"\r\n")
        assert count <= 1 or (copy and copy.in_doubt), (entry, recipient)
        assert set(self.sink.bodies_for(recipient)) <= {render(RAW, recipient)}
        if entry.code != 250:
            assert (count, told) == (0, 0), (entry, recipient)
            return
        state = copy.state if copy else CopyState.SENT
        assert state in (CopyState.SENT, CopyState.FAILED, CopyState.QUARANTINED), (entry, recipient, state)
        assert told == (state is CopyState.FAILED), (entry, recipient)
        assert count >= (state is CopyState.SENT), (entry, recipient)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(6))
async def test_what_was_promised_arrives_and_what_was_refused_does_not(seed):
    dice, clock = random.Random(seed), FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock, replace(FAST, inline_deadline=2.0))
        ledger = await send_all(dice, sink, post, clock)
        await clear_up(sink, post, clock)

        judge = Judge(sink, post)
        for entry in ledger:
            for recipient in entry.recipients:
                judge.check(entry, recipient)
        assert Counter(one.code for one in ledger)[250] > 5
        await post.smarthosts.close()
