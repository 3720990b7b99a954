"""The nouns of senders on a real store: caches hear of every change, names are unique, moves are audited."""

from __future__ import annotations

import asyncio
import time

import pytest
from store_clock import MARCH_1

from policies.address import Address
from policies.facts import Confirm, Standing
from relay.adapters.store.accounts import AccountChange, Accounts, NewAccount
from relay.adapters.store.credentials import PLATFORM, Credentials
from relay.adapters.store.domains import Domains
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import Act
from relay.adapters.store.lists import Lists
from relay.adapters.store.names import NotAllowed
from relay.adapters.store.standings import AccountStandings
from relay.enforcement.standing import Move

STAFF = Act("sari", MARCH_1)


def new(name: str) -> NewAccount:
    return NewAccount(name, "Acme Ltd", Address.parse(f"o@{name}.test"), "NL", "retail", "1 Road", "on paper")


@pytest.fixture
async def acme(engine: Engine) -> int:
    return (await Accounts(engine).add(new("acme"), STAFF)).account_id


async def test_every_change_is_seen_by_who_handles_mail_at_the_next_look(engine, acme, store, clock):
    """The generation moves with each change; answers kept before it are dropped long before they are too old."""

    async def seen(holds):
        """News of a change travel for a moment on PostgreSQL; on this clock no time passes meanwhile."""
        clock.advance(0.3)
        deadline = time.monotonic() + 20
        while not holds(await store.directory.account_named("acme")):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    assert await seen(lambda account: account.standing is Standing.ACTIVE)
    await AccountStandings(engine).move("acme", Move.SUSPEND, "complaints", STAFF)
    assert await seen(
        lambda account: (account.standing, account.warned_because) == (Standing.SUSPENDED, "complaints")
    )
    await AccountStandings(engine).move("acme", Move.REINSTATE, "appeal", STAFF)
    assert await seen(lambda account: account.standing is Standing.ACTIVE)
    await Lists(engine).add("acme", "news", Confirm.DOUBLE, "", STAFF)
    assert await seen(lambda account: account.list_named("news") is not None)
    await Domains(engine).add("acme", "acme.test", STAFF)
    assert await seen(lambda account: not account.owns("mail.acme.test"))
    await Domains(engine).verify("acme", "acme.test", "DNS", STAFF)
    assert await seen(lambda account: account.owns("mail.acme.test"))
    await Accounts(engine).change("acme", AccountChange(postal_address="2 Road", per_day=50), STAFF)
    assert await seen(lambda account: (account.footer.postal_address, account.per_day) == ("2 Road", 50))
    await Accounts(engine).change("acme", AccountChange(per_day=0), STAFF)
    assert await seen(lambda account: account.per_day is None)


async def test_a_credential_works_until_it_is_revoked(engine, acme, store, clock):
    await Lists(engine).add("acme", "news", Confirm.DOUBLE, "", STAFF)
    await Credentials(engine).add("acme", "mail", "HASH", "news", STAFF)
    await Credentials(engine).add(PLATFORM, "bulk", "HASH2", "", STAFF)
    clock.advance(0.3)

    found = await store.directory.credential("acme", "mail")
    platform = await store.directory.credential("", "bulk")
    assert (found.password_hash, found.list_name, found.revoked) == ("HASH", "news", False)
    assert (platform.account_id, platform.password_hash) == (0, "HASH2")

    await Credentials(engine).revoke("acme", "mail", STAFF)
    clock.advance(0.3)
    assert (await store.directory.credential("acme", "mail")).revoked


async def test_the_nearest_verified_domain_names_the_owner(engine, acme, store, clock):
    await Accounts(engine).add(new("agency"), STAFF)
    domains = Domains(engine)
    for account, name in (("acme", "shop.agency.test"), ("agency", "agency.test")):
        await domains.add(account, name, STAFF)
        await domains.verify(account, name, "DNS", STAFF)
    clock.advance(0.3)

    assert (await store.directory.owner_of("mail.shop.agency.test")).name == "acme"
    assert (await store.directory.owner_of("mail.agency.test")).name == "agency"


async def test_a_second_proof_of_one_domain_is_refused(engine, acme):
    await Accounts(engine).add(new("other"), STAFF)
    domains = Domains(engine)
    await domains.add("acme", "acme.test", STAFF)
    await domains.add("other", "acme.test", STAFF)
    await domains.verify("acme", "acme.test", "DNS", STAFF)

    with pytest.raises(NotAllowed, match=r"another account has verified acme\.test"):
        await domains.verify("other", "acme.test", "DNS", STAFF)


async def test_adding_a_domain_twice_keeps_its_token(engine, acme):
    first = await Domains(engine).add("acme", "acme.test", STAFF)

    assert await Domains(engine).add("acme", "acme.test", STAFF) == first


async def test_the_system_moves_down_only_and_its_moves_are_audited(engine, acme):
    standings = AccountStandings(engine)

    after = await standings.move_down(acme, Standing.WARNED, "one complaint", Act("system", MARCH_1))

    assert (after.system, after.staff) == (Standing.WARNED, Standing.ACTIVE)
    for refused in (Standing.ACTIVE, Standing.DEACTIVATED):
        with pytest.raises(NotAllowed):
            await standings.move_down(acme, refused, "x", Act("system", MARCH_1))
    last = (await standings.history("acme"))[-1]
    assert (last.side, last.before, last.after, last.actor) == ("system", "active", "warned", "system")


async def test_a_move_that_is_refused_leaves_no_trace(engine, acme):
    standings = AccountStandings(engine)
    before = await standings.history("acme")

    with pytest.raises(NotAllowed):
        await standings.move("acme", Move.REINSTATE, "x", STAFF)

    assert await standings.history("acme") == before
