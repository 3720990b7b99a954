"""A hundred thousand forged and mutated tokens: none is read, whatever it is read for (RELIABILITY.md row 49)."""

from __future__ import annotations

import base64
import os
import random

import pytest

from relay.key_ring import KeyRing
from relay.tokens import Claim, Purpose, Tokens

FORGERIES = int(os.environ.get("RELAY_TEST_FORGERIES", "100000"))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LINKED = (Purpose.OPT_OUT, Purpose.CONFIRM, Purpose.MY_MAIL)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens(KeyRing({1: b"k" * 32, 2: b"n" * 32}))


def good(tokens: Tokens, purpose: Purpose, rng: random.Random) -> str:
    ids = (rng.getrandbits(31), rng.getrandbits(31), rng.getrandbits(63), rng.getrandbits(62), rng.getrandbits(16))
    return tokens.url(Claim(purpose, *ids))


def forged(token: str, rng: random.Random) -> str:
    """One change of many kinds; it may come out as what it was."""
    at, other = rng.randrange(len(token)), rng.randrange(len(token))
    octets = bytearray(base64.urlsafe_b64decode(token + "="))
    match rng.randrange(8):
        case 0:
            return token[:at] + rng.choice(ALPHABET) + token[at + 1 :]
        case 1:
            return token[:at] + token[at + 1 :]
        case 2:
            return token[:at] + rng.choice(ALPHABET) + token[at:]
        case 3:
            low, high = sorted((at, other))
            return token[:low] + token[low:high][::-1] + token[high:]
        case 4:
            octets[rng.randrange(len(octets))] ^= 1 << rng.randrange(8)
        case 5:
            octets[0] = 1 << 4 | rng.randrange(16)  # another purpose with the same MAC
        case 6:
            octets[1] = rng.randrange(256)  # another key
        case 7:
            octets[-16:] = rng.randbytes(16)
    return base64.urlsafe_b64encode(bytes(octets)).rstrip(b"=").decode()


def test_no_forgery_is_read_for_any_purpose(tokens: Tokens) -> None:
    rng, tried = random.Random(8058), 0
    while tried < FORGERIES:
        purpose = LINKED[tried % 3]
        token = good(tokens, purpose, rng)
        for _ in range(20):
            one = forged(token, rng)
            if one != token:
                assert [tokens.read_url(one, other) for other in LINKED] == [None] * 3, one
                tried += 1


def test_purposes_cannot_be_swapped(tokens: Tokens) -> None:
    rng = random.Random(1)
    for purpose in Purpose:
        token = good(tokens, purpose, rng)
        assert [one for one in Purpose if tokens.read_url(token, one) is not None] == [purpose]


def test_a_stamp_is_read_for_its_own_form_and_as_written_only(tokens: Tokens) -> None:
    rng, stamp = random.Random(2), tokens.stamp("s/acme/club", 1_772_366_400)

    assert tokens.read_stamp("s/acme/club", stamp) == 1_772_366_400
    assert tokens.read_stamp("s/beta/club", stamp) is None
    for _ in range(5000):
        at = rng.randrange(len(stamp))
        one = stamp[:at] + rng.choice("0123456789abcdef.é") + stamp[at + 1 :]
        assert one == stamp or tokens.read_stamp("s/acme/club", one) is None
