"""A circuit breaker per smarthost: one that fails is left alone for a while, then one copy tries it for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Breaker:
    """Opens after `threshold` failures in a row; half-open, one copy goes ahead and the others wait for its luck."""

    def __init__(
        self, monotonic: Callable[[], float], threshold: int = 3, first_wait: float = 0.5, longest_wait: float = 10.0
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
        """Whether a copy may be tried; half-open, the first is let through and the rest wait so many seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not self.closed:
                    if self._trial is None:
                        if self._monotonic() < self._try_at:
                            return False
                        self._trial = asyncio.Event()
                        return True
                    await self._trial.wait()
        except TimeoutError:
            return False
        return True

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
        """One more failure; each while open doubles the waiting time."""
        self.last_error = error
        self._failures += 1
        self.abandoned()
        if self.closed:
            return
        self._try_at = self._monotonic() + self._wait
        self._wait = min(self._wait * 2, self._longest_wait)
