from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert
from store_clock import MARCH_1, SetClock

from policies.address import Address
from policies.facts import Account, Confirm, FooterIdentity, Standing, Stream, SubscriptionStatus, SuppressionReason
from relay.adapters.store.engine import Engine, open_store, optional_us, to_us
from relay.adapters.store.mail_store import MailStore
from relay.adapters.tables import contact, hourly, mailing_list, subscription, suppression

ACME, NEWS, CLUB = 7, 30, 31
ANNE = Address.parse("Anne@Example.com")
BOB = Address.parse("bob@example.com")
FEB_1 = MARCH_1 - timedelta(days=28)
OPT_OUT = SuppressionReason.OPT_OUT
ACCOUNT = Account(
    account_id=ACME,
    name="acme",
    organisation="Acme",
    email=Address.parse("post@acme.example"),
    standing=Standing.ACTIVE,
    domains=frozenset(),
    lists=(),
    footer=FooterIdentity("Acme", "1 Road"),
)


@pytest.fixture
async def anne(engine: Engine) -> None:
    """Anne, confirmed on the list news since 1 February."""
    async with engine.begin() as connection:
        now = to_us(FEB_1)
        for list_id, name in ((NEWS, "news"), (CLUB, "club")):
            row = {"account_id": ACME, "list_id": list_id, "name": name, "confirm": "double", "created_at": now}
            await connection.execute(insert(mailing_list).values(**row))
        person = {"account_id": ACME, "contact_id": 11, "address_key": ANNE.key, "address": "Anne@Example.com"}
        await connection.execute(insert(contact).values(**person, created_at=now))
        row = {"account_id": ACME, "contact_id": 11, "list_id": NEWS, "status": "confirmed", "confirmed_at": now}
        await connection.execute(insert(subscription).values(**row, consented_at=now, source="form", created_at=now))


async def say_no(
    engine: Engine,
    at: datetime = MARCH_1,
    list_id: int = 0,
    account_id: int = ACME,
    reason: SuppressionReason = OPT_OUT,
    lifted_at: datetime | None = None,
) -> None:
    row = {"account_id": account_id, "address_key": ANNE.key, "list_id": list_id, "reason": reason.value}
    async with engine.begin() as connection:
        await connection.execute(
            insert(suppression).values(**row, at=to_us(at), way="page", lifted_at=optional_us(lifted_at))
        )


async def test_facts_come_for_every_address_in_order(store: MailStore, anne: None) -> None:
    bob, known = await store.permissions.recipients(ACCOUNT, NEWS, "news", Stream.MARKETING, [BOB, ANNE])
    assert (bob.contact_id, bob.subscriptions, bob.suppressions) == (0, (), ())
    assert known.contact_id == 11
    [one] = known.subscriptions
    assert (one.list_name, one.list_confirm, one.status) == ("news", Confirm.DOUBLE, SubscriptionStatus.CONFIRMED)
    assert (one.consented_at, one.confirmed_at, one.last_contact_at) == (FEB_1, FEB_1, None)
    assert (known.list_id, known.list_name, known.stream, known.now) == (NEWS, "news", Stream.MARKETING, MARCH_1)


async def test_a_thousand_addresses_are_as_good_as_one(store: MailStore, anne: None) -> None:
    many = [Address.parse(f"p{number}@example.com") for number in range(999)]
    facts = await store.permissions.recipients(ACCOUNT, 0, "", Stream.MARKETING, [*many, ANNE])
    assert [one.contact_id for one in facts] == [0] * 999 + [11]


async def test_another_accounts_permission_is_nobodys_business(store: MailStore, anne: None) -> None:
    other = Account(8, "other", "O", BOB, Standing.ACTIVE, frozenset(), (), ACCOUNT.footer)
    [facts] = await store.permissions.recipients(other, 0, "", Stream.MARKETING, [ANNE])
    assert (facts.contact_id, facts.subscriptions) == (0, ())


