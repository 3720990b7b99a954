"""Double opt-in in the store: who was asked, with which words, and what they answered (clauses 2.3 and 6.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.address import Address
from policies.facts import Standing, SubscriptionStatus, SuppressionReason
from relay.adapters.store.confirmation_rows import (
    answered,
    lapse,
    of_subscription,
    question_row,
    questions,
    sent_of,
    standing_answer,
    this_question,
)
from relay.adapters.store.contacts import made_contact
from relay.adapters.store.engine import Engine, from_us, optional_at, to_us
from relay.adapters.store.history import Act, record_consent
from relay.adapters.store.noes import Wish, keep
from relay.adapters.store.own_mail import queue_own
from relay.adapters.store.subscribers import Confirmation, Request, confirm_within, put, set_status, status_of
from relay.adapters.tables import account, confirmation, mailing_list
from relay.enforcement.standing import Standings
from relay.identifiers import ref_prefix
from relay.permission.questions import LIVES, PAUSE, Answer, Asked, Earlier, Form, Question, Sent, Visitor, Yes
from relay.ports import OwnMail

NOT_ASKED = "not-asked"
"""The way of a 'no' that came with 'I did not ask for this'."""
_OPEN_FORMS = frozenset({Standing.ACTIVE, Standing.WARNED})
_ASK_ANEW = {None, SubscriptionStatus.LAPSED, SubscriptionStatus.REFUSED, SubscriptionStatus.PENDING}
"""What a new question makes pending; whatever gives permission already is left alone."""
_PART = 500
"""Questions that lapse in one transaction."""


class Confirmations:
    """Questions and answers; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def form(self, account_name: str, list_name: str) -> Form | None:
        """The form of a list by its names; None where there is none, or its account may not send to the public."""
        on_account = mailing_list.c.account_id == account.c.account_id
        statement = select(
            account, mailing_list.c.list_id, mailing_list.c.title, mailing_list.c.name.label("list_name")
        )
        statement = statement.select_from(account.join(mailing_list, on_account)).where(
            account.c.name == account_name, mailing_list.c.name == list_name
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).first()
        if row is None:
            return None
        standings = Standings(Standing(row.standing_system), Standing(row.standing_staff))
        if standings.effective not in _OPEN_FORMS:
            return None
        title = row.title or row.list_name
        reply_to = Address.parse(row.email)
        return Form(row.account_id, row.name, row.organisation, reply_to, row.list_id, row.list_name, title)

    async def ask(
        self,
        question: Question,
        letter: Callable[[int], OwnMail],
        judge: Callable[[Sequence[Earlier]], Asked],
    ) -> Asked:
        """Pending subscription, evidence and letter together, or nothing at all."""
        async with self._engine.begin() as connection:
            asked = judge(await _earlier(connection, question))
            if asked is Asked.SENT:
                await _put_question(connection, question, letter)
        return asked

    async def find(self, account_id: int, contact_id: int, list_id: int, message: int, now: datetime) -> Sent | None:
        """The question whose REF begins with these 64 bits."""
        async with self._engine.connect() as connection:
            for row in await questions(connection, (account_id, contact_id, list_id)):
                if ref_prefix(row.ref) == message:
                    return sent_of(row, await standing_answer(connection, row, now))
        return None

    async def confirm(self, sent: Sent, yes: Yes, at: datetime) -> Answer | None:
        """None where the question was open; it and every other open one about the same list are answered now."""
        keys = (sent.account_id, sent.contact_id, sent.list_id)
        async with self._engine.begin() as connection:
            row = await question_row(connection, sent)
            stands = await standing_answer(connection, row, at)
            if stands is not Answer.OPEN:
                return stands
            await confirm_within(connection, keys, _confirmation(yes), at)
            open_ones = of_subscription(keys) & (confirmation.c.answer == Answer.OPEN.value)
            await answered(connection, open_ones, Answer.CONFIRMED, at)
        return None

    async def decline(self, sent: Sent, visitor: Visitor, at: datetime) -> bool:
        """Nobody asks this person again for a while; a subscription that rests on this question ends."""
        keys = (sent.account_id, sent.contact_id, sent.list_id)
        async with self._engine.begin() as connection:
            row = await question_row(connection, sent)
            if row.answer == Answer.DECLINED.value:
                return False
            await answered(connection, this_question(sent.account_id, sent.ref), Answer.DECLINED, at)
            detail = {"ip": visitor.client, "agent": visitor.agent, "request": sent.ref}
            await record_consent(connection, *keys, at, "declined", detail)
            before = await status_of(connection, *keys)
            if before is SubscriptionStatus.CONFIRMED and row.answer != Answer.CONFIRMED.value:
                return True  # on the list by an earlier yes; only this question was somebody else's
            if before is SubscriptionStatus.PENDING:
                await set_status(connection, keys, SubscriptionStatus.LAPSED)
            token = f"{ref_prefix(sent.ref):016x}"
            no = (sent.account_id, sent.address, sent.list_id, SuppressionReason.OPT_OUT, NOT_ASKED)
            await keep(connection, Wish(*no, Act("recipient", at), visitor.client, token))
        return True

    async def lapse(self, now: datetime) -> int:
        """End questions older than 30 days, some hundred a transaction; how many."""
        ended = 0
        while part := await self._lapse_part(now):
            ended += part
        return ended

    async def _lapse_part(self, now: datetime) -> int:
        old = (confirmation.c.answer == Answer.OPEN.value) & (confirmation.c.at <= to_us(now - LIVES))
        async with self._engine.begin() as connection:
            rows = (await connection.execute(select(confirmation).where(old).limit(_PART))).all()
            for row in rows:
                await lapse(connection, row, now)
        return len(rows)


