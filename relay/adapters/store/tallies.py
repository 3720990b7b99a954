"""What logins have sent, as counts that are kept before the message goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from relay.adapters.store.engine import to_us
from relay.adapters.store.hot import HotReader, Query, Statements
from relay.adapters.store.writer import Writer
from relay.ports import Tally

_COUNT = Query[tuple[int]]("SELECT count FROM tally WHERE account_id = ? AND subject = ? AND since = ?")
_ADD = (
    "INSERT INTO tally (account_id, subject, since, count) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (account_id, subject, since) DO UPDATE SET count = tally.count + excluded.count"
)


class StoreTallies:
    """Counts over all processes: the row is locked from the addition to the look, so every answer is one's own."""

    def __init__(self, reader: HotReader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def counted(self, account_id: int, subject: str, since: datetime) -> int:
        """What stands there now."""
        found = await self._reader.fetch(_COUNT, (account_id, subject, to_us(since)))
        return found[0][0] if found else 0

    async def add(self, tallies: Sequence[Tally]) -> list[int]:
        """Add each, in one transaction; what then stands there, in order."""
        return await self._writer.run(partial(_added, tallies=tallies))


def _added(statements: Statements, tallies: Sequence[Tally]) -> list[int]:
    statements.take_turns()
    found = []
    for one in tallies:
        key = (one.account_id, one.subject, to_us(one.since))
        statements.execute(_ADD, (*key, one.count))
        found.append(statements.fetch(_COUNT, key)[0][0])
    return found
