"""Answers that clients have read: noted with the writer's next transaction (RELIABILITY.md §E5)."""

from __future__ import annotations

from relay.adapters.store.hot import Statements

_SEEN = "UPDATE spool_message SET answer_seen_at = ? WHERE account_id = ? AND ref = ? AND answer_seen_at IS NULL"


class SeenAnswers:
    """Lagging for the writer. What a crash loses counts as unread: its message is then not sent twice."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[int, int, str]] = {}
        """By REF: when, whose; the loop adds, the writer's thread takes away."""
        self._taken: list[str] = []

    def __contains__(self, ref: str) -> bool:
        """Whether it was read and no row says so yet."""
        return ref in self._waiting

    def add(self, account_id: int, ref: str, at: int) -> None:
        self._waiting[ref] = (at, account_id, ref)

    def waiting(self) -> bool:
        return bool(self._waiting)

    def write(self, statements: Statements) -> None:
        """All that waits, in one order for every process."""
        self._taken = sorted(self._waiting)
        statements.each(_SEEN, [self._waiting[ref] for ref in self._taken])

    def written(self) -> None:
        for ref in self._taken:
            del self._waiting[ref]

    def failed(self, failure: Exception) -> None:
        """They count as unread, then."""
        self.written()
