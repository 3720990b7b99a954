"""A circuit breaker per smarthost: one that keeps failing is tried by one copy at a time, with pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Breaker:
    """Opens after `threshold` failures in a row; then, after a pause, one copy goes ahead for all that wait."""

    def __init__(
        self, monotonic: Callable[[], float], threshold: int = 3, first_wait: float = 0.25, longest_wait: float = 2.0
    ) -> None:
        self._monotonic = monotonic
        self._threshold = threshold
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._failures = 0
        self._wait = first_wait
        self._try_at = 0.0
        self._trial: asyncio.Event | None = None
        """Set when the copy that went ahead has its outcome."""
        self.last_error = ""
        """The newest failure, in words."""

    @property
    def closed(self) -> bool:
        return self._failures < self._threshold

    def reachable(self) -> bool:
        """Closed, or due for a try."""
        return self.closed or self._monotonic() >= self._try_at

    async def admit(self, timeout: float) -> bool:
        """Whether a copy may be tried; within so many seconds it waits for its own try or for another's luck.

        With time enough nobody is turned away unless a try failed that ended after they came.
        """
        try:
            async with asyncio.timeout(timeout):
                return self.closed or await self._half_open()
        except TimeoutError:
            return False

    async def _half_open(self) -> bool:
        failures = self._failures
        if self._trial is None:
            delay = self._try_at - self._monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
        if self._trial is not None:
            await self._trial.wait()
        elif self._failures == failures:
            self._trial = asyncio.Event()
            return True
        return self.closed

    def succeeded(self) -> None:
        self._failures = 0
        self._wait = self._first_wait
        self.abandoned()

    def abandoned(self) -> None:
        """A try ended without saying anything about the smarthost."""
        if self._trial is not None:
            self._trial.set()
            self._trial = None

    def failed(self, error: str) -> None:
        """One more failure; each while open doubles the pause."""
        self.last_error = error
        self._failures += 1
        self.abandoned()
        if self.closed:
            return
        self._try_at = self._monotonic() + self._wait
        self._wait = min(self._wait * 2, self._longest_wait)
