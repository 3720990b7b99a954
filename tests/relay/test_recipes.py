"""What rewriting is told of one message and of each copy (INTERFACE.md §3, forwarded copies)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from relaying import NEWS, Relay

from config.schema import RulePolicy
from policies.address import Address
from policies.facts import Recipient, RecipientFacts, Stream
from relay.identifiers import ref_prefix
from relay.recipes import Recipes, received_from
from relay.tokens import Purpose
from relay.transaction import Envelope, RcptCommand, Transaction

ANNE = Address.parse("anne@example.com")


@pytest.fixture
async def tx(tmp_path: Path) -> Transaction:
    return await Relay(tmp_path).opened(list_name="news")


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    return Relay(tmp_path)


def recipes(relay: Relay, **policy: str) -> Recipes:
    settings = replace(relay.settings, policy={"footer.postal_address": RulePolicy(**policy)})  # type: ignore[arg-type]
    return Recipes(settings, relay.tokens, lambda domain: ((domain, "s1"),))


def envelope(contact_id: int = 11) -> Envelope:
    facts = RecipientFacts(contact_id, (), (), NEWS.list_id, "news", Stream.MARKETING, Relay(Path()).clock.now())
    return Envelope(RcptCommand(ANNE), Recipient(ANNE), facts)


def test_a_message_names_list_account_and_signers(relay: Relay, tx: Transaction) -> None:
    recipe = recipes(relay).message(tx, "acme.test", "spring", relay.clock.now())

    assert recipe.list_id_domain == "news.acme.b.relay.localhost"
    assert (recipe.organisation, recipe.account_name, recipe.campaign) == ("Acme Ltd", "acme", "spring")
    assert recipe.signers == (("acme.test", "s1"),)
    assert recipe.list_headers
    assert recipe.inject_address


def test_without_a_list_everything_is_account_wide(relay: Relay, tx: Transaction) -> None:
    tx.mailing_list = None

    recipe = recipes(relay).message(tx, "acme.test", "", relay.clock.now())
    copy = recipes(relay).copy(tx, envelope())

    assert (recipe.list_name, recipe.list_id_domain) == ("", "acme.b.relay.localhost")
    claim = relay.tokens.read_url(copy.opt_out_url.rpartition("/")[2], Purpose.OPT_OUT)
    assert claim is not None
    assert claim.list_id == 0


def test_two_messages_of_one_second_differ(relay: Relay, tx: Transaction) -> None:
    one, other = (recipes(relay).message(tx, "acme.test", "", relay.clock.now()).nonce for _ in range(2))

    assert one != other


def test_only_marketing_gets_list_headers(relay: Relay, tx: Transaction) -> None:
    tx.stream = Stream.PERSONAL

    assert not recipes(relay).message(tx, "acme.test", "", relay.clock.now()).list_headers


def test_an_address_is_not_injected_where_the_rule_rejects(relay: Relay, tx: Transaction) -> None:
    assert not recipes(relay, missing="reject").message(tx, "acme.test", "", relay.clock.now()).inject_address


def test_each_use_has_a_token_of_its_own_for_this_very_recipient(relay: Relay, tx: Transaction) -> None:
    copy = recipes(relay).copy(tx, envelope(), "id")

    tokens = relay.tokens
    url, query = copy.opt_out_url.removeprefix("http://127.0.0.1:8580/u/").split("?")
    mailto = copy.opt_out_mailto.removeprefix("mailto:").partition("@")
    claims = {
        Purpose.OPT_OUT: tokens.read_url(url, Purpose.OPT_OUT),
        Purpose.OPT_OUT_MAIL: tokens.read_local_part(mailto[0], Purpose.OPT_OUT_MAIL),
        Purpose.BOUNCE: tokens.read_local_part(copy.reverse_path.partition("@")[0], Purpose.BOUNCE),
        Purpose.FEEDBACK: tokens.read_local_part(copy.feedback_id, Purpose.FEEDBACK),
    }
    assert query == "l=id"
    assert mailto[2] == "b.relay.localhost?subject=unsubscribe"
    for purpose, claim in claims.items():
        assert claim is not None, purpose
        assert (claim.account_id, claim.list_id, claim.contact_id) == (7, NEWS.list_id, 11)
        assert (claim.message, claim.check) == (ref_prefix(tx.ref), tokens.check_bits(ANNE))
    assert len(copy.reverse_path.partition("@")[0]) <= 64


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({}, "from client.example ([192.0.2.7]) by relay.localhost with ESMTPA id "),
        ({"esmtp": False, "credential": None}, "from client.example ([192.0.2.7]) by relay.localhost with SMTP id "),
        ({"helo": ""}, "from [192.0.2.7] ([192.0.2.7]) by relay.localhost with ESMTPA id "),
        ({"client": "2001:db8::7"}, "from client.example ([IPv6:2001:db8::7]) by relay.localhost with ESMTPA id "),
        (
            {"tls": "TLSv1.3 with X"},
            "from client.example ([192.0.2.7]) (using TLSv1.3 with X) by relay.localhost with ESMTPSA id ",
        ),
    ],
)
def test_the_trace_says_where_it_came_from_and_never_for_whom(
    tx: Transaction, changes: dict[str, object], clause: str
) -> None:
    for name, value in changes.items():
        setattr(tx.session, name, value)

    assert received_from(tx, "relay.localhost") == clause + tx.ref
