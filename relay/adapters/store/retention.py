"""How long what happened is kept: journal, delivered copies and finished messages, then they go."""

from __future__ import annotations

from datetime import datetime

from relay.adapters.store.engine import to_us
from relay.adapters.store.hot import Query, Statements
from relay.adapters.store.writer import Writer

_PART = 2000
"""Rows a transaction: a promise may be waiting for the same lock."""

_OLD_EVENTS = Query[tuple[int, str, int]]("SELECT account_id, ref, ordinal FROM journal WHERE at < ? LIMIT ?")
_OLD_COPIES = Query[tuple[int, str, int]]("SELECT account_id, ref, contact_id FROM delivery WHERE at < ? LIMIT ?")
_OLD_MESSAGES = Query[tuple[int, str]]("SELECT account_id, ref FROM spool_message WHERE final_at < ? LIMIT ?")
_OLD_TALLIES = Query[tuple[int, str, int]]("SELECT account_id, subject, since FROM tally WHERE since < ? LIMIT ?")
_DROP_EVENT = "DELETE FROM journal WHERE account_id = ? AND ref = ? AND ordinal = ?"
_DROP_COPY = "DELETE FROM delivery WHERE account_id = ? AND ref = ? AND contact_id = ?"
_DROP_TALLY = "DELETE FROM tally WHERE account_id = ? AND subject = ? AND since = ?"
_DROP_MESSAGE = tuple(
    f"DELETE FROM {table} WHERE account_id = ? AND ref = ?"
    for table in ("spool_bytes", "spool_copy", "spool_message")
)


async def expire(writer: Writer, before: datetime) -> int:
    """Drop rows older than that, and messages final since before then; how many. Hourly counts stay."""
    dropped = 0
    while part := await writer.run(lambda statements: _expire_part(statements, to_us(before))):
        dropped += part
    return dropped


def _expire_part(statements: Statements, before: int) -> int:
    events = statements.fetch(_OLD_EVENTS, (before, _PART))
    copies = statements.fetch(_OLD_COPIES, (before, _PART))
    messages = statements.fetch(_OLD_MESSAGES, (before, _PART))
    tallies = statements.fetch(_OLD_TALLIES, (before, _PART))
    statements.each(_DROP_EVENT, events)
    statements.each(_DROP_TALLY, tallies)
    statements.each(_DROP_COPY, copies)
    for sql in _DROP_MESSAGE:
        statements.each(sql, messages)
    return len(events) + len(copies) + len(messages) + len(tallies)
