"""The journal's rows: gathered in memory, written with the writer's next transaction, at most a batch late."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TypeVar

from relay.adapters.store.engine import to_us
from relay.adapters.store.hot import Statements, Value
from relay.journal import json_line
from relay.ports import DeliveredRow, Event

MAX_WAITING = 100_000
"""Rows that may wait while the store cannot be written; more are dropped and counted."""

BATCH = 5000
"""Rows of one transaction at most: a promise may be waiting for the same lock."""

ROWS_A_START = 1 << 22
"""Ordinals counted from one random number: 40 random bits and these fit into the 63 of a store."""

HOUR_US = 3_600_000_000

NOT_KEPT = frozenset({"session.refused", "message.accepted", "delivery.done"})
"""Lines only: a flood of the first fills no disk, and delivered copies have a table of their own."""

_JOURNAL = (
    "INSERT INTO journal (account_id, ref, ordinal, at, level, event, rule, recipient, line, evidence)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, ref, ordinal) DO NOTHING"
)
_DELIVERY = (
    "INSERT INTO delivery (account_id, ref, contact_id, at, list_id, recipient_key, smarthost, reply, campaign, node)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, ref, contact_id) DO NOTHING"
)
_HOURLY = (
    "INSERT INTO hourly (account_id, hour, event, rule, count) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (account_id, hour, event, rule) DO UPDATE SET count = hourly.count + excluded.count"
)

Values = tuple[Value, ...]
Hour = tuple[int, int, str, str]
"""account_id, start of the hour, event, rule."""
Item = TypeVar("Item")


@dataclass(slots=True)
class _Batch:
    """Rows on their way into one transaction."""

    events: list[Values] = field(default_factory=list)
    copies: list[Values] = field(default_factory=list)
    counts: list[Hour] = field(default_factory=list)


class StoreJournal:
    """JournalRows for whoever writes events, Lagging for the writer."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._events: deque[Values] = deque()
        self._copies: deque[Values] = deque()
        self._counts: deque[Hour] = deque()
        self._taken = _Batch()
        self._ordinal = 0
        self._dropped = 0
        self._failed = 0
        self._told = 0

    def keep(self, event: Event, line: bytes) -> None:
        """Count the event; keep it where it is of a kind that is kept, or brings evidence for `explain`."""
        at = to_us(event.at)
        rule = str(event.fields.get("rule") or "")
        self._count((event.account_id, at - at % HOUR_US, event.event, rule))
        if event.event in NOT_KEPT and not event.evidence:
            return
        if len(self._events) >= self._max_waiting:
            self._dropped += 1
            return
        evidence = json_line(event.evidence).decode() if event.evidence else ""
        recipient = str(event.fields.get("recipient") or "").strip("<>").lower()
        key = (event.account_id, event.ref, self._next_ordinal())
        self._events.append((*key, at, event.level, event.event, rule, recipient, line.decode(), evidence))

    def delivered(self, row: DeliveredRow, node: str) -> None:
        """Keep the compact row and count the copy."""
        at = to_us(row.at)
        self._count((row.account_id, at - at % HOUR_US, "delivery.done", ""))
        if len(self._copies) >= self._max_waiting:
            self._dropped += 1
            return
        key = (row.account_id, row.ref, row.contact_id, at)
        self._copies.append((*key, row.list_id, row.recipient_key, row.smarthost, row.reply, row.campaign, node))

    def _next_ordinal(self) -> int:
        """Several processes write of one REF: each counts from random numbers of its own, and none has to look."""
        if self._ordinal % ROWS_A_START == 0:
            self._ordinal = secrets.randbits(40) * ROWS_A_START
        self._ordinal += 1
        return self._ordinal

    def _count(self, hour: Hour) -> None:
        if len(self._counts) < 4 * self._max_waiting:
            self._counts.append(hour)

    def lost(self) -> int:
        """Rows dropped since the last call; none while there is no room to tell of it."""
        if len(self._events) >= self._max_waiting:
            return 0
        in_all = self._dropped + self._failed
        lost, self._told = in_all - self._told, in_all
        return lost

    def waiting(self) -> bool:
        return bool(self._counts or self._events or self._copies or self._taken.counts)

    def write(self, statements: Statements) -> None:
        """One batch; it stays in hand until the transaction is known to have been kept."""
        taken = self._taken
        _move(self._events, taken.events, BATCH)
        _move(self._copies, taken.copies, BATCH)
        _move(self._counts, taken.counts, 2 * BATCH)
        statements.each(_JOURNAL, taken.events)
        statements.each(_DELIVERY, taken.copies)
        # In one order for every process: two that count the same hours never wait for each other in a circle.
        statements.each(_HOURLY, [(*hour, count) for hour, count in sorted(Counter(taken.counts).items())])

    def written(self) -> None:
        """Forget the batch."""
        self._taken = _Batch()

    def failed(self, failure: Exception) -> None:
        """Drop a batch that no transaction will ever keep; a store that is merely away gets it again."""
        self._failed += len(self._taken.events) + len(self._taken.copies)
        self._taken = _Batch()


def _move(waiting: deque[Item], taken: list[Item], most: int) -> None:
    """Fill the batch up; the loop may go on adding at the other end meanwhile."""
    while waiting and len(taken) < most:
        taken.append(waiting.popleft())
