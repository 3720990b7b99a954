"""Reading the journal for `log` and `explain`: kept events and delivered copies as one sequence, oldest first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from relay.adapters.store.engine import Engine, from_us, to_us
from relay.adapters.store.spool_state import SpoolState, spool_state
from relay.adapters.tables import account, delivery, journal, mailing_list

PAGE = 1000
"""Rows read at a time."""

LATE = timedelta(seconds=5)
"""How much later than its event a row may be committed: that far `follow` looks back."""

Key = tuple[int, int, str, int]
"""Kind (0 event, 1 delivered copy), account_id, REF, ordinal or contact_id: one row's identity."""


Columns = tuple[ColumnElement[object], ...]


@dataclass(frozen=True, slots=True)
class Search:
    """Which rows; what is empty does not narrow."""

    account: str = ""
    rule: str = ""
    """A rule id, or its group."""
    event: str = ""
    recipient: str = ""
    since: datetime | None = None
    ref: str = ""
    limit: int | None = None
    """The newest so many."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal row: the line as it was written, and the evidence kept beside it."""

    key: Key
    at: datetime
    line: Mapping[str, object]
    evidence: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a follower has read: a time, and the rows of the last seconds before it."""

    at: datetime
    seen: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything known of one REF."""

    entries: tuple[Entry, ...]
    spool: SpoolState | None