async def _earlier(connection: AsyncConnection, question: Question) -> list[Earlier]:
    """Questions to this person, by whomever, that may still count."""
    since = to_us(question.at - PAUSE - LIVES)
    statement = select(confirmation.c.at, confirmation.c.answer, confirmation.c.answered_at).where(
        confirmation.c.person == question.person, confirmation.c.at > since
    )
    rows = (await connection.execute(statement)).all()
    return [Earlier(from_us(row.at), Answer(row.answer), optional_at(row.answered_at)) for row in rows]


async def _put_question(connection: AsyncConnection, question: Question, letter: Callable[[int], OwnMail]) -> None:
    form, at = question.form, question.at
    contact_id = await made_contact(connection, form.account_id, question.address, question.name, at)
    keys = (form.account_id, contact_id, form.list_id)
    before = await status_of(connection, *keys)
    if before in _ASK_ANEW:
        request = Request(question.address, question.name, question.consented_at, question.source)
        act = Act(question.by, at)
        await put(connection, keys, SubscriptionStatus.PENDING, request, act, before is not None)
    await record_consent(connection, *keys, at, "requested", _requested(question))
    values = {"ref": question.ref, "person": question.person, "at": to_us(at)}
    ids = {"account_id": form.account_id, "contact_id": contact_id, "list_id": form.list_id}
    await connection.execute(insert(confirmation).values(**ids, **values))
    await queue_own(connection, letter(contact_id))


def _requested(question: Question) -> dict[str, str | int | None]:
    """The asking's part of the consent record (STANDARDS.md §4.5)."""
    visitor = question.visitor
    return {
        "request": question.ref,
        "method": question.method,
        "source": question.source,
        "ip": visitor.client,
        "agent": visitor.agent,
        "form_url": visitor.form_url,
        "wording": question.wording,
        "wording_hash": hashlib.sha256(question.wording.encode()).hexdigest(),
        "language": question.language,
        "message_id": question.message_id,
        "claimed_at": question.consented_at.isoformat() if question.consented_at else None,
        "by": question.by,
    }


def _confirmation(yes: Yes) -> Confirmation:
    """The answer's part of the consent record."""
    digest = hashlib.sha256(yes.wording.encode()).hexdigest()
    who = ("double opt-in", yes.visitor.client, yes.visitor.agent)
    return Confirmation(*who, yes.message_id, yes.wording, digest, yes.language)
