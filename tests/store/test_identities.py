"""Footer identities and logins of other streams on a real store."""

from __future__ import annotations

import pytest
from store_clock import MARCH_1

from policies.address import Address
from policies.facts import Confirm, FooterIdentity, Stream
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.credentials import Credentials, Grant
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import Act
from relay.adapters.store.identities import Identities, Identity
from relay.adapters.store.lists import Lists
from relay.adapters.store.names import NotAllowed, NotFound
from relay.transaction import Refuse

STAFF = Act("sari", MARCH_1)
BRAND = Identity("brand", "Brand", "2 Low Road", "NL", "brand.test", "news")


@pytest.fixture
async def acme(engine: Engine) -> int:
    new = NewAccount("acme", "Acme Ltd", Address.parse("o@acme.test"), "NL", "retail", "1 Road", "on paper")
    record = await Accounts(engine).add(new, STAFF)
    await Lists(engine).add("acme", "news", Confirm.DOUBLE, "", STAFF)
    return record.account_id


async def test_an_account_is_read_with_its_brands(engine, acme, store):
    await Identities(engine).add("acme", BRAND, STAFF)

    found = await store.directory.account_named("acme")

    list_id = found.list_named("news").list_id
    assert found.brands == (FooterIdentity("Brand", "2 Low Road", "NL", "brand", "brand.test", list_id),)
    assert found.footer.postal_address == "1 Road"


async def test_the_own_identity_stands_first_and_stays(engine, acme):
    identities = Identities(engine)
    await identities.add("acme", BRAND, STAFF)

    assert [one.name for one in await identities.of("acme")] == ["registered", "brand"]
    assert (await identities.of("acme"))[1] == BRAND
    with pytest.raises(NotAllowed, match="relay account set acme"):
        await identities.remove("acme", "registered")
    await identities.remove("acme", "brand")
    with pytest.raises(NotFound, match="no identity named brand"):
        await identities.remove("acme", "brand")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Identity("brand", "Other", "3 Road", domain="other.test"), "named brand already"),
        (Identity("registered", "Other", "3 Road", domain="other.test"), "named registered already"),
        (
            Identity("twin", "Other", "3 Road", domain="brand.test", list_name="news"),
            "identity brand is for the same",
        ),
    ],
)
async def test_two_identities_never_contend(engine, acme, other, why):
    await Identities(engine).add("acme", BRAND, STAFF)

    with pytest.raises(NotAllowed, match=why):
        await Identities(engine).add("acme", other, STAFF)


async def test_an_identity_for_a_list_that_is_not_there_is_not_found(engine, acme):
    with pytest.raises(NotFound):
        await Identities(engine).add("acme", Identity("x1", "X", "3 Road", list_name="nope"), STAFF)


@pytest.mark.parametrize(
    ("stream", "said", "refuse"),
    [
        (Stream.MARKETING, None, "at-once"),
        (Stream.SERVICE, None, "at-once"),
        (Stream.PERSONAL, None, "report"),
        (Stream.PERSONAL, "at-once", "at-once"),
        (Stream.MARKETING, "report", "report"),
    ],
)
async def test_a_login_keeps_its_stream_and_how_it_hears_of_refusals(
    engine, acme, store, stream: Stream, said: Refuse | None, refuse: Refuse
):
    grant = Grant(stream, "desk of the owner", said)
    record = await Credentials(engine).add("acme", "mail", "H", "", STAFF, grant)

    found = await store.directory.credential("acme", "mail")

    assert (found.stream, found.refuse) == (stream, refuse)
    assert [record] == await Credentials(engine).of("acme")
    assert (record.stream, record.reason, record.refuse) == (stream, "desk of the owner", refuse)
    assert record.granted_by == ("" if stream is Stream.MARKETING else "sari")
