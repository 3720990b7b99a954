"""Double opt-in on a real store: asked once, answered by the person alone, ended in time (clauses 2.3 and 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from fakes import ListJournal
from sqlalchemy import select
from store_clock import MARCH_1, SetClock

from policies.address import Address
from policies.facts import Confirm, SuppressionReason
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.confirmations import Confirmations
from relay.adapters.store.engine import Engine
from relay.adapters.store.evidence import Evidence
from relay.adapters.store.history import Act
from relay.adapters.store.lists import Lists
from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.standings import AccountStandings
from relay.adapters.store.subscribers import Request, Subscribers
from relay.adapters.store.suppressions import People
from relay.adapters.tables import confirmation, consent_event, contact, spool_bytes, spool_message, subscription
from relay.enforcement.standing import Move
from relay.identifiers import new_ref, ref_prefix
from relay.key_ring import KeyRing
from relay.permission.double_opt_in import DoubleOptIn, Wish
from relay.permission.questions import Answer, Asked, Form, Question, Sent, Visitor
from relay.permission.stationery import Stationery
from relay.ports import StoreUnavailable
from relay.tokens import Claim, Purpose, Tokens

ANNE, BUDI = Address.parse("Anne@example.test"), Address.parse("budi@example.test")
BROWSER = Visitor("192.0.2.7", "Firefox", "https://mail.example/s/acme/club")
DAY = timedelta(days=1)


class Desk:
    """Double opt-in on the store, and what a test asks of it."""

    def __init__(self, engine: Engine, store: MailStore, clock: SetClock) -> None:
        self.engine, self.store, self.clock = engine, store, clock
        self.tokens = Tokens(KeyRing({1: b"k" * 32}))
        self.questions = Confirmations(engine)
        post = Stationery("b.relay.test", lambda raw: raw)
        url = "https://mail.example/base/"
        self.asking = DoubleOptIn(self.tokens, self.questions, post, ListJournal(), clock, url, "Pos", 3, 3600.0)

    def wait(self, time: timedelta) -> None:
        self.clock.advance(time.total_seconds())

    async def form(self, list_name: str = "club", account: str = "acme") -> Form:
        form = await self.asking.form(account, list_name)
        assert form is not None
        return form

    async def ask(self, address: Address = ANNE, list_name: str = "club", account: str = "acme") -> Asked:
        form = await self.form(list_name, account)
        return await self.asking.ask(form, Wish(address, BROWSER, "en"))

    async def link(self, address: Address = ANNE) -> str:
        """The token of the newest letter to an address, as it stands in the mail."""
        async with self.engine.connect() as connection:
            statement = (
                select(confirmation)
                .join(contact, contact.c.contact_id == confirmation.c.contact_id)
                .where(contact.c.address_key == address.key)
                .order_by(confirmation.c.at.desc())
            )
            row = (await connection.execute(statement)).first()
        assert row is not None
        check = self.tokens.check_bits(address)
        claim = Claim(Purpose.CONFIRM, row.account_id, row.list_id, row.contact_id, ref_prefix(row.ref), check)
        return self.tokens.url(claim)

    async def sent(self, address: Address = ANNE) -> Sent:
        sent = await self.asking.by_link(await self.link(address))
        assert sent is not None
        return sent

    async def yes(self, address: Address = ANNE) -> Answer:
        return await self.asking.confirm(await self.sent(address), BROWSER, "en")

    async def no(self, address: Address = ANNE) -> None:
        await self.asking.decline(await self.sent(address), BROWSER)

    async def status(self, address: Address = ANNE, list_name: str = "club") -> str:
        record = await Evidence(self.engine).show("acme", address)
        return next(one.status.value for one in record.subscriptions if one.list_name == list_name)

    async def suppressed(self, address: Address = ANNE) -> SuppressionReason | None:
        form = await self.form()
        return await self.store.permissions.suppressed(form.account_id, form.list_id, address)

    async def rows(self, *tables: object) -> list[list[tuple[object, ...]]]:
        async with self.engine.connect() as connection:
            return [sorted(tuple(row) for row in await connection.execute(select(one))) for one in tables]  # type: ignore[call-overload]


@pytest.fixture
async def desk(engine: Engine, store: MailStore, clock: SetClock) -> Desk:
    staff = Act("sari", MARCH_1 - DAY)
    for name in ("acme", "beta"):
        new = NewAccount(name, name.title(), Address.parse(f"o@{name}.test"), "NL", "retail", "1 Road", "on paper")
        await Accounts(engine).add(new, staff)
        await Lists(engine).add(name, "club", Confirm.DOUBLE, "The Club", staff)
        await Lists(engine).add(name, "shop", Confirm.SINGLE, "", staff)
    return Desk(engine, store, clock)


async def test_a_wish_is_evidence_a_pending_subscription_and_a_letter_in_the_queue(desk: Desk) -> None:
    assert await desk.ask() is Asked.SENT

    assert await desk.status() == "pending"
    record = await Evidence(desk.engine).show("acme", ANNE)
    (requested,) = record.subscriptions[0].events
    assert requested.event == "requested"
    told = requested.detail
    assert (told["ip"], told["agent"], told["form_url"]) == (BROWSER.client, BROWSER.agent, BROWSER.form_url)
    assert told["wording"] == "Yes, I want to receive email from Acme on the list “The Club”. I can stop at any time."
    assert told["language"] == "en"
    [claimed] = await desk.store.spool.claim(desk.clock.now(), desk.clock.now() + DAY, 10)
    (copy,) = claimed.copies
    assert copy.recipient == str(ANNE)
    assert claimed.message.purpose == "confirmation"
    assert str(told["message_id"]).encode() in claimed.message.raw
    bounces = desk.tokens.read_local_part(copy.reverse_path.partition("@")[0], Purpose.OWN_BOUNCE)
    assert bounces is not None
    assert bounces.message == ref_prefix(claimed.message.ref)


async def test_a_yes_confirms_with_its_evidence_and_repeats_change_nothing(desk: Desk) -> None:
    await desk.ask()
    desk.wait(timedelta(hours=1))

    assert await desk.yes() is Answer.CONFIRMED
    before = await desk.rows(subscription, consent_event, confirmation)
    desk.wait(timedelta(hours=1))
    assert [await desk.yes() for _ in range(3)] == [Answer.CONFIRMED] * 3

    assert await desk.rows(subscription, consent_event, confirmation) == before
    record = await Evidence(desk.engine).show("acme", ANNE)
    confirmed = record.subscriptions[0].events[-1].detail
    assert confirmed["method"] == "double opt-in"
    assert (confirmed["ip"], confirmed["agent"]) == (BROWSER.client, BROWSER.agent)
    assert record.subscriptions[0].confirmed_at == MARCH_1 + timedelta(hours=1)


async def test_looking_at_the_link_writes_nothing(desk: Desk) -> None:
    await desk.ask()
    tables = (subscription, consent_event, confirmation, spool_message, spool_bytes)
    before = await desk.rows(*tables)

    for _ in range(20):
        assert (await desk.sent()).answer is Answer.OPEN

    assert await desk.rows(*tables) == before


async def test_only_one_question_waits_for_a_person_over_all_accounts(desk: Desk) -> None:
    asked = [await desk.ask(), await desk.ask(), await desk.ask(list_name="shop"), await desk.ask(account="beta")]

    assert asked == [Asked.SENT, Asked.WAITING, Asked.WAITING, Asked.WAITING]
    assert await desk.ask(BUDI) is Asked.SENT
    assert len((await desk.rows(spool_message))[0]) == 2


async def test_a_person_gets_so_many_questions_a_day_however_quick_the_answers(desk: Desk) -> None:
    asked = []
    for account, list_name in (("acme", "club"), ("acme", "shop"), ("beta", "club"), ("beta", "shop")):
        asked.append(await desk.ask(account=account, list_name=list_name))
        await desk.yes()
        desk.wait(timedelta(minutes=1))

    assert asked == [Asked.SENT] * 3 + [Asked.LIMITED]
    desk.wait(DAY)
    assert await desk.ask(account="beta", list_name="shop") is Asked.SENT


async def test_who_did_not_ask_is_left_in_peace_by_everybody_for_90_days(desk: Desk) -> None:
    await desk.ask()
    await desk.no()
    desk.wait(timedelta(days=89))

    assert await desk.ask(account="beta") is Asked.PAUSED
    assert await desk.status() == "lapsed"
    assert await desk.suppressed() is SuppressionReason.OPT_OUT
    assert await desk.yes() is Answer.DECLINED
    desk.wait(timedelta(days=1))
    assert await desk.ask() is Asked.SENT
    assert await desk.yes() is Answer.CONFIRMED
    assert await desk.suppressed() is None


async def test_a_no_to_somebody_else_s_question_leaves_an_earlier_yes_alone(desk: Desk) -> None:
    await desk.ask()
    await desk.yes()
    desk.wait(2 * DAY)
    await desk.ask()
    await desk.no()

    assert await desk.status() == "confirmed"
    assert await desk.suppressed() is None
    assert await desk.ask() is Asked.PAUSED


async def test_a_no_after_one_s_own_yes_is_an_opt_out(desk: Desk) -> None:
    await desk.ask()
    await desk.yes()
    desk.wait(timedelta(minutes=1))
    await desk.no()
    await desk.no()

    assert await desk.suppressed() is SuppressionReason.OPT_OUT


async def test_no_import_lifts_what_was_not_asked_for(desk: Desk) -> None:
    await desk.ask(list_name="shop")
    await desk.no()
    request = Request(ANNE, consented_at=MARCH_1 - DAY, source="web shop")
    await Subscribers(desk.engine).add("acme", "shop", request, Act("sari", desk.clock.now()))

    form = await desk.form("shop")
    assert await desk.store.permissions.suppressed(form.account_id, form.list_id, ANNE) is SuppressionReason.OPT_OUT


@pytest.mark.parametrize("scope", ["list", "sender", "everyone"])
async def test_an_old_link_lifts_no_later_no_but_a_new_question_does(desk: Desk, scope: str) -> None:
    await desk.ask()
    old = await desk.link()
    desk.wait(timedelta(hours=1))
    form = await desk.form()
    account_id = 0 if scope == "everyone" else form.account_id
    list_id = form.list_id if scope == "list" else 0
    people = People(desk.engine, desk.clock)
    await people.suppress(account_id, ANNE, list_id, SuppressionReason.OPT_OUT, "page", "192.0.2.9", "")
    sent = await desk.asking.by_link(old)
    assert sent is not None
    assert await desk.asking.confirm(sent, BROWSER, "en") is Answer.WITHDRAWN
    assert await desk.suppressed() is SuppressionReason.OPT_OUT
    desk.wait(DAY)
    assert await desk.ask() is Asked.SENT
    assert await desk.yes() is Answer.CONFIRMED
    assert await desk.suppressed() is None


async def test_a_question_lapses_after_30_days_whether_or_not_the_keeper_came_by(desk: Desk) -> None:
    await desk.ask()
    await desk.ask(BUDI, "shop")
    desk.wait(timedelta(days=30) - timedelta(seconds=1))
    assert await desk.questions.lapse(desk.clock.now()) == 0
    desk.wait(timedelta(seconds=1))

    assert await desk.yes() is Answer.LAPSED
    assert await desk.status() == "pending"
    assert await desk.questions.lapse(desk.clock.now()) == 2
    assert await desk.questions.lapse(desk.clock.now()) == 0
    assert await desk.status() == "lapsed"
    record = await Evidence(desk.engine).show("acme", ANNE)
    assert [one.event for one in record.subscriptions[0].events] == ["requested", "lapsed"]
    assert await desk.yes() is Answer.LAPSED
    assert await desk.ask() is Asked.SENT
    assert await desk.status() == "pending"


async def test_lapsing_takes_nothing_from_who_confirmed_meanwhile(desk: Desk) -> None:
    await desk.ask()
    desk.wait(2 * DAY)
    await desk.ask()
    await desk.yes()
    desk.wait(timedelta(days=40))

    await desk.questions.lapse(desk.clock.now())

    assert await desk.status() == "confirmed"


@pytest.mark.parametrize("move", [Move.SUSPEND, Move.DEACTIVATE])
async def test_nobody_is_asked_in_the_name_of_an_account_that_may_not_send(desk: Desk, move: Move) -> None:
    await AccountStandings(desk.engine).move("acme", move, "test", Act("sari", desk.clock.now()))

    assert await desk.asking.form("acme", "club") is None


async def test_what_is_not_there_has_no_form(desk: Desk) -> None:
    assert await desk.asking.form("acme", "nothing") is None
    assert await desk.asking.form("nobody", "club") is None


async def test_a_letter_that_cannot_be_queued_leaves_no_trace(desk: Desk) -> None:
    def torn(contact_id: int):  # type: ignore[no-untyped-def]
        raise StoreUnavailable("torn")

    form, tables = await desk.form(), (subscription, consent_event, confirmation, contact, spool_message)
    before = await desk.rows(*tables)
    question = Question(form, ANNE, "p", new_ref(), MARCH_1, "en", "w", "<m>", BROWSER, "form", "recipient")
    with pytest.raises(StoreUnavailable):
        await desk.questions.ask(question, torn, lambda earlier: Asked.SENT)

    assert await desk.rows(*tables) == before


async def test_a_link_serves_its_own_address_list_and_purpose_only(desk: Desk) -> None:
    await desk.ask()
    await desk.ask(BUDI)
    claim = desk.tokens.read_url(await desk.link(), Purpose.CONFIRM)
    other = desk.tokens.read_url(await desk.link(BUDI), Purpose.CONFIRM)
    assert claim is not None
    assert other is not None
    mixed = Claim(Purpose.CONFIRM, claim.account_id, claim.list_id, other.contact_id, claim.message, other.check)
    wrong = [mixed, Claim(Purpose.CONFIRM, claim.account_id, claim.list_id, claim.contact_id, claim.message, 0)]
    wrong += [Claim(one, *ids_of(claim)) for one in Purpose if one is not Purpose.CONFIRM]

    assert [await desk.asking.by_link(desk.tokens.url(one)) for one in wrong] == [None] * len(wrong)


def ids_of(claim: Claim) -> Sequence[int]:
    return (claim.account_id, claim.list_id, claim.contact_id, claim.message, claim.check)
