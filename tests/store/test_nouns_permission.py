"""The nouns of permission on a real store: a 'no' is final, an import never lifts it, evidence is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from store_clock import MARCH_1

from policies.address import Address
from policies.facts import Confirm, Recipient, RecipientFacts, Stream, SubscriptionStatus, SuppressionReason
from policies.imports.batch import NOT_SCORED
from policies.imports.row import Row
from policies.recipient.consent import Missing, Unconfirmed
from policies.recipient.suppression import Known, Withdrawn
from policies.verdict import ACCEPT
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.contacts import Contacts
from relay.adapters.store.engine import Engine
from relay.adapters.store.evidence import Evidence
from relay.adapters.store.history import Act
from relay.adapters.store.imports import Imports
from relay.adapters.store.lists import Lists
from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.names import NotAllowed, NotFound
from relay.adapters.store.subscribers import Confirmation, Request, Subscribers
from relay.adapters.store.suppressions import People, Suppressions

ANNE = Address.parse("anne@example.test")
STAFF = Act("sari", MARCH_1)
OPT_OUT, COMPLAINT = SuppressionReason.OPT_OUT, SuppressionReason.COMPLAINT
HOW = Confirmation("double opt-in", ip="192.0.2.1", agent="Firefox", wording="Yes, send me news", language="en")


@pytest.fixture
async def acme(engine: Engine) -> int:
    """Account acme: a double opt-in list `news` and a single one `shop`; its id."""
    new = NewAccount("acme", "Acme Ltd", Address.parse("o@acme.test"), "NL", "retail", "1 Road", "on paper")
    account = await Accounts(engine).add(new, STAFF)
    await Lists(engine).add("acme", "news", Confirm.DOUBLE, "", STAFF)
    await Lists(engine).add("acme", "shop", Confirm.SINGLE, "The Shop", STAFF)
    return account.account_id


async def facts(store: MailStore, list_name: str, address: Address = ANNE) -> RecipientFacts:
    """What the rules would know of the address at RCPT, right now."""
    account = await store.directory.account_named("acme")
    assert account is not None
    named = account.list_named(list_name)
    list_id = named.list_id if named else 0
    (found,) = await store.permissions.recipients(account, list_id, list_name, Stream.MARKETING, [address])
    return found


def opted_out(known: RecipientFacts) -> bool:
    return Withdrawn(Known.TO_ACCOUNT).check(Recipient(ANNE), known) != ACCEPT


async def subscribe(engine: Engine, list_name: str, at: datetime = MARCH_1) -> None:
    request = Request(ANNE, consented_at=at, source="form")
    await Subscribers(engine).add("acme", list_name, request, Act("form", at))


async def import_anne(engine: Engine, list_name: str, at: datetime, says_no: SuppressionReason | None = None) -> Row:
    imports = Imports(engine)
    target = await imports.target("acme", list_name)
    batch = await imports.begin(target, "old tool", "hash", Act("sari", at))
    row = Row(1, str(ANNE), ANNE, consented_at=at - timedelta(days=1), source="old tool", says_no=says_no)
    if says_no:
        row = row.refused("consent.withdrawn", "the file says so")
    (taken,) = await batch.take([row])
    await batch.finish(NOT_SCORED)
    return taken


# ---------------------------------------------------------------- confirmation


async def test_only_the_persons_confirmation_makes_a_double_opt_in(engine, acme, store):
    await subscribe(engine, "news")
    assert Unconfirmed().check(Recipient(ANNE), await facts(store, "news")) != ACCEPT

    await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, MARCH_1)

    known = await facts(store, "news")
    assert Unconfirmed().check(Recipient(ANNE), known) == ACCEPT
    assert Missing().check(Recipient(ANNE), known) == ACCEPT
    assert known.subscriptions[0].confirmed_at == MARCH_1


async def test_who_was_not_put_on_the_list_cannot_confirm(engine, acme):
    with pytest.raises(NotFound):
        await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, MARCH_1)


async def test_the_evidence_of_a_confirmation_is_kept_and_chained(engine, acme):
    await subscribe(engine, "news")
    await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, MARCH_1 + timedelta(minutes=5))

    person = await Evidence(engine).show("acme", ANNE)

    added, confirmed = person.subscriptions[0].events
    assert (added.event, confirmed.event) == ("added", "confirmed")
    assert confirmed.detail["ip"] == "192.0.2.1"
    assert confirmed.detail["wording"] == "Yes, send me news"
    assert added.detail["prev_hash"] == ""
    assert len(str(confirmed.detail["prev_hash"])) == 64


async def test_adding_again_does_not_undo_a_confirmation(engine, acme):
    await subscribe(engine, "news")
    await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, MARCH_1)

    status = await Subscribers(engine).add("acme", "news", Request(ANNE), STAFF)

    assert status is SubscriptionStatus.CONFIRMED


# ---------------------------------------------------------------- opt-out


async def test_an_opt_out_counts_for_the_very_next_rcpt(engine, acme, store, clock):
    await subscribe(engine, "shop")
    assert not opted_out(await facts(store, "shop"))

    people = People(engine, clock)
    assert await people.suppress(acme, ANNE, 0, OPT_OUT, "one-click", "192.0.2.7", "t0ken")

    assert opted_out(await facts(store, "shop"))


async def test_a_repeated_opt_out_changes_nothing(engine, acme, clock):
    people = People(engine, clock)
    await people.suppress(acme, ANNE, 0, OPT_OUT, "one-click", "192.0.2.7", "t0ken")
    clock.advance(60)

    assert not await people.suppress(acme, ANNE, 0, OPT_OUT, "page", "192.0.2.8", "other")

    (kept,) = await Suppressions(engine).of("acme", ANNE)
    assert (kept.at, kept.way, kept.client) == (MARCH_1, "one-click", "192.0.2.7")


async def test_an_opt_out_of_one_list_leaves_the_others(engine, acme, store, clock):
    await subscribe(engine, "shop")
    await subscribe(engine, "news")
    news = (await facts(store, "news")).list_id

    await People(engine, clock).suppress(acme, ANNE, news, OPT_OUT, "page", "", "")

    assert opted_out(await facts(store, "news"))
    assert not opted_out(await facts(store, "shop"))


async def test_an_opt_out_of_every_sender_holds_under_each_account(engine, acme, store, clock):
    await subscribe(engine, "shop")

    await People(engine, clock).suppress(0, ANNE, 0, OPT_OUT, "page", "", "")

    assert opted_out(await facts(store, "shop"))


@pytest.mark.parametrize("wide", [False, True])
async def test_a_new_double_opt_in_lifts_a_no_for_that_list_only(engine, acme, store, clock, wide):
    await subscribe(engine, "shop")
    await subscribe(engine, "news")
    news = (await facts(store, "news")).list_id
    people = People(engine, clock)
    await people.suppress(acme, ANNE, 0 if wide else news, OPT_OUT, "page", "", "")

    clock.advance(60)
    await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, clock.now())

    assert not opted_out(await facts(store, "news"))
    assert opted_out(await facts(store, "shop")) is wide


@pytest.mark.parametrize("account_wide", [True, False])
async def test_who_opts_out_again_after_confirming_is_out_again(engine, acme, store, clock, account_wide):
    await subscribe(engine, "news")
    account_id = acme if account_wide else 0
    people = People(engine, clock)
    await people.suppress(account_id, ANNE, 0, OPT_OUT, "page", "", "")
    clock.advance(60)
    await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, clock.now())
    clock.advance(60)

    assert await people.suppress(account_id, ANNE, 0, OPT_OUT, "one-click", "", "")

    assert opted_out(await facts(store, "news"))


async def test_a_persons_no_replaces_the_staffs_so_that_staff_cannot_lift_it(engine, acme, clock):
    await Suppressions(engine).add("acme", ANNE, "", "asked by phone", STAFF)

    assert await People(engine, clock).suppress(acme, ANNE, 0, OPT_OUT, "one-click", "", "")

    with pytest.raises(NotAllowed, match="only a new double opt-in"):
        await Suppressions(engine).remove("acme", ANNE, "", "a mistake", STAFF)


async def test_a_withdrawal_stands_in_the_evidence(engine, acme, clock):
    await subscribe(engine, "shop")
    await People(engine, clock).suppress(acme, ANNE, 0, OPT_OUT, "one-click", "192.0.2.7", "t0ken")

    (shop,) = (await Evidence(engine).show("acme", ANNE)).subscriptions

    assert shop.no is not None
    assert shop.no.way == "one-click"
    assert shop.events[-1].event == "withdrawn"
    assert shop.events[-1].detail["token"] == "t0ken"


async def test_pages_know_whom_a_token_speaks_of(engine, acme, store, clock):
    await subscribe(engine, "shop")
    known = await facts(store, "shop")
    people = People(engine, clock)

    on_list = await people.subject(acme, known.contact_id, known.list_id)
    assert on_list == (ANNE, "acme", "Acme Ltd", "shop", "The Shop")
    assert await people.subject(acme, known.contact_id, 0) == (ANNE, "acme", "Acme Ltd", "", "")
    assert await people.subject(acme, 12345, known.list_id) is None
    assert await people.subject(acme + 1, known.contact_id, known.list_id) is None
    assert await Contacts(engine).address(acme, known.contact_id) == ANNE
    assert await Contacts(engine).address(acme, 12345) is None
    assert await Lists(engine).public_name(acme, known.list_id) == "The Shop"
    assert await Accounts(engine).public_name(acme) == "Acme Ltd"


# ---------------------------------------------------------------- imports


@pytest.mark.parametrize("reason", SuppressionReason)
@pytest.mark.parametrize("account_wide", [True, False])
async def test_an_import_never_lifts_a_no(engine, acme, store, clock, reason, account_wide):
    await People(engine, clock).suppress(acme if account_wide else 0, ANNE, 0, reason, "report", "", "")

    taken = await import_anne(engine, "shop", MARCH_1 + timedelta(days=1))

    known = await facts(store, "shop")
    assert taken.reason == taken.refused_rule
    assert taken.reason.startswith("consent.")
    assert known.subscriptions[0].status is SubscriptionStatus.REFUSED
    assert [one.reason for one in known.suppressions] == [reason]


async def test_an_imported_row_keeps_its_first_batch_and_a_confirmed_one_its_status(engine, acme, store):
    await import_anne(engine, "shop", MARCH_1)
    first = (await Evidence(engine).show("acme", ANNE)).subscriptions[0].batch_id

    await import_anne(engine, "shop", MARCH_1 + timedelta(days=1))
    assert (await Evidence(engine).show("acme", ANNE)).subscriptions[0].batch_id == first

    await subscribe(engine, "news")
    await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, MARCH_1)
    await import_anne(engine, "news", MARCH_1 + timedelta(days=2))
    known = await facts(store, "news")
    assert {one.list_name: one.status for one in known.subscriptions}["news"] is SubscriptionStatus.CONFIRMED


async def test_a_file_that_says_unsubscribed_takes_even_a_confirmed_address_out(engine, acme, store):
    await subscribe(engine, "news")
    await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, MARCH_1)

    await import_anne(engine, "news", MARCH_1 + timedelta(days=2), says_no=OPT_OUT)

    assert opted_out(await facts(store, "news"))


async def test_a_no_outlived_by_a_confirmation_can_be_said_again_by_a_file(engine, acme, store, clock):
    await subscribe(engine, "news")
    await import_anne(engine, "news", MARCH_1, says_no=COMPLAINT)
    await Subscribers(engine).confirm_named("acme", "news", ANNE, HOW, MARCH_1 + timedelta(days=1))

    await import_anne(engine, "news", MARCH_1 + timedelta(days=2), says_no=COMPLAINT)

    (complaint,) = (await facts(store, "news")).suppressions
    assert complaint.list_id == 0
    assert not complaint.lifted_for


async def test_a_refused_row_becomes_usable_by_a_better_import(engine, acme, store):
    imports = Imports(engine)
    target = await imports.target("acme", "shop")
    batch = await imports.begin(target, "x", "hash", STAFF)
    await batch.take([Row(1, str(ANNE), ANNE, source="x").refused("consent.missing", "no date")])
    assert (await facts(store, "shop")).subscriptions[0].refused_rule == "consent.missing"

    await import_anne(engine, "shop", MARCH_1 + timedelta(days=1))

    (now,) = (await facts(store, "shop")).subscriptions
    assert (now.status, now.refused_rule) == (SubscriptionStatus.IMPORTED, "")


async def test_a_rehearsal_sees_what_stands_against_a_row_and_keeps_nothing(engine, acme, clock):
    await People(engine, clock).suppress(acme, ANNE, 0, OPT_OUT, "page", "", "")
    imports = Imports(engine)

    (weighed,) = await imports.rehearse(await imports.target("acme", "shop"), STAFF).take([Row(1, str(ANNE), ANNE)])

    assert weighed.reason == "consent.withdrawn"
    assert (await Lists(engine).show("acme", "shop"))[1] == {}