async def test_a_no_that_another_process_wrote_is_seen_by_the_very_next_question(
    store: MailStore, url: str, anne: None
) -> None:
    [before] = await store.permissions.recipients(ACCOUNT, NEWS, "news", Stream.MARKETING, [ANNE])
    other = open_store(url)
    async with other.begin() as connection:
        no = {"account_id": ACME, "address_key": ANNE.key, "reason": OPT_OUT.value, "way": "one-click"}
        await connection.execute(insert(suppression).values(**no, at=to_us(MARCH_1)))
    [after] = await store.permissions.recipients(ACCOUNT, NEWS, "news", Stream.MARKETING, [ANNE])
    await other.close()
    assert before.suppressions == ()
    assert [(no.reason, no.at, no.way, no.list_id) for no in after.suppressions] == [
        (OPT_OUT, MARCH_1, "one-click", 0)
    ]


async def test_a_no_to_every_sender_is_marked_as_such(store: MailStore, anne: None) -> None:
    await say_no(store.engine, account_id=0)
    [facts] = await store.permissions.recipients(ACCOUNT, NEWS, "news", Stream.MARKETING, [ANNE])
    assert [no.all_accounts for no in facts.suppressions] == [True]


async def test_only_a_later_confirmation_lifts_a_no_and_only_for_its_list(store: MailStore, anne: None) -> None:
    await say_no(store.engine, at=FEB_1 - timedelta(days=1))
    [facts] = await store.permissions.recipients(ACCOUNT, NEWS, "news", Stream.MARKETING, [ANNE])
    assert facts.suppressions[0].lifted_for == {NEWS}
    assert await store.permissions.suppressed(ACME, NEWS, ANNE) is None
    assert await store.permissions.suppressed(ACME, CLUB, ANNE) is OPT_OUT


async def test_a_no_staff_removed_is_gone(store: MailStore, anne: None) -> None:
    await say_no(store.engine, lifted_at=MARCH_1)
    assert await store.permissions.suppressed(ACME, NEWS, ANNE) is None


@pytest.mark.parametrize(("said_to", "mail_of", "stops"), [(0, NEWS, True), (NEWS, NEWS, True), (CLUB, NEWS, False)])
async def test_a_no_stops_the_mail_it_was_said_to(
    store: MailStore, anne: None, said_to: int, mail_of: int, stops: bool
) -> None:
    await say_no(store.engine, list_id=said_to)
    assert await store.permissions.suppressed(ACME, mail_of, ANNE) is (OPT_OUT if stops else None)


async def test_a_no_to_any_list_stops_mail_that_names_none(store: MailStore, anne: None) -> None:
    await say_no(store.engine, list_id=CLUB)
    assert await store.permissions.suppressed(ACME, 0, ANNE) is OPT_OUT


async def test_the_gravest_no_is_the_one_told(store: MailStore, anne: None) -> None:
    for reason in (OPT_OUT, SuppressionReason.UNREACHABLE, SuppressionReason.COMPLAINT):
        await say_no(store.engine, reason=reason)
        assert await store.permissions.suppressed(ACME, NEWS, ANNE) is reason


async def test_a_contact_is_made_once(store: MailStore, anne: None) -> None:
    made = await store.permissions.contact(ACME, BOB)
    assert 0 < made < 2**63
    assert await store.permissions.contact(ACME, BOB) == made
    assert await store.permissions.contact(ACME, ANNE) == 11


async def test_copies_are_counted_from_the_start_of_an_hour(store: MailStore, clock: SetClock) -> None:
    async with store.engine.begin() as connection:
        for at, event in ((FEB_1, "delivery.done"), (MARCH_1, "delivery.done"), (MARCH_1, "message.refused")):
            row = {"account_id": ACME, "hour": to_us(at), "event": event, "count": 5}
            await connection.execute(insert(hourly).values(**row))
    assert await store.permissions.sent_since(ACME, MARCH_1 + timedelta(minutes=59)) == 5
    assert await store.permissions.sent_since(ACME, FEB_1) == 10
    assert await store.permissions.sent_since(ACME + 1, FEB_1) == 0
