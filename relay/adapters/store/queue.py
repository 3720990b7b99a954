"""The queue as a person at a terminal sees and moves it: what waits, since when, why; tried now, or given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Update, and_, select, update

from relay.adapters.store.engine import Engine, from_us, optional_at, to_us
from relay.adapters.store.hot import Query, Statements
from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.spool_recovery import close_message
from relay.adapters.store.spool_rows import (
    COPIES,
    MESSAGE,
    copy_of,
    insert_own,
    message_of,
    pack,
    update_copies,
)
from relay.adapters.tables import account, spool_copy, spool_message
from relay.ports import CopyState, OwnMail, SpooledCopy, SpooledMessage

_DONE = tuple(state.value for state in (CopyState.SENT, CopyState.FAILED, CopyState.CANCELLED))
_TRY_FOR = timedelta(days=1)
"""What a person tries again does not expire before the try."""
_FREE = (
    "UPDATE spool_message SET fence = fence + 1"
    " WHERE account_id = ? AND ref = ? AND fence = ? AND lease_until IS NULL"
)
_FENCE = Query[tuple[int]]("SELECT fence FROM spool_message WHERE account_id = ? AND ref = ? AND lease_until IS NULL")

Key = tuple[int, str]
"""Account id and REF."""


@dataclass(frozen=True, slots=True)
class Times:
    """The time of a call, and how long a copy stays in doubt."""

    now: datetime
    in_doubt_after: timedelta


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was given up; no message: nothing."""

    message: SpooledMessage | None
    copies: tuple[SpooledCopy, ...]


Report = Callable[[SpooledMessage, Sequence[SpooledCopy]], list[OwnMail]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which waiting copies; what is not named does not matter."""

    refs: tuple[str, ...] = ()
    account: str = ""
    smarthost: str = ""
    before: datetime | None = None
    """Received before then."""

    def where(self) -> ColumnElement[bool]:
        message, copy = spool_message.c, spool_copy.c
        wanted: list[ColumnElement[bool]] = [copy.state.not_in(_DONE)]
        wanted += [message.ref.in_(self.refs)] if self.refs else []
        wanted += [account.c.name == self.account] if self.account else []
        wanted += [copy.smarthost == self.smarthost] if self.smarthost else []
        wanted += [message.received_at < to_us(self.before)] if self.before else []
        return and_(*wanted)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One copy that is not final, with what is known of its message."""

    account_id: int
    account: str
    """Empty: the platform's own mail."""
    ref: str
    purpose: str
    reverse_path: str
    received_at: datetime
    expires_at: datetime
    busy: bool
    """A process works on the message now."""
    ordinal: int
    recipient: str
    state: str
    attempts: int
    in_doubt: int
    next_attempt_at: datetime | None
    """None: never by itself."""
    smarthost: str
    code: int
    said: str
    phase: str

    @property
    def key(self) -> Key:
        return self.account_id, self.ref


class Queue:
    """One transaction a call; what another process works on is left to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def waiting(self, selection: Selection) -> list[Waiting]:
        """Oldest first."""
        message, copy = spool_message.c, spool_copy.c
        joined = spool_message.join(
            spool_copy, and_(copy.account_id == message.account_id, copy.ref == message.ref)
        ).outerjoin(account, account.c.account_id == message.account_id)
        columns = (account.c.name, message.ref, message.purpose, message.reverse_path, message.received_at)
        more = (message.account_id, message.expires_at, message.lease_until, copy.ordinal, copy.recipient, copy.state)
        last = (copy.attempts, copy.in_doubt, copy.next_attempt_at, copy.smarthost, copy.code, copy.reply, copy.phase)
        statement = (
            select(*columns, *more, *last)
            .select_from(joined)
            .where(selection.where())
            .order_by(message.received_at, message.ref, copy.ordinal)
        )
        async with self._engine.connect() as connection:
            return [
                Waiting(
                    row.account_id,
                    row.name or "",
                    row.ref,
                    row.purpose,
                    row.reverse_path,
                    from_us(row.received_at),
                    from_us(row.expires_at),
                    row.lease_until is not None,
                    row.ordinal,
                    row.recipient,
                    row.state,
                    row.attempts,
                    row.in_doubt,
                    optional_at(row.next_attempt_at),
                    row.smarthost,
                    row.code,
                    row.reply,
                    row.phase,
                )
                for row in await connection.execute(statement)
            ]

    async def retry(self, copies: Sequence[Waiting], now: datetime) -> list[Waiting]:
        """Due now, parked ones too; which of them were, those of a message somebody works on are not."""
        done: list[Waiting] = []
        async with self._engine.begin() as connection:
            for key in dict.fromkeys(one.key for one in copies):
                message = spool_message.c
                free = and_(message.account_id == key[0], message.ref == key[1], message.lease_until.is_(None))
                latest = to_us(now + _TRY_FOR)
                values = {"next_attempt_at": to_us(now), "fence": message.fence + 1}
                if (await connection.execute(update(spool_message).where(free).values(**values))).rowcount != 1:
                    continue
                later = and_(free, message.expires_at < latest)
                await connection.execute(update(spool_message).where(later).values(expires_at=latest))
                for one in (one for one in copies if one.key == key):
                    await connection.execute(_due_again(one, now))
                    done.append(one)
        return done


def _due_again(one: Waiting, now: datetime) -> Update:
    """A copy set aside for doubts has its next two tries; any other begins as it did."""
    copy = spool_copy.c
    this = and_(copy.account_id == one.account_id, copy.ref == one.ref, copy.ordinal == one.ordinal)
    values: dict[str, str | int] = {"next_attempt_at": to_us(now)}
    if one.state == CopyState.QUARANTINED.value:
        state = CopyState.IN_DOUBT if one.in_doubt else CopyState.PENDING
        values |= {"state": state.value, "in_doubt": min(one.in_doubt, 1)}
    return update(spool_copy).where(this).values(**values)


async def drop(store: MailStore, key: Key, ordinals: Sequence[int], said: str, report: Report, at: Times) -> Dropped:
    """Give copies up and tell the sender, in one transaction; nothing where somebody works on the message now."""
    rows = await store.reader.fetch(_FENCE, key)
    copies = [copy_of(row) for row in await store.reader.fetch(COPIES, key)]
    ended = [
        replace(copy, state=CopyState.CANCELLED, code=0, reply=said, next_attempt_at=None)
        for copy in copies
        if copy.ordinal in ordinals and copy.state.value not in _DONE
    ]
    if not rows or not ended:
        return Dropped(None, ())
    found = (await store.reader.fetch(MESSAGE, key))[0]
    message = message_of(found)
    dsns = [(mail, await pack(mail.raw)) for mail in report(message, ended)]

    def job(statements: Statements) -> bool:
        if statements.execute(_FREE, (*key, rows[0][0])) != 1:
            return False
        update_copies(statements, key[0], ended)
        insert_own(statements, dsns)
        close_message(statements, *key, to_us(at.now), to_us(at.now + at.in_doubt_after))
        return True

    return Dropped(message, tuple(ended)) if await store.writer.run(job) else Dropped(None, ())
