"""`credential add --refuse report`: refused recipients are taken at RCPT and told of in one DSN."""

from __future__ import annotations

from pathlib import Path

import pytest
from relaying import RAW, Relay

from policies.facts import Stream, SuppressionReason


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    relay = Relay(tmp_path)
    relay.subscribe("anne@example.com")
    return relay


async def test_the_permitted_get_the_mail_and_the_rest_stand_in_one_report(relay: Relay) -> None:
    everybody = ["anne@example.com", "bob@example.org", "info@example.org"]
    tx = await relay.by(Stream.MARKETING, everybody, refuse="report")

    reply = await relay.stages.data(tx, RAW)

    assert str(reply) == f"250 2.0.0 {tx.ref} accepted for 1 of 3"
    assert list(relay.smarthost.taken) == ["anne@example.com"]
    [dsn] = relay.mails("dsn")
    assert relay.spool.copies(dsn.ref)[0].recipient == "bounce@acme.test"
    assert dsn.raw.count(b"Final-Recipient:") == 2
    assert b"consent.missing: bob@example.org has not given acme permission" in dsn.raw
    assert relay.spool.answers[tx.ref] == str(reply)
    rows = relay.journal.named("recipient.refused")
    assert [row.fields["recipient"] for row in rows] == ["bob@example.org", "info@example.org"]
    assert {row.ref for row in rows} == {tx.ref}


async def test_where_nobody_is_permitted_the_message_is_refused_by_that_rule(relay: Relay) -> None:
    tx = await relay.by(Stream.MARKETING, ["bob@example.org", "chen@example.org"], refuse="report")

    reply = await relay.stages.data(tx, RAW)

    assert str(reply).startswith("550 5.7.1 consent.missing: bob@example.org has not given acme permission")
    row = relay.event("message.refused")
    assert row.evidence["recipients"] == ["bob@example.org", "chen@example.org"]
    assert relay.mails("dsn") == []


async def test_a_message_against_a_rule_is_refused_and_no_report_follows(relay: Relay) -> None:
    tx = await relay.by(Stream.MARKETING, ["anne@example.com", "bob@example.org"], refuse="report")

    reply = await relay.stages.data(tx, RAW.replace(b"news@acme.test", b"x@bank.example"))

    assert "identity.from" in str(reply)
    assert relay.mails("dsn") == []


async def test_a_refused_recipient_named_twice_is_told_of_once(relay: Relay) -> None:
    tx = await relay.by(Stream.MARKETING, ["anne@example.com", "bob@example.org", "bob@EXAMPLE.org"], refuse="report")

    assert str(await relay.stages.data(tx, RAW)) == f"250 2.0.0 {tx.ref} accepted for 1 of 2"


async def test_personal_mail_to_somebody_who_complained_is_reported(relay: Relay) -> None:
    relay.suppress("no@example.org", SuppressionReason.COMPLAINT)
    tx = await relay.by(Stream.PERSONAL, ["bob@example.org", "no@example.org"], refuse="report")

    assert str(await relay.stages.data(tx, RAW)) == f"250 2.0.0 {tx.ref} accepted for 1 of 2"
    assert b"consent.complained" in relay.mails("dsn")[0].raw


async def test_at_once_is_at_once(relay: Relay) -> None:
    tx = await relay.by(Stream.MARKETING, ["anne@example.com"])

    assert "550 5.7.1 consent.missing" in str(await relay.rcpt(tx, "bob@example.org"))
    assert str(await relay.stages.data(tx, RAW)) == f"250 2.0.0 {tx.ref} accepted"
