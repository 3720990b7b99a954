"""Refusals to tell of, and what was told: read from the journal, kept with the mail in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from policies.facts import Standing
from relay.adapters.store.engine import Engine, from_us, optional_at, optional_us, to_us
from relay.adapters.store.hot import Statements
from relay.adapters.store.journal_reading import JournalReader, Search
from relay.adapters.store.refusal_rows import row_of
from relay.adapters.store.spool_rows import insert_own, pack
from relay.adapters.store.writer import Writer
from relay.adapters.tables import account, journal, refusal_notice, spool_copy
from relay.enforcement.standing import Standings
from relay.identifiers import new_ref
from relay.ports import CopyState, OwnMail, RefusalRow
from relay.ports.notices import Owner, Recipients, RuleSummary, Told

REFUSED = ("auth.failed", "sender.refused", "recipient.refused", "message.refused")
"""Events of a refusal; those of an account whose reply is 5xx count."""

RULES, EXAMPLES = 20, 5
"""Told of in one digest, and recipients named for each rule."""

_REF_MARGIN = timedelta(days=1)
"""How much older than its event a REF may be: it was made when the transaction began."""

_ADD = (
    "INSERT INTO refusal_notice (account_id, turn, told_until, told_at, due_at, first_ref, notice_ref)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id) DO NOTHING"
)
_CHANGE = (
    "UPDATE refusal_notice SET turn = ?, told_until = ?, told_at = ?, due_at = ?, first_ref = ?, notice_ref = ?"
    " WHERE account_id = ? AND turn = ?"
)


_REFUSED = (
    journal.c.event.in_(REFUSED),
    journal.c.rule != "",
    journal.c.line.like('%"reply":"5%'),
)
"""A 5xx by a rule. The journal's lines are JSON as orjson writes it: a quote inside a text is escaped."""


class StoreNotices:
    """The port `NoticeRows`."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer
        self._journal = JournalReader(engine)

    async def fresh(self, since: datetime, limit: int) -> list[int]:
        told = refusal_notice.c
        # Plus nothing: the key, which leads with the account, would be walked from end to end; few rows are this new.
        number = (journal.c.account_id + 0).label("number")
        quiet = or_(told.account_id.is_(None), and_(told.due_at.is_(None), journal.c.at > told.told_until))
        rows = journal.outerjoin(refusal_notice, told.account_id == number)
        wanted = select(number).select_from(rows).where(journal.c.at > to_us(since), number > 0, *_REFUSED, quiet)
        return await self._numbers(wanted.group_by(number).limit(limit))

    async def due(self, now: datetime, limit: int) -> list[int]:
        due_at = refusal_notice.c.due_at
        wanted = select(refusal_notice.c.account_id).where(due_at <= to_us(now)).order_by(due_at)
        return await self._numbers(wanted.limit(limit))

    async def _numbers(self, wanted: Select[int]) -> list[int]:
        async with self._engine.connect() as connection:
            return [number for (number,) in await connection.execute(wanted)]

    async def owner(self, account_id: int) -> Owner | None:
        one = account.c
        wanted = select(
            one.name, one.organisation, one.email, one.country, one.standing_system, one.standing_staff
        ).where(one.account_id == account_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            return None
        standing = Standings(Standing(row.standing_system), Standing(row.standing_staff)).effective
        return Owner(account_id, row.name, row.organisation, row.email, row.country, standing)

    async def told(self, account_id: int) -> Told | None:
        wanted = select(refusal_notice).where(refusal_notice.c.account_id == account_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            return None
        until, at, due_at = from_us(row.told_until), from_us(row.told_at), optional_at(row.due_at)
        return Told(account_id, row.turn, until, at, due_at, row.first_ref, row.notice_ref)

    async def first(self, account_id: int, since: datetime) -> RefusalRow | None:
        of_account = select(journal.c.ref, journal.c.rule).where(*_of(account_id, since))
        async with self._engine.connect() as connection:
            oldest = of_account.order_by(journal.c.at, journal.c.ordinal).limit(1)
            row = (await connection.execute(oldest)).one_or_none()
        return await self._refusal(account_id, row.ref, row.rule) if row else None

    async def _refusal(self, account_id: int, ref: str, rule: str) -> RefusalRow | None:
        entries = [
            entry
            for entry in await self._journal.read(Search(ref=ref, rule=rule))
            if entry.key[1] == account_id
            and entry.line.get("event") in REFUSED
            and str(entry.line.get("reply", "")).startswith("5")
        ]
        return row_of(ref, entries) if entries else None

    async def summary(self, told: Told, until: datetime) -> list[RuleSummary]:
        where = [*_of(told.account_id, told.until), journal.c.at <= to_us(until), journal.c.ref != told.first_ref]
        count, recipients = func.count(), func.count(func.nullif(journal.c.recipient, "").distinct())
        wanted = select(journal.c.rule, count.label("refusals"), recipients.label("recipients")).where(*where)
        by_rule = wanted.group_by(journal.c.rule).order_by(count.desc(), journal.c.rule).limit(RULES)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(by_rule)).all()
        found = [await self._rule(told.account_id, row.rule, row.refusals, row.recipients, where) for row in rows]
        return [one for one in found if one is not None]

    async def _rule(
        self, account_id: int, rule: str, count: int, recipients: int, where: Sequence[ColumnElement[bool]]
    ) -> RuleSummary | None:
        times, newest = func.count(), func.max(journal.c.ref)
        wanted = select(journal.c.recipient, times.label("times"), newest.label("ref"))
        of_rule = wanted.where(*where, journal.c.rule == rule).group_by(journal.c.recipient)
        async with self._engine.connect() as connection:
            most = (await connection.execute(of_rule.order_by(times.desc(), newest.desc()).limit(EXAMPLES))).all()
            last = select(newest).where(*where, journal.c.rule == rule)
            ref = (await connection.execute(last)).scalar_one_or_none()
        refusal = await self._refusal(account_id, ref, rule) if ref else None
        if refusal is None:
            return None  # its rows went between two questions: older than the journal is kept
        named = tuple(Recipients(one.recipient, one.times, one.ref) for one in most if one.recipient)
        return RuleSummary(rule, count, recipients, refusal, named)

    async def bounced(self, told: Told) -> str:
        copy = spool_copy.c
        wanted = select(copy.recipient).where(
            copy.account_id == told.account_id,
            copy.ref == told.notice_ref,
            copy.state == CopyState.FAILED.value,
            copy.code >= 500,
        )
        async with self._engine.connect() as connection:
            return (await connection.execute(wanted.limit(1))).scalar_one_or_none() or ""

    async def keep(self, told: Told, mails: Sequence[OwnMail]) -> bool:
        packed = [(mail, await pack(mail.raw)) for mail in mails]
        row = (
            told.turn,
            to_us(told.until),
            to_us(told.at),
            optional_us(told.due_at),
            told.first_ref,
            told.notice_ref,
        )

        def job(statements: Statements) -> bool:
            statements.take_turns()
            if told.turn == 1:
                changed = statements.execute(_ADD, (told.account_id, *row))
            else:
                changed = statements.execute(_CHANGE, (*row, told.account_id, told.turn - 1))
            if changed:
                insert_own(statements, packed)
            return changed == 1

        return await self._writer.run(job)


def _of(account_id: int, since: datetime) -> list[ColumnElement[bool]]:
    """Refusals of one account after a time, found by the journal's key: a REF begins with its time."""
    floor = new_ref(max(0, to_us(since - _REF_MARGIN) // 1000))
    return [journal.c.account_id == account_id, journal.c.ref >= floor, journal.c.at > to_us(since), *_REFUSED]
