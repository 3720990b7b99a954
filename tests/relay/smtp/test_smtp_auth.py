"""Passwords, guesses and SASL (RELIABILITY.md rows 32-35)."""

import asyncio
from base64 import b64encode

import pytest

from relay.smtp import replies, sasl
from relay.smtp.auth import Overloaded, Passwords
from relay.smtp.guesses import WINDOW, Guesses, network_of_guess


@pytest.fixture
def passwords():
    passwords = Passwords(memory_kib=64)
    yield passwords
    passwords.close()


async def test_only_the_right_password_of_a_login_that_exists_is_right(passwords: Passwords):
    stored = passwords.hash(b"secret")
    assert stored.startswith("$argon2id$v=19$m=64,t=2,p=1$")
    assert await passwords.verify(stored, b"secret")
    assert not await passwords.verify(stored, b"Secret")
    assert not await passwords.verify(None, b"secret")
    assert not await passwords.verify(None, b"nobody has this password")
    assert not await passwords.verify("no hash at all", b"secret")


async def test_passwords_are_stored_with_the_chosen_cost():
    passwords = Passwords()
    assert passwords.hash(b"x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.needs_rehash(Passwords(memory_kib=64).hash(b"x"))
    passwords.close()


async def test_more_checks_than_can_wait_are_refused_and_places_come_back():
    passwords = Passwords(threads=1, queue=2, memory_kib=64)
    stored = passwords.hash(b"secret")
    checks = [asyncio.ensure_future(passwords.verify(stored, b"secret")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await passwords.verify(stored, b"secret")
    assert await asyncio.gather(*checks) == [True, True, True]
    assert await passwords.verify(stored, b"secret")
    passwords.close()


class Hours:
    """A clock that stands still until it is moved."""

    now = 100_000.0

    def __call__(self) -> float:
        return self.now


def test_a_network_that_guesses_is_blocked_for_that_login_and_for_an_hour():
    clock = Hours()
    guesses = Guesses(clock)
    for _ in range(10):
        assert not guesses.blocked("acme/news", "192.0.2.1")
        guesses.failed("acme/news", "192.0.2.1")
    assert guesses.blocked("acme/news", "192.0.2.200")
    assert not guesses.blocked("acme/other", "192.0.2.1")
    assert not guesses.blocked("acme/news", "198.51.100.1")
    clock.now += WINDOW + 1
    assert not guesses.blocked("acme/news", "192.0.2.1")


def test_many_networks_get_twenty_guesses_together_and_the_owner_still_gets_in():
    guesses = Guesses(Hours())
    guesses.succeeded("acme/news", "203.0.113.5")
    tried = 0
    for network in range(200):
        for _ in range(3):
            if not guesses.blocked("acme/news", f"10.0.{network}.1"):
                tried += 1
                guesses.failed("acme/news", f"10.0.{network}.1")
    assert tried == 20
    assert not guesses.blocked("acme/news", "203.0.113.9")


def test_a_right_password_clears_what_its_network_got_wrong():
    guesses = Guesses(Hours())
    for _ in range(9):
        guesses.failed("acme/news", "192.0.2.1")
    guesses.succeeded("acme/news", "192.0.2.1")
    for _ in range(9):
        guesses.failed("acme/news", "192.0.2.1")
    assert not guesses.blocked("acme/news", "192.0.2.1")


def test_guesses_are_counted_by_network():
    assert network_of_guess("192.0.2.7") == "192.0.2.0/24"
    assert network_of_guess("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert network_of_guess("not an address") == "not an address"


async def _gone(challenge: bytes) -> bytes | None:
    return None


async def _star(challenge: bytes) -> bytes | None:
    return b"*"


def encoded(octets: bytes) -> str:
    return b64encode(octets).decode()


async def test_plain_carries_an_authorization_identity():
    login = await sasl.plain(encoded(b"acme\0platform\0pass\xff"), _gone)
    assert (login.authzid, login.login, login.password) == ("acme", "platform", b"pass\xff")
    assert "pass" not in repr(login)


@pytest.mark.parametrize(
    ("initial", "reply"),
    [
        (encoded(b"a\0b"), replies.AUTH_NOT_PLAIN),
        (encoded(b"a\0b\0c\0d"), replies.AUTH_NOT_PLAIN),
        ("=", replies.AUTH_NOT_PLAIN),
        ("a b", replies.AUTH_NOT_BASE64),
        ("abc", replies.AUTH_NOT_BASE64),
        ("A" * 1028, replies.AUTH_TOO_LONG),
        ("é", replies.AUTH_NOT_BASE64),
    ],
)
async def test_a_bad_response_is_named(initial: str, reply: object):
    with pytest.raises(sasl.SaslFault) as fault:
        await sasl.plain(initial, _gone)
    assert fault.value.reply == reply


async def test_an_exchange_can_be_cancelled_or_lost():
    with pytest.raises(sasl.SaslFault) as cancelled:
        await sasl.login(None, _star)
    assert cancelled.value.reply == replies.AUTH_CANCELLED
    with pytest.raises(sasl.SaslFault) as lost:
        await sasl.login(encoded(b"name"), _gone)
    assert lost.value.reply is None