class JournalReader:
    """Cold: for people at a terminal or a page."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def read(self, search: Search) -> list[Entry]:
        """All rows of a search, newest last."""
        return [entry async for entry in self.rows(search)]

    async def rows(self, search: Search) -> AsyncIterator[Entry]:
        """The same without holding more than a page in memory."""
        if search.limit is not None:
            for entry in reversed(await self._entries(newest(search, search.limit))):
                yield entry
            return
        after: tuple[int, Key] | None = None
        while found := await self._entries(page(search, after)):
            for entry in found:
                yield entry
            after = (to_us(found[-1].at), found[-1].key)

    async def follow(self, search: Search, cursor: Cursor) -> tuple[list[Entry], Cursor]:
        """Rows that came since the cursor, oldest first, and the next cursor."""
        start = cursor.at - LATE
        found = [entry async for entry in self.rows(_since(search, start))]
        fresh = [entry for entry in found if entry.key not in cursor.seen]
        at = max([cursor.at, *(entry.at for entry in fresh)])
        seen = frozenset(entry.key for entry in found if entry.at >= at - LATE)
        return fresh, Cursor(at, seen)

    async def cursor(self, search: Search, now: datetime) -> Cursor:
        """Where a follower starts: everything there is now counts as read."""
        return (await self.follow(search, Cursor(now, frozenset())))[1]

    async def story(self, ref: str) -> Story:
        """Events, delivered copies and spool state of a REF."""
        entries = await self.read(Search(ref=ref))
        return Story(tuple(entries), await spool_state(self._engine, ref))

    async def _entries(self, statement: Select[tuple[object, ...]]) -> list[Entry]:
        async with self._engine.connect() as connection:
            return [_entry(row) for row in await connection.execute(statement)]


def page(search: Search, after: tuple[int, Key] | None = None) -> Select[tuple[object, ...]]:
    """The next rows after one, in the order of time."""
    events, copies = _events(search), _copies(search)
    if after is not None:
        events, copies = _beyond(events, _EVENT_KEY, after), _beyond(copies, _COPY_KEY, after)
    return _merged(events.order_by(*_EVENT_KEY), copies.order_by(*_COPY_KEY), PAGE, _ascending)


def newest(search: Search, limit: int) -> Select[tuple[object, ...]]:
    """The last rows, newest first."""
    events = _events(search).order_by(*_descending(_EVENT_KEY))
    copies = _copies(search).order_by(*_descending(_COPY_KEY))
    return _merged(events, copies, limit, _descending)


_EVENT_KEY: Columns = (journal.c.at, journal.c.account_id, journal.c.ref, journal.c.ordinal)
_COPY_KEY: Columns = (delivery.c.at, delivery.c.account_id, delivery.c.ref, delivery.c.contact_id)


def _ascending(columns: Columns) -> Columns:
    return columns


def _descending(columns: Columns) -> Columns:
    return tuple(column.desc() for column in columns)


def _beyond(rows: Select[tuple[object, ...]], key: Columns, after: tuple[int, Key]) -> Select[tuple[object, ...]]:
    """Rows of one kind after a row of either: events of a moment come before copies of the same moment."""
    at, (kind, *rest) = after
    if (key is _EVENT_KEY) == (kind == 0):
        return rows.where(key[0] >= at, tuple_(*key) > tuple_(*(literal(value) for value in (at, *rest))))
    return rows.where(key[0] > at if key is _EVENT_KEY else key[0] >= at)


def _merged(
    events: Select[tuple[object, ...]],
    copies: Select[tuple[object, ...]],
    limit: int,
    direction: Callable[[Columns], Columns],
) -> Select[tuple[object, ...]]:
    """Both kinds as one sequence; each is cut by its own index first, so that only a page is sorted."""
    rows = union_all(select(events.limit(limit).subquery()), select(copies.limit(limit).subquery())).subquery()
    key = (rows.c.at, rows.c.kind, rows.c.account_id, rows.c.ref, rows.c.part)
    return select(rows).order_by(*direction(key)).limit(limit)


def _since(search: Search, start: datetime) -> Search:
    """The search from a time on, without a limit."""
    since = start if search.since is None else max(start, search.since)
    return Search(search.account, search.rule, search.event, search.recipient, since, search.ref)


def _events(search: Search) -> Select[tuple[object, ...]]:
    table = journal.c
    where = [_account_is(table.account_id, search.account), table.at >= _from(search)]
    if search.rule:
        where.append(or_(table.rule == search.rule, table.rule.startswith(f"{search.rule}.", autoescape=True)))
    if search.event:
        where.append(table.event == search.event)
    if search.recipient:
        where.append(func.lower(table.recipient) == search.recipient.lower())
    if search.ref:
        where.append(table.ref == search.ref)
    nothing = literal("")
    return select(
        table.at,
        literal(0).label("kind"),
        table.account_id,
        table.ref,
        table.ordinal.label("part"),
        table.line,
        table.evidence,
        *(
            nothing.label(name)
            for name in ("name", "list_name", "recipient", "smarthost", "reply", "campaign", "node")
        ),
    ).where(and_(*where))


def _copies(search: Search) -> Select[tuple[object, ...]]:
    table = delivery.c
    where = [_account_is(table.account_id, search.account), table.at >= _from(search)]
    if search.rule or search.event not in ("", "delivery.done"):
        where.append(false())
    if search.recipient:
        where.append(table.recipient_key == search.recipient.lower())
    if search.ref:
        # The key leads with the account: one look-up each, and no second index on the largest table.
        where += [table.ref == search.ref, table.account_id.in_(_accounts())]
    joined = delivery.outerjoin(account, account.c.account_id == table.account_id).outerjoin(
        mailing_list,
        and_(mailing_list.c.account_id == table.account_id, mailing_list.c.list_id == table.list_id),
    )
    columns = (table.recipient_key, table.smarthost, table.reply, table.campaign, table.node)
    return (
        select(
            table.at,
            literal(1).label("kind"),
            table.account_id,
            table.ref,
            table.contact_id.label("part"),
            literal("").label("line"),
            literal("").label("evidence"),
            account.c.name,
            mailing_list.c.name.label("list_name"),
            *columns,
        )
        .select_from(joined)
        .where(and_(*where))
    )


def _accounts() -> CompoundSelect[tuple[int]]:
    """Every account, the platform's own mail included."""
    return union_all(select(account.c.account_id), select(literal(0)))


def _account_is(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    if not name:
        return true()
    return column == select(account.c.account_id).where(account.c.name == name).scalar_subquery()


def _from(search: Search) -> int:
    return 0 if search.since is None else to_us(search.since)


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    key = (row.kind, row.account_id, row.ref, row.part)
    line = _delivered_line(row) if row.kind else orjson.loads(row.line)
    return Entry(key, from_us(row.at), line, orjson.loads(row.evidence) if row.evidence else {})


def _delivered_line(row: Row[tuple[object, ...]]) -> dict[str, object]:
    """A compact row as the event it was."""
    at = from_us(row.at).astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    line = {"at": at, "level": "info", "event": "delivery.done", "ref": row.ref, "node": row.node}
    known = {
        "account": row.name,
        "list": row.list_name,
        "campaign": row.campaign,
        "recipient": row.recipient,
        "reply": row.reply,
        "smarthost": row.smarthost,
    }
    return line | {name: value for name, value in known.items() if value}
