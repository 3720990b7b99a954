"""Questions as rows: finding one, what stands against it, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import SubscriptionStatus
from relay.adapters.store.contacts import contact_row
from relay.adapters.store.engine import from_us, to_us
from relay.adapters.store.history import record_consent
from relay.adapters.store.noes import standing_noes
from relay.adapters.store.subscribers import set_status, status_of
from relay.adapters.tables import account, confirmation, contact, mailing_list
from relay.permission.questions import LIVES, Answer, Sent

Keys = tuple[int, int, int]
"""Account, contact, list."""
QuestionRow = Row[tuple[object, ...]]


def of_subscription(keys: Keys) -> ColumnElement[bool]:
    """Every question about one subscription."""
    account_id, contact_id, list_id = keys
    return and_(
        confirmation.c.account_id == account_id,
        confirmation.c.contact_id == contact_id,
        confirmation.c.list_id == list_id,
    )


def this_question(account_id: int, ref: str) -> ColumnElement[bool]:
    """One question by its key."""
    return and_(confirmation.c.account_id == account_id, confirmation.c.ref == ref)


async def questions(connection: AsyncConnection, keys: Keys) -> Sequence[QuestionRow]:
    """Every question about a subscription, with the names a page shows."""
    on_list = (mailing_list.c.account_id == confirmation.c.account_id) & (
        mailing_list.c.list_id == confirmation.c.list_id
    )
    to_whom = (contact.c.account_id == confirmation.c.account_id) & (
        contact.c.contact_id == confirmation.c.contact_id
    )
    names = (account.c.name.label("account_name"), account.c.organisation, mailing_list.c.name.label("list_name"))
    statement = (
        select(confirmation, *names, mailing_list.c.title, contact.c.address)
        .join_from(confirmation, account, account.c.account_id == confirmation.c.account_id)
        .join(mailing_list, on_list)
        .join(contact, to_whom)
        .where(of_subscription(keys))
    )
    return (await connection.execute(statement)).all()


def sent_of(row: QuestionRow, answer: Answer) -> Sent:
    """A row of `questions` as its link's page needs it."""
    one = row._mapping
    return Sent(
        account_id=one["account_id"],
        account_name=one["account_name"],
        organisation=one["organisation"],
        list_id=one["list_id"],
        list_name=one["list_name"],
        title=one["title"] or one["list_name"],
        contact_id=one["contact_id"],
        address=Address.parse(one["address"]),
        ref=one["ref"],
        answer=answer,
    )


async def question_row(connection: AsyncConnection, sent: Sent) -> QuestionRow:
    """The question's row as it is now."""
    return (await connection.execute(select(confirmation).where(this_question(sent.account_id, sent.ref)))).one()


async def standing_answer(connection: AsyncConnection, row: QuestionRow, now: datetime) -> Answer:
    """What stands against a question: its answer, its age, or a 'no' said after it."""
    one = row._mapping
    answer, at = Answer(one["answer"]), from_us(one["at"])
    if answer is Answer.DECLINED:
        return answer
    key, _, _ = await contact_row(connection, one["account_id"], one["contact_id"])
    no = (await standing_noes(connection, one["account_id"], one["list_id"], [key])).get(key)
    if no is not None and no.at >= at:
        return Answer.WITHDRAWN
    if answer is Answer.OPEN and now - at >= LIVES:
        return Answer.LAPSED
    return answer


async def answered(connection: AsyncConnection, which: ColumnElement[bool], answer: Answer, at: datetime) -> None:
    """Write down what stands against questions from here on."""
    values = {"answer": answer.value, "answered_at": to_us(at)}
    await connection.execute(update(confirmation).where(which).values(**values))


async def lapse(connection: AsyncConnection, row: QuestionRow, now: datetime) -> None:
    """End one question; the subscription ends with its last open one."""
    one = row._mapping
    keys = (one["account_id"], one["contact_id"], one["list_id"])
    await answered(connection, this_question(one["account_id"], one["ref"]), Answer.LAPSED, now)
    still_open = of_subscription(keys) & (confirmation.c.answer == Answer.OPEN.value)
    if await connection.scalar(select(confirmation.c.ref).where(still_open).limit(1)) is not None:
        return
    if await status_of(connection, *keys) is SubscriptionStatus.PENDING:
        await set_status(connection, keys, SubscriptionStatus.LAPSED)
        await record_consent(connection, *keys, now, "lapsed", {"request": one["ref"]})
