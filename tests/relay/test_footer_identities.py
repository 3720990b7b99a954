"""Brands and clients of an account: the most specific footer identity signs (clause 5.1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from relaying import ACME, NEWS, OFFERS, RAW, Relay, raw

from policies.facts import FooterIdentity

BRAND = FooterIdentity("Bréw Brand", "2 Low Road, York YO1 2BB", name="brand", domain="brand.acme.test")
WEEKLY = FooterIdentity("Weekly & Co", "4 Ford Street, Hull HU1 3CC", name="weekly", list_id=OFFERS.list_id)
BRANDED = RAW.replace(b"news@acme.test", b"news@brand.acme.test")


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    relay = Relay(tmp_path, account=replace(ACME, brands=(BRAND, WEEKLY)))
    relay.subscribe("anne@example.com", NEWS)
    relay.subscribe("anne@example.com", OFFERS)
    return relay


async def sent(relay: Relay, octets: bytes, list_name: str = "") -> str:
    tx = await relay.opened(recipients=["anne@example.com"], list_name=list_name)
    reply = await relay.stages.data(tx, octets)
    assert reply.code == 250, reply
    return relay.smarthost.taken["anne@example.com"].decode()


async def test_the_accounts_own_signs_where_nothing_fits(relay: Relay) -> None:
    copy = await sent(relay, RAW, "news")

    assert "1 High Street" in copy
    assert "List-Id: news <news.acme." in copy


async def test_a_domains_identity_signs_mail_from_it(relay: Relay) -> None:
    copy = await sent(relay, BRANDED)

    assert "2 Low Road" in copy
    assert "1 High Street" not in copy
    assert "List-Id: =?utf-8?b?" in copy


@pytest.mark.parametrize(("octets", "name"), [(BRANDED, "offers"), (raw(X_Relay_List="offers"), "")])
async def test_a_lists_identity_outweighs_a_domains(relay: Relay, octets: bytes, name: str) -> None:
    copy = await sent(relay, octets, name)

    assert "4 Ford Street" in copy
    assert "List-Id: Weekly & Co <offers.acme." in copy


async def test_a_message_without_a_from_is_malformed_all_the_same(relay: Relay) -> None:
    tx = await relay.opened(recipients=["anne@example.com"])

    assert "message.malformed" in str(await relay.stages.data(tx, RAW.replace(b"From:", b"X-From:")))


async def test_the_brands_own_address_in_the_text_needs_no_footer_address(relay: Relay) -> None:
    copy = await sent(relay, BRANDED + b"\r\nBrew Brand, 2 Low Road, York YO1 2BB\r\n")

    assert copy.count("Low Road") == 1
