from __future__ import annotations

import pytest
from sqlalchemy import insert, text, update
from store_clock import MARCH_1, SetClock

from policies.facts import Confirm, FooterIdentity, MailingList, Standing, Stream
from relay.adapters.store.accounts import AccountChange, Accounts
from relay.adapters.store.directory import MAX_AGE
from relay.adapters.store.engine import Engine, to_us
from relay.adapters.store.generation import DIRECTORY, LOOK_EVERY, bump
from relay.adapters.store.history import Act
from relay.adapters.store.mail_store import MailStore
from relay.adapters.tables import account, credential, domain, footer_identity, mailing_list
from relay.ports import StoreUnavailable
from relay.transaction import Credential

ACME = 7
NOW = to_us(MARCH_1)


@pytest.fixture
async def acme(engine: Engine) -> None:
    """An active account with a footer, a list, two domains (one verified) and credentials."""
    async with engine.begin() as connection:
        row = {"account_id": ACME, "name": "acme", "organisation": "Acme Ltd", "email": "post@acme.example"}
        await connection.execute(
            insert(account).values(**row, standing_system="active", policy_version="1", created_at=NOW, per_day=500)
        )
        footer = {"account_id": ACME, "name": "registered", "organisation": "Acme Ltd", "postal_address": "1 Road"}
        await connection.execute(insert(footer_identity).values(**footer, country="NL"))
        await connection.execute(
            insert(mailing_list).values(account_id=ACME, list_id=3, name="news", title="News", created_at=NOW)
        )
        for name, verified_at in (("acme.example", NOW), ("other.example", None)):
            await connection.execute(
                insert(domain).values(account_id=ACME, domain=name, added_at=NOW, verified_at=verified_at)
            )
        login = {"account_id": ACME, "credential_id": 5, "name": "shop", "password_hash": "H", "stream": "service"}
        await connection.execute(insert(credential).values(**login, list_id=3, created_at=NOW))
        platform = {"account_id": 0, "credential_id": 6, "name": "sender", "password_hash": "P", "revoked_at": NOW}
        await connection.execute(insert(credential).values(**platform, created_at=NOW))


async def change(engine: Engine, tell: bool = True, **values: object) -> None:
    async with engine.begin() as connection:
        await connection.execute(update(account).values(**values))
        if tell:
            await bump(connection, DIRECTORY)


async def test_an_account_comes_with_all_its_rules_ask_for(store: MailStore, acme: None) -> None:
    found = await store.directory.account_named("acme")
    assert found is not None
    assert (found.account_id, found.name, str(found.email), found.per_day) == (ACME, "acme", "post@acme.example", 500)
    assert found.standing is Standing.ACTIVE
    assert found.domains == {"acme.example"}
    assert found.lists == (MailingList(3, "news", Confirm.DOUBLE, "News"),)
    assert found.footer == FooterIdentity("Acme Ltd", "1 Road", "NL")
    assert await store.directory.account(ACME) == found


async def test_staff_may_allow_an_account_mail_that_only_its_reader_can_open(engine: Engine, acme: None) -> None:
    async def kept(allowed: bool) -> bool:
        shown = await Accounts(engine).change("acme", AccountChange(sealed_mail=allowed), Act("sari", MARCH_1))
        return shown.sealed_mail

    assert [await kept(True), await kept(False)] == [True, False]


async def test_the_rules_are_told_of_it(store: MailStore, acme: None) -> None:
    await change(store.engine, sealed_mail=True)

    found = await store.directory.account(ACME)

    assert found is not None
    assert found.sealed_mail


async def test_nobody_is_found_where_nobody_is(store: MailStore, acme: None) -> None:
    assert await store.directory.account_named("nobody") is None
    assert await store.directory.account(8) is None
    assert await store.directory.credential("nobody", "shop") is None
    assert await store.directory.credential("acme", "nothing") is None


@pytest.mark.parametrize("system", Standing)
@pytest.mark.parametrize("staff", Standing)
async def test_the_stricter_standing_counts(store: MailStore, acme: None, system: Standing, staff: Standing) -> None:
    await change(store.engine, standing_system=system.value, standing_staff=staff.value)
    found = await store.directory.account(ACME)
    order = list(Standing)
    assert found is not None
    assert found.standing is order[max(order.index(system), order.index(staff))]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"policy_version": ""}, "the policy is not accepted"),
        ({}, "the account is not approved yet"),
        ({"approved": True}, "staff must reinstate the account"),
    ],
)
async def test_a_pending_account_is_told_what_is_missing(
    store: MailStore, acme: None, values: dict[str, object], why: str
) -> None:
    await change(store.engine, standing_system="pending", **values)
    found = await store.directory.account(ACME)
    assert found is not None
    assert found.pending_because == why


async def test_a_domain_covers_its_subdomains_once_verified(store: MailStore, acme: None) -> None:
    for owned in ("acme.example", "mail.acme.example", "a.b.c.d.e.f.g.h.i.acme.example"):
        owner = await store.directory.owner_of(owned)
        assert owner is not None
        assert owner.name == "acme"
    for foreign in ("other.example", "notacme.example", "example"):
        assert await store.directory.owner_of(foreign) is None


async def test_the_nearest_verified_parent_wins(store: MailStore, acme: None) -> None:
    async with store.engine.begin() as connection:
        row = {"account_id": 8, "name": "agency", "email": "a@agency.example", "created_at": NOW}
        await connection.execute(insert(account).values(**row))
        sub = {"account_id": 8, "domain": "shop.acme.example", "added_at": NOW, "verified_at": NOW + 1}
        await connection.execute(insert(domain).values(**sub))
    owner = await store.directory.owner_of("eu.shop.acme.example")
    assert owner is not None
    assert owner.name == "agency"


async def test_a_login_names_its_stream_and_list(store: MailStore, acme: None) -> None:
    found = await store.directory.credential("acme", "shop")
    assert found == Credential(5, ACME, "acme", "shop", "H", Stream.SERVICE, "news")


async def test_a_revoked_platform_credential_comes_marked(store: MailStore, acme: None) -> None:
    found = await store.directory.credential("", "sender")
    assert found == Credential(6, 0, "", "sender", "P", Stream.MARKETING, "", revoked=True)


async def test_a_change_is_seen_within_a_fifth_of_a_second(store: MailStore, acme: None, clock: SetClock) -> None:
    await store.directory.account(ACME)
    await change(store.engine, standing_staff="suspended")
    clock.advance(LOOK_EVERY)
    found = await store.directory.account(ACME)
    assert found is not None
    assert found.standing is Standing.SUSPENDED


async def test_even_a_change_nobody_told_of_is_seen_after_a_second(
    store: MailStore, acme: None, clock: SetClock
) -> None:
    await store.directory.account(ACME)
    await change(store.engine, tell=False, standing_staff="suspended")
    clock.advance(MAX_AGE)
    found = await store.directory.account(ACME)
    assert found is not None
    assert found.standing is Standing.SUSPENDED


async def test_an_account_that_cannot_be_read_is_our_fault_not_a_pass(store: MailStore, acme: None) -> None:
    await change(store.engine, email="not an address")
    with pytest.raises(StoreUnavailable):
        await store.directory.account(ACME)


async def test_a_store_without_tables_is_unavailable(store: MailStore) -> None:
    async with store.engine.begin() as connection:
        await connection.execute(text("DROP TABLE account"))
    with pytest.raises(StoreUnavailable):
        await store.directory.account_named("acme")
