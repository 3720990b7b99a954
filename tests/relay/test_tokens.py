"""Tokens: one spelling, one purpose, nothing forged."""

import hmac
import random
import stat

import pytest

from policies.address import Address
from relay.key_ring import KeyRing
from relay.tokens import Claim, Hmac, Purpose, Tokens

CLAIM = Claim(Purpose.OPT_OUT, 2**31 - 1, 7, 2**63 - 1, 0x1A20A36F4B99EBA, 0xBEEF)


@pytest.fixture
def tokens():
    return Tokens(KeyRing({1: b"k" * 32}))


def of(purpose):
    return Claim(purpose, CLAIM.account_id, CLAIM.list_id, CLAIM.contact_id, CLAIM.message, CLAIM.check)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_reads_back_as_what_was_claimed(tokens, purpose):
    assert tokens.read_url(tokens.url(of(purpose)), purpose) == of(purpose)
    assert tokens.read_local_part(tokens.local_part(of(purpose)), purpose) == of(purpose)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_serves_no_other_purpose(tokens, purpose):
    for other in set(Purpose) - {purpose}:
        assert tokens.read_url(tokens.url(of(purpose)), other) is None
        assert tokens.read_local_part(tokens.local_part(of(purpose)), other) is None
        moved = other.name[0].lower() + tokens.local_part(of(purpose))[1:]
        assert tokens.read_local_part(moved, other) is None


def test_a_local_part_fits_and_survives_a_change_of_case(tokens):
    local = tokens.local_part(CLAIM)

    assert len(local) <= 64
    assert tokens.read_local_part(local.upper(), Purpose.OPT_OUT) == CLAIM


def test_no_mutation_of_a_link_is_accepted(tokens):
    url, rng = tokens.url(CLAIM), random.Random(7)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.+/ é"
    for at in range(len(url)):
        for _ in range(20):
            mutated = url[:at] + rng.choice(alphabet) + url[at + rng.choice((0, 1)) :]
            assert mutated == url or tokens.read_url(mutated, Purpose.OPT_OUT) is None
    for other in ("", "A", url[:-1], url + "A", url + "=", url * 2, "\x00", "ü" * 59):
        assert tokens.read_url(other, Purpose.OPT_OUT) is None


def test_no_mutation_of_a_local_part_is_accepted(tokens):
    local, rng = tokens.local_part(CLAIM), random.Random(8)
    for at in range(len(local)):
        for _ in range(20):
            mutated = local[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz234567-+.=019é") + local[at + 1 :]
            assert mutated == local or tokens.read_local_part(mutated, Purpose.OPT_OUT) is None


def test_old_keys_verify_after_rotation_and_unknown_ones_never(tokens):
    rotated = Tokens(KeyRing({1: b"k" * 32, 2: b"n" * 32}))

    assert rotated.read_url(tokens.url(CLAIM), Purpose.OPT_OUT) == CLAIM
    assert tokens.read_url(rotated.url(CLAIM), Purpose.OPT_OUT) is None
    assert rotated.read_refusal(tokens.refusal("01J0000000000000000000000A")) == "01J0000000000000000000000A"
    bits = [one.check_bits(Address.parse("anne@example.com")) for one in (tokens, rotated)]
    assert bits[0] == bits[1]


def test_a_refusal_page_is_found_by_its_own_mac_only(tokens):
    name = tokens.refusal("01J0000000000000000000000A")

    assert tokens.read_refusal(name) == "01J0000000000000000000000A"
    assert tokens.read_refusal(name.replace("A.", "B.")) is None
    assert tokens.read_refusal("01J0000000000000000000000A.") is None
    assert tokens.read_refusal("é.é") is None


def test_the_ring_is_made_once_and_kept_private(tmp_path):
    first, second = KeyRing.open(tmp_path / "keys"), KeyRing.open(tmp_path / "keys")

    assert first.keys == second.keys
    assert stat.S_IMODE((tmp_path / "keys" / "001.key").stat().st_mode) == 0o600


def test_a_ring_without_keys_is_refused():
    with pytest.raises(ValueError):
        KeyRing({})


@pytest.mark.parametrize("size", [0, 1, 32, 63, 64, 65, 200])
def test_our_hmac_is_the_standard_one(size):
    key = bytes(range(size))

    assert Hmac(key)(b"message") == hmac.digest(key, b"message", "sha256")
