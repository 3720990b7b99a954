"""What an answer needs besides the message itself; put together once in app.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay.forwarding.answers import Answers
from relay.forwarding.dsn import Reports
from relay.forwarding.recheck import Recheck
from relay.forwarding.states import Timetable
from relay.ports import Clock, Journal, Smarthosts, Spool


@dataclass(frozen=True, slots=True)
class Office:
    """The collaborators of Commit."""

    smarthosts: Smarthosts
    spool: Spool
    journal: Journal
    clock: Clock
    timetable: Timetable
    recheck: Recheck
    reports: Reports
    answers: Answers
    queued: Callable[[], None]
    """Told when something was put into the queue: the keeper's wake-up, where it lives in this process."""
