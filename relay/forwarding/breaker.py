"""A circuit breaker per smarthost: one that fails is left alone for a while, then tried by one copy at a time."""

from __future__ import annotations

from collections.abc import Callable


class Breaker:
    """Opens after `threshold` failures in a row; half-open, it lets one try pass per waiting time."""

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
        self.last_error = ""
        """The newest failure, in words."""

    @property
    def closed(self) -> bool:
        return self._failures < self._threshold

    def reachable(self) -> bool:
        """Closed, or due for a try."""
        return self.closed or self._monotonic() >= self._try_at

    def allow(self) -> bool:
        """Whether a copy may be tried now; half-open, asking takes the one try."""
        if self.closed:
            return True
        now = self._monotonic()
        if now < self._try_at:
            return False
        self._try_at = now + self._wait
        return True

    def succeeded(self) -> None:
        self._failures = 0
        self._wait = self._first_wait

    def failed(self, error: str) -> None:
        """One more failure; each while open doubles the waiting time."""
        self.last_error = error
        self._failures += 1
        if self.closed:
            return
        self._try_at = self._monotonic() + self._wait
        self._wait = min(self._wait * 2, self._longest_wait)
