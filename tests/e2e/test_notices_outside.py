"""The owner of an account hears of the first refusal at once, of the others once a day: from socket to mailbox."""

import asyncio
import email
import email.policy
import re
import smtplib
import time

import dkim
import pytest
from dialog import refusal
from running import PASSWORD, POSTAL_ADDRESS, Running
from sqlalchemy import text

from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.engine import open_store

DAY_US = 86_400_000_000


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def relay(request, tmp_path_factory):
    relay = Running(tmp_path_factory.mktemp("notices"))
    if request.param == "postgresql":
        relay.store_url = request.getfixturevalue("postgres").fresh()
        relay.configure()
    relay.here("db", "init")
    relay.account()
    add = ("--organisation", "Kopi", "--email", "pemilik@kopi.test", "--country", "ID", "--industry", "retail")
    relay.here("account", "add", "kopi", *add, "--postal-address", POSTAL_ADDRESS, "--accept-policy")
    relay.here("domain", "add", "kopi", "kopi.test")
    relay.here("domain", "verify", "kopi", "kopi.test", "--force", "--reason", "test")
    relay.here("credential", "add", "kopi", "mail", "--stdin", stdin=PASSWORD)
    relay.start()
    yield relay
    relay.stop()


def refused(relay, recipient, account="acme"):
    """The refusal of one recipient, in its parts."""
    with relay.login(f"{account}/mail") as client:
        client.mail(f"news@{account}.test")
        code, words = client.rcpt(recipient)
    return refusal(f"{code} {words.decode()}")


def letters(relay, to, wanted, seconds=15.0):
    """What an owner's mailbox holds, once so many mails came; oldest first."""
    deadline = time.monotonic() + seconds
    while True:
        found = [mail for mail in relay.delivered(0) if f"\nDelivered-To: {to}\r\n".encode() in mail]
        if len(found) >= wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def a_day_passes(relay):
    """The store's times move a day back: what was refused and told, was so yesterday."""

    async def move():
        url = relay.store_url.replace("sqlite:///", f"sqlite:///{relay.folder}/")
        store = open_store(url)
        async with store.begin() as connection:
            await connection.execute(text(f"UPDATE journal SET at = at - {DAY_US}"))
            moved = f"told_until = told_until - {DAY_US}, told_at = told_at - {DAY_US}, due_at = due_at - {DAY_US}"
            await connection.execute(text(f"UPDATE refusal_notice SET {moved}"))
        await store.close()

    asyncio.run(move())


def signed_by_us(relay, octets):
    """Whether the platform's signature holds, as dkimpy sees it."""
    keys = KeyDirectory(relay.folder / "var" / "dkim")
    found = {
        f"{one.selector}._domainkey.{one.domain}.": keys.record(one.domain, one.selector) for one in keys.stored()
    }
    sent = re.sub(rb"\A(?:Return-Path|Delivered-To): [^\r\n]*\r\n(?:Delivered-To: [^\r\n]*\r\n)?", b"", octets)
    assert b"d=b.relay.localhost" in sent
    return dkim.verify(sent, dnsfunc=lambda name, **_: found[name.decode()].encode())


def read(octets):
    return email.message_from_bytes(octets, policy=email.policy.default)


def test_the_first_refusal_is_told_at_once_then_a_digest_a_day(relay):
    first = refused(relay, "stranger@example.test")
    (octets,) = letters(relay, "owner@acme.test", 1)
    mail = read(octets)

    assert mail["From"].addresses[0].addr_spec == "no-reply@b.relay.localhost"
    assert mail["Reply-To"].addresses[0].addr_spec == "policy@relay.localhost"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "consent.missing" in mail["Subject"]
    assert re.fullmatch(r"<o-[a-z2-7]+@b\.relay\.localhost>", mail["Return-Path"])
    assert signed_by_us(relay, octets)
    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content()
        assert "stranger@example.test" not in body
        assert "s••••••@e••••••.test" in body
        assert f"{first['url']}?l=en" in body
        assert "/help/consent.missing?l=en" in body
    assert relay.http(f"{first['path']}?l=en")[0] == 200

    second = refused(relay, "stranger@example.test")
    third = refused(relay, "unknown@example.test")
    time.sleep(2.5)
    assert len(letters(relay, "owner@acme.test", 1)) == 1, "only the first is told at once"

    a_day_passes(relay)
    digest = read(letters(relay, "owner@acme.test", 2)[1])
    assert "2 refusals" in digest["Subject"]
    body = digest.get_body(("plain",)).get_content()
    assert second["url"] in body
    assert third["url"] in body
    assert first["url"] not in body, "it was told before"
    assert "2 refusals, 2 recipients" in body
    time.sleep(1.5)
    assert len(letters(relay, "owner@acme.test", 2)) == 2, "one digest a day"
    told = relay.lines(2, event="service.owner_told", account="acme")
    assert [one["why"] for one in told] == ["first refusal: consent.missing", "digest: 2 refusals"]


def test_an_owner_in_indonesia_is_written_to_in_indonesian(relay):
    refused(relay, "stranger@example.test", "kopi")

    mail = read(letters(relay, "pemilik@kopi.test", 1)[0])
    assert mail["Subject"] == "kopi: email ditolak (consent.missing)"
    assert mail["Content-Language"] == "id"
    assert "?l=id" in mail.get_body(("html",)).get_content()


def test_a_strangers_wrong_password_is_told_to_nobody(relay):
    before = len(letters(relay, "owner@acme.test", 0))
    with smtplib.SMTP("127.0.0.1", relay.submission) as client:
        client.starttls(context=relay.tls())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("acme/mail", "guessed")

    time.sleep(1.5)
    assert len(letters(relay, "owner@acme.test", 0)) == before
