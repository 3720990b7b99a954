"""The fakes keep the promises of the ports they stand for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import SPRING, FakeClock, ListJournal, MemoryDirectory, MemoryPermissions

from policies.address import Address
from policies.facts import (
    Account,
    Confirm,
    FooterIdentity,
    Standing,
    Stream,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionReason,
)
from relay.ports import Clock, DeliveredRow, Directory, Event, Journal, Permissions, StoreUnavailable
from relay.transaction import Credential

ANNE = Address.parse("anne@example.com")
NEWS = Subscription(1, "news", Confirm.DOUBLE, SubscriptionStatus.CONFIRMED, confirmed_at=SPRING)


def account(account_id: int, name: str) -> Account:
    email = Address.parse(f"owner@{name}.test")
    footer = FooterIdentity(name, "1 High Street, Leeds")
    return Account(account_id, name, name, email, Standing.ACTIVE, frozenset({f"{name}.test"}), (), footer)


ACME, OTHER = account(1, "acme"), account(2, "other")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def directory() -> MemoryDirectory:
    return MemoryDirectory()


@pytest.fixture
def permissions(clock: FakeClock) -> MemoryPermissions:
    return MemoryPermissions(clock)


@pytest.fixture
def journal() -> ListJournal:
    return ListJournal()


async def test_the_directory_finds_accounts_by_number_name_and_domain(directory: MemoryDirectory) -> None:
    login = Credential(5, 1, "acme", "shop", "hash")
    directory.add(ACME, login)
    port: Directory = directory

    assert await port.account(1) is ACME
    assert await port.account_named("acme") is ACME
    assert await port.owner_of("mail.acme.test") is ACME
    assert await port.owner_of("other.test") is None
    assert await port.credential("acme", "shop") is login
    assert await port.credential("acme", "none") is None


async def test_permission_is_told_for_one_account_and_list(permissions: MemoryPermissions) -> None:
    permissions.subscribe(1, ANNE, NEWS)
    port: Permissions = permissions

    [on], [off], [foreign] = [
        await port.recipients(ACME, 1, "news", Stream.MARKETING, [ANNE]),
        await port.recipients(ACME, 2, "offers", Stream.MARKETING, [ANNE]),
        await port.recipients(OTHER, 0, "", Stream.MARKETING, [ANNE]),
    ]

    assert on.subscriptions == (NEWS,)
    assert off.subscriptions == ()
    assert on.contact_id == off.contact_id == await port.contact(1, ANNE)
    assert (foreign.contact_id, foreign.subscriptions) == (0, ())


async def test_a_no_to_every_sender_is_known_to_all_accounts(permissions: MemoryPermissions) -> None:
    permissions.suppress(1, ANNE, Suppression(SuppressionReason.OPT_OUT, SPRING, "page", all_accounts=True))

    assert await permissions.suppressed(2, 0, ANNE) is SuppressionReason.OPT_OUT
    [known] = await permissions.recipients(OTHER, 0, "", Stream.MARKETING, [ANNE])
    assert len(known.suppressions) == 1


@pytest.mark.parametrize(
    ("suppressed_list", "lifted", "asked", "holds"),
    [(0, set(), 1, True), (1, set(), 1, True), (2, set(), 1, False), (2, set(), 0, True), (1, {1}, 1, False)],
)
async def test_a_no_holds_for_its_list_until_lifted(
    permissions: MemoryPermissions, suppressed_list: int, lifted: set[int], asked: int, holds: bool
) -> None:
    no = Suppression(SuppressionReason.OPT_OUT, SPRING, "page", suppressed_list, lifted_for=frozenset(lifted))
    permissions.suppress(1, ANNE, no)

    assert (await permissions.suppressed(1, asked, ANNE) is not None) is holds


async def test_copies_are_counted_since_a_time(permissions: MemoryPermissions) -> None:
    permissions.sent += [(1, SPRING), (1, SPRING - timedelta(days=1)), (2, SPRING)]

    assert await permissions.sent_since(1, SPRING) == 1


async def test_a_stopped_store_answers_nothing(directory: MemoryDirectory, permissions: MemoryPermissions) -> None:
    directory.stopped = permissions.stopped = True

    for asked in (directory.account(1), directory.credential("a", "b"), permissions.suppressed(1, 0, ANNE)):
        with pytest.raises(StoreUnavailable):
            await asked


def test_the_clock_moves_when_told(clock: FakeClock) -> None:
    port: Clock = clock
    before = port.monotonic()
    clock.advance(timedelta(seconds=5))

    assert port.now() == SPRING + timedelta(seconds=5)
    assert port.monotonic() - before == 5


def test_the_journal_keeps_what_it_is_told(journal: ListJournal) -> None:
    port: Journal = journal
    done = Event("delivery.done", "01", SPRING)
    port.write(Event("message.accepted", "01", SPRING))
    port.delivered(DeliveredRow(1, "01", 1, SPRING, 1, ANNE.key, "smarthost", "250 ok"), done)

    assert journal.named("delivery.done") == [done]
    assert [row.ref for row in journal.rows] == ["01"]
