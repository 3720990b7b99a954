"""Clauses 2.3 and 6.1: double opt-in, from the wish to be on a list to the person's own yes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from policies.address import Address
from relay.identifiers import new_ref, ref_prefix
from relay.permission.confirmation_letter import confirmation_letter, wording, wording_for
from relay.permission.questions import Answer, Asked, Form, Question, Questions, Sent, Visitor, Yes, may_ask
from relay.permission.stationery import Stationery
from relay.ports import Clock, Event, Journal, OwnMail
from relay.tokens import Claim, Purpose, Tokens


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wants an address on a list: the person by the form, or staff by hand."""

    address: Address
    visitor: Visitor
    language: str
    method: str = "form"
    by: str = "recipient"
    name: str = ""
    source: str = "sign-up form"
    consented_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DoubleOptIn:
    """Asks by mail and takes the answer; nobody becomes confirmed any other way."""

    tokens: Tokens
    questions: Questions
    stationery: Stationery
    journal: Journal
    clock: Clock
    public_url: str
    platform: str
    """Its name."""
    per_person: int
    """Confirmation mails a day to one person, over all accounts."""
    expire_after: float
    """Seconds after which a mail that cannot be delivered is given up."""

    async def form(self, account: str, list_name: str) -> Form | None:
        """The sign-up form of a list; None where there is none, or its account may not send."""
        return await self.questions.form(account, list_name)

    async def ask(self, form: Form, wish: Wish) -> Asked:
        """Record the wish and queue the confirmation mail, in one transaction; what became of it."""
        now = self.clock.now()
        ref = new_ref(int(now.timestamp() * 1000))
        question = Question(
            form=form,
            address=wish.address,
            person=self.tokens.person(wish.address),
            ref=ref,
            at=now,
            language=wish.language,
            wording=wording(form, wish.language),
            message_id=self.stationery.message_id(ref),
            visitor=wish.visitor,
            method=wish.method,
            by=wish.by,
            name=wish.name,
            source=wish.source,
            consented_at=wish.consented_at,
        )
        judge = partial(may_ask, now=now, per_day=self.per_person)
        asked = await self.questions.ask(question, partial(self._letter, question), judge)
        fields: dict[str, str | int | float | None] = {"recipient": str(wish.address), "client": wish.visitor.client}
        fields |= {"list": form.list_name, "way": wish.method, "outcome": asked.value}
        event = Event("service.sign_up", ref, now, "info", form.account_id, form.account_name, fields)
        self.journal.write(event)
        return asked

    def _letter(self, question: Question, contact_id: int) -> OwnMail:
        """The confirmation mail, its link and reverse-path bound to this contact and this question."""
        form, at = question.form, question.at
        check = self.tokens.check_bits(question.address)
        ids = (form.account_id, form.list_id, contact_id, ref_prefix(question.ref), check)
        link = f"{self.public_url.rstrip('/')}/c/{self.tokens.url(Claim(Purpose.CONFIRM, *ids))}"
        bounces = self.tokens.local_part(Claim(Purpose.OWN_BOUNCE, *ids))
        letter = confirmation_letter(question, self.platform, f"{link}?l={question.language}")
        return OwnMail(
            question.ref,
            form.account_id,
            "confirmation",
            f"{bounces}@{self.stationery.mail_domain}",
            str(question.address),
            self.stationery.octets(letter, question.ref, at),
            at,
            at + timedelta(seconds=self.expire_after),
        )

    async def by_link(self, token: str) -> Sent | None:
        """The question of a link; None for anything forged, mutated or of another purpose."""
        claim = self.tokens.read_url(token, Purpose.CONFIRM)
        if claim is None:
            return None
        ids = (claim.account_id, claim.contact_id, claim.list_id, claim.message)
        sent = await self.questions.find(*ids, self.clock.now())
        # A restored store may give the same id to another person (RELIABILITY.md row 73).
        if sent is None or self.tokens.check_bits(sent.address) != claim.check:
            return None
        return sent

    async def confirm(self, sent: Sent, visitor: Visitor, language: str) -> Answer:
        """The person's yes to the words of that language, durable on return; repeated, it changes nothing.

        What stands now.
        """
        now = self.clock.now()
        words = wording_for(sent.organisation, sent.title, language)
        yes = Yes(visitor, words, language, self.stationery.message_id(sent.ref))
        before = await self.questions.confirm(sent, yes, now)
        if before is not None:
            return before
        self._write("confirm", sent, visitor, "double opt-in", now)
        return Answer.CONFIRMED

    async def decline(self, sent: Sent, visitor: Visitor) -> None:
        """'I did not ask': this list is closed to it, and nobody asks again for 90 days. Durable on return."""
        now = self.clock.now()
        if await self.questions.decline(sent, visitor, now):
            self._write("unsubscribe", sent, visitor, "not-asked", now)

    def _write(self, event: str, sent: Sent, visitor: Visitor, way: str, now: datetime) -> None:
        fields: dict[str, str | int | float | None] = {"recipient": str(sent.address), "client": visitor.client}
        fields |= {"way": way, "list": sent.list_name}
        if event == "unsubscribe":
            fields["scope"] = "list"
        self.journal.write(Event(event, new_ref(), now, "info", sent.account_id, sent.account_name, fields))
