"""The clock, and the one failure every store port may raise."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class StoreUnavailable(Exception):
    """The store could not be read or written: 451 4.3.0, never a pass."""


class StoreFull(StoreUnavailable):
    """No space for what was to be written: 452 4.3.1; nothing of it is kept."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC time."""

    def monotonic(self) -> float:
        """Seconds, for deadlines."""
