"""One person over all accounts, shown and erased: what they said stands, and nothing else names them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from store_clock import MARCH_1

from policies.address import Address
from policies.facts import Confirm, Stream, SuppressionReason
from policies.imports.row import Row
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import Act
from relay.adapters.store.imports import Imports
from relay.adapters.store.lists import Lists
from relay.adapters.store.mail_store import open_mail_store
from relay.adapters.store.names import NotFound
from relay.adapters.store.outside import Outside
from relay.adapters.store.persons import Persons
from relay.adapters.store.subscribers import Request, Subscribers
from relay.adapters.store.suppressions import People
from relay.key_ring import KeyRing
from relay.tokens import Tokens

STAFF = Act("sari", MARCH_1)
ANNE, JOANNE = Address.parse("Anne@example.test"), Address.parse("joanne@example.test")
TOKENS = Tokens(KeyRing({1: b"k" * 32}))


@pytest.fixture
async def people(engine: Engine, tmp_path: Path) -> Engine:
    """Anne under two accounts, once as a refused row; Joanne beside her."""
    engine.beside(Outside.of(tmp_path)).recognising(TOKENS.person)
    for name in ("acme", "other"):
        new = NewAccount(name, name, Address.parse(f"o@{name}.test"), "NL", "retail", "1 Road", "on paper")
        await Accounts(engine).add(new, STAFF)
        await Lists(engine).add(name, "shop", Confirm.SINGLE, "", STAFF)
        for address in (ANNE, JOANNE):
            await Subscribers(engine).add(name, "shop", Request(address, "A", MARCH_1, "fair"), STAFF)
    imports = Imports(engine)
    batch = await imports.begin(await imports.target("acme", "shop"), "old tool", "hash", STAFF)
    await batch.take([Row(1, f"A <{ANNE}>", None, reason="consent.missing"), Row(2, str(JOANNE), None, reason="x")])
    return engine


async def everything(engine: Engine, tmp_path: Path) -> str:
    """All that the store and the files beside it hold, as text."""
    tables = ("contact", "subscription", "consent_event", "suppression", "import_row", "journal", "forgotten")
    outside = Outside.of(tmp_path)
    files = (outside.noes, outside.people, outside.forgotten)
    async with engine.connect() as connection:
        found = [str((await connection.execute(text(f"SELECT * FROM {table}"))).all()) for table in tables]
    return "".join([*found, *[file.path.read_text() for file in files if file.path.exists()]]).lower()


async def test_a_person_is_shown_over_all_accounts(people):
    assert [one.account for one in await Persons(people).show(ANNE)] == ["acme", "other"]
    with pytest.raises(NotFound):
        await Persons(people).show(Address.parse("nobody@example.test"))


async def test_who_is_forgotten_is_named_nowhere_and_others_stay(people, clock, tmp_path):
    await People(people, clock).suppress(0, ANNE, 0, SuppressionReason.OPT_OUT, "page", "", "")

    done = await Persons(people).forget(ANNE, STAFF)

    kept = await everything(people, tmp_path)
    assert (done.accounts, done.noes) == (2, 1)
    assert " anne@example.test" not in kept.replace("<", " ").replace("'", " ").replace('"', " ")
    assert "joanne@example.test" in kept
    with pytest.raises(NotFound):
        await Persons(people).show(ANNE)


async def test_what_a_forgotten_person_said_still_meets_imports_and_mail(people, clock, url):
    await People(people, clock).suppress(0, ANNE, 0, SuppressionReason.COMPLAINT, "report", "", "")
    await Persons(people).forget(ANNE, STAFF)
    imports = Imports(people)
    target = await imports.target("acme", "shop")
    row = Row(1, str(ANNE), ANNE, consented_at=MARCH_1, source="fair")

    (rehearsed,) = await imports.rehearse(target, STAFF).take([row])
    (taken,) = await (await imports.begin(target, "again", "other hash", STAFF)).take([row])

    assert rehearsed.reason == taken.reason == "consent.complained"
    with pytest.raises(NotFound):
        await Persons(people).show(ANNE)
    store = open_mail_store(url, clock, MARCH_1 - MARCH_1, recognise=TOKENS.person)
    account = await store.directory.account_named("acme")
    (facts,) = await store.permissions.recipients(account, 0, "", Stream.SERVICE, [ANNE])
    assert [one.reason for one in facts.suppressions] == [SuppressionReason.COMPLAINT]
    await store.close()


async def test_mail_under_way_to_a_person_who_said_no_and_was_forgotten_is_stopped(people, clock, url):
    store = open_mail_store(url, clock, MARCH_1 - MARCH_1, recognise=TOKENS.person)
    account = await store.directory.account_named("acme")
    acme, asked = account.account_id, store.permissions.suppressed
    before = await asked(acme, 0, ANNE)
    await People(people, clock).suppress(acme, ANNE, 0, SuppressionReason.OPT_OUT, "page", "", "")
    await Persons(people).forget(ANNE, STAFF)

    answers = [before, await asked(acme, 0, ANNE), await asked(acme, 0, JOANNE)]

    await store.close()
    assert answers == [None, SuppressionReason.OPT_OUT, None]


async def test_who_comes_back_is_met_by_what_they_said(people, clock):
    await People(people, clock).suppress(0, ANNE, 0, SuppressionReason.OPT_OUT, "page", "", "")
    await Persons(people).forget(ANNE, STAFF)

    await Subscribers(people).add("acme", "shop", Request(ANNE, "A", MARCH_1, "fair"), STAFF)

    record, _ = await Persons(people).show(ANNE)
    assert record.no is not None
    assert record.no.reason is SuppressionReason.OPT_OUT
