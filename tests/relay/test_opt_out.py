"""Opt-outs carried out by the platform: who is meant, once, durable, and in force for the next RCPT (clause 5.6)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import MemoryPeople
from relaying import NEWS, OFFERS, Relay

from policies.address import Address
from policies.facts import SuppressionReason
from relay.permission.opt_out import OptOuts, Scope, Subject, Way
from relay.ports import StoreUnavailable
from relay.tokens import Claim, Purpose

ANNE = Address.parse("anne@example.com")


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    relay = Relay(tmp_path)
    for one in (NEWS, OFFERS):
        relay.subscribe(str(ANNE), one)
    return relay


@pytest.fixture
def people(relay: Relay) -> MemoryPeople:
    return MemoryPeople(relay.directory, relay.permissions)


@pytest.fixture
def opt_outs(relay: Relay, people: MemoryPeople) -> OptOuts:
    return OptOuts(relay.tokens, people, relay.journal, relay.clock)


def claim(relay: Relay, **changes: int) -> Claim:
    contact_id = relay.permissions.person(7, ANNE).contact_id
    told = Claim(Purpose.OPT_OUT, 7, NEWS.list_id, contact_id, 99, relay.tokens.check_bits(ANNE))
    return replace(told, **changes)  # type: ignore[arg-type]


async def subject(relay: Relay, opt_outs: OptOuts, **changes: int) -> Subject:
    found = await opt_outs.by_link(relay.tokens.url(claim(relay, **changes)))
    assert found is not None
    return found


async def replies(relay: Relay) -> dict[str, str]:
    """What RCPT says for each list, and for none."""
    said = {}
    for name in ("news", "offers", ""):
        tx = await relay.opened(list_name=name)
        said[name] = str(await relay.rcpt(tx, str(ANNE)))[:3]
    return said


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope.LIST, {"news": "550", "offers": "250", "": "550"}),
        (Scope.SENDER, {"news": "550", "offers": "550", "": "550"}),
        (Scope.EVERYONE, {"news": "550", "offers": "550", "": "550"}),
    ],
)
async def test_it_holds_for_the_very_next_recipient(
    relay: Relay, opt_outs: OptOuts, scope: Scope, said: dict[str, str]
) -> None:
    assert set((await replies(relay)).values()) == {"250"}

    await opt_outs.carry_out(await subject(relay, opt_outs), scope, Way.ONE_CLICK, "192.0.2.9")

    assert await replies(relay) == said


async def test_repeating_it_writes_nothing_more(relay: Relay, opt_outs: OptOuts, people: MemoryPeople) -> None:
    for _ in range(3):
        await opt_outs.carry_out(await subject(relay, opt_outs), Scope.LIST, Way.PAGE, "192.0.2.9")

    assert len(people.said) == 1
    row = relay.event("unsubscribe")
    assert (row.account_id, row.account, row.fields["way"], row.fields["list"]) == (7, "acme", "page", "news")


async def test_a_complaint_stops_this_sender_for_good(relay: Relay, opt_outs: OptOuts, people: MemoryPeople) -> None:
    await opt_outs.complain(await subject(relay, opt_outs), "192.0.2.9")

    assert people.said[0][:4] == (7, ANNE.key, 0, SuppressionReason.COMPLAINT)
    assert relay.event("complaint").fields["scope"] == "sender"


async def test_what_could_not_be_kept_is_not_recorded_as_done(
    relay: Relay, opt_outs: OptOuts, people: MemoryPeople
) -> None:
    known = await subject(relay, opt_outs)
    people.full = True

    with pytest.raises(StoreUnavailable):
        await opt_outs.carry_out(known, Scope.LIST, Way.PAGE, "")

    assert relay.journal.events == []


@pytest.mark.parametrize(
    "changes", [{"contact_id": 4711}, {"account_id": 8}, {"check": 1}, {"purpose": Purpose.BOUNCE}]
)
async def test_a_link_that_means_nobody_here_is_unknown(
    relay: Relay, opt_outs: OptOuts, changes: dict[str, int]
) -> None:
    assert await opt_outs.by_link(relay.tokens.url(claim(relay, **changes))) is None


@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
async def test_a_mailto_address_may_change_its_case(relay: Relay, opt_outs: OptOuts, spelled: object) -> None:
    local = relay.tokens.local_part(claim(relay, purpose=Purpose.OPT_OUT_MAIL))

    found = await opt_outs.by_local_part(spelled(local))  # type: ignore[operator]

    assert found is not None
    assert (found.address.key, found.list_name) == (ANNE.key, "news")
