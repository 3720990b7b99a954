"""The life of a message over the real rules: each refusal in INTERFACE.md §3's one form, and recorded as sent."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from relaying import ACME, NEWS, OFFERS, RAW, Relay, raw

from policies.address import Address
from policies.facts import Standing, SuppressionReason
from policies.verdict import Reply
from relay.ports import Phase, Postponed, Refused, StoreUnavailable
from relay.transaction import MailCommand, Transaction

FORM = re.compile(r"[45]\d\d [45]\.\d{1,3}\.\d{1,3} ([a-z]+\.?[a-z_]*): \S.* \[([0-9A-HJKMNP-TV-Z]{26})\] (http\S+)")


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    return Relay(tmp_path)


def refused(relay: Relay, reply: Reply, start: str, event: str) -> None:
    """One line of at most 510 octets of ASCII with rule, REF and the refusal's own page, journalled as sent."""
    line = str(reply)
    assert line.startswith(start)
    assert line.isascii()
    assert len(line) <= 510
    found = FORM.fullmatch(line)
    assert found is not None, line
    rule, ref, url = found.groups()
    assert url == relay.refusals.url(ref)
    row = relay.event(event)
    assert (row.fields["reply"], row.fields["rule"], row.ref) == (line, rule, ref)
    assert row.fields["why"]


async def test_a_permitted_message_is_sent_rewritten_and_recorded(relay: Relay) -> None:
    relay.subscribe("anne@example.com")
    tx = await relay.opened(recipients=["anne@example.com"], list_name="news")

    reply = await relay.stages.data(tx, RAW)

    assert str(reply) == f"250 2.0.0 {tx.ref} accepted"
    copy = relay.smarthost.taken["anne@example.com"].decode()
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in copy
    assert "1 High Street" in copy
    assert "http://127.0.0.1:8580/u/" in copy
    assert [event.event for event in relay.journal.events] == ["delivery.done", "message.accepted"]
    accepted = relay.event("message.accepted").fields
    assert (accepted["reply"], accepted["list"], accepted["message_id"]) == (str(reply), "news", "<1@acme.test>")


# ------------------------------------------------------------ MAIL


@pytest.mark.parametrize(
    ("standing", "start"),
    [
        (Standing.SUSPENDED, "550 5.7.1 standing.suspended: acme is suspended"),
        (Standing.DEACTIVATED, "550 5.7.1 standing.deactivated: acme is deactivated"),
    ],
)
async def test_standing_is_judged_at_mail(relay: Relay, standing: Standing, start: str) -> None:
    relay.directory.add(replace(ACME, standing=standing))

    reply, tx = await relay.mail()

    assert tx is None
    refused(relay, reply, start, "sender.refused")


@pytest.mark.parametrize("kind", ["submission", "bulk"])
@pytest.mark.parametrize("path", ["x@elsewhere.example", None])
async def test_a_reverse_path_that_is_not_the_senders_is_refused(relay: Relay, kind: str, path: str | None) -> None:
    reply, tx = await relay.mail(kind, path)  # type: ignore[arg-type]

    assert tx is None
    refused(relay, reply, "550 5.7.1 identity.reverse_path: ", "sender.refused")
    assert relay.event("sender.refused").fields["reverse_path"] == (path or "<>")


@pytest.mark.parametrize("path", ["x@elsewhere.example", None])
async def test_nobodys_mail_is_refused_also_where_the_rule_only_observes(tmp_path: Path, path: str | None) -> None:
    relay = Relay(tmp_path, "identity.reverse_path")

    reply, tx = await relay.mail("bulk", path)

    assert tx is None
    refused(relay, reply, "550 5.7.1 identity.reverse_path: ", "sender.refused")


async def test_a_foreign_reverse_path_of_a_known_account_is_observed(tmp_path: Path) -> None:
    relay = Relay(tmp_path, "identity.reverse_path")

    reply, tx = await relay.mail(path="x@elsewhere.example")

    assert (reply.code, tx is not None) == (250, True)
    assert relay.event("service.observed").fields["rule"] == "identity.reverse_path"


async def test_bulk_takes_the_account_from_the_reverse_path(relay: Relay) -> None:
    tx = await relay.opened("bulk")

    assert tx.account.name == "acme"


async def test_an_unknown_list_is_refused_at_mail(relay: Relay) -> None:
    reply, tx = await relay.mail(list_name="nope")

    assert tx is None
    refused(relay, reply, "550 5.7.1 list.unknown: acme has no list nope", "sender.refused")
    assert relay.event("sender.refused").fields["list"] == "nope"


async def test_a_size_over_the_limit_is_refused_at_mail(relay: Relay) -> None:
    command = MailCommand(Address.parse("bounce@acme.test"), size=99_999_999)

    reply = await relay.stages.size_refused(relay.session(), command)

    refused(relay, reply, "552 5.3.4 message.too_large: ", "sender.refused")


# ------------------------------------------------------------ RCPT


async def expect_at_rcpt(relay: Relay, address: str, start: str) -> None:
    tx = await relay.opened()
    reply = await relay.rcpt(tx, address)
    refused(relay, reply, start, "recipient.refused")
    row = relay.event("recipient.refused")
    assert row.fields["recipient"] == address
    assert row.ref != tx.ref
    assert row.evidence["transaction"] == tx.ref
    assert (tx.refused, tx.recipients) == (1, [])


async def test_a_stranger_is_refused(relay: Relay) -> None:
    await expect_at_rcpt(
        relay, "bob@example.org", "550 5.7.1 consent.missing: bob@example.org has not given acme permission"
    )


async def test_old_permission_is_refused(relay: Relay) -> None:
    relay.subscribe("bob@example.org", days=800)
    await expect_at_rcpt(relay, "bob@example.org", "550 5.7.1 consent.expired: ")


@pytest.mark.parametrize(
    ("reason", "start"),
    [
        (SuppressionReason.OPT_OUT, "550 5.7.1 consent.withdrawn: bob@example.org has opted out"),
        (SuppressionReason.COMPLAINT, "550 5.7.1 consent.complained: bob@example.org "),
        (SuppressionReason.UNREACHABLE, "550 5.1.1 consent.unreachable: bob@example.org "),
    ],
)
async def test_a_no_stands(relay: Relay, reason: SuppressionReason, start: str) -> None:
    relay.subscribe("bob@example.org")
    relay.suppress("bob@example.org", reason)
    await expect_at_rcpt(relay, "bob@example.org", start)


async def test_a_function_is_nobodys_address(relay: Relay) -> None:
    relay.permissions.subscribe(
        7,
        Address.parse("info@example.org"),
        replace(subscription(relay), status=type(subscription(relay).status).IMPORTED, list_confirm=OFFERS.confirm),
    )
    await expect_at_rcpt(relay, "info@example.org", "550 5.7.1 address.role: ")


def subscription(relay: Relay):  # type: ignore[no-untyped-def]
    relay.subscribe("template@example.org")
    return relay.permissions.person(7, Address.parse("template@example.org")).subscriptions[0]


async def test_a_pending_account_writes_to_itself_only(relay: Relay) -> None:
    relay.directory.add(replace(ACME, standing=Standing.PENDING, pending_because="policy not accepted"))
    relay.subscribe("bob@example.org")
    await expect_at_rcpt(relay, "bob@example.org", "550 5.7.1 standing.pending: ")


async def test_an_own_address_needs_no_permission(relay: Relay) -> None:
    tx = await relay.opened(recipients=["boss@mail.acme.test", "owner@acme.example"])

    assert (await relay.stages.data(tx, RAW)).code == 250
    assert len(relay.smarthost.taken) == 2


async def test_a_duplicate_recipient_is_folded(relay: Relay) -> None:
    relay.subscribe("anne@example.com")
    tx = await relay.opened(recipients=["anne@example.com", "anne@EXAMPLE.com", "anne@example.com"])

    assert len(tx.recipients) == 1
    assert str(await relay.stages.data(tx, RAW)) == f"250 2.0.0 {tx.ref} accepted"


async def test_a_withdrawal_from_any_list_counts_where_no_list_is_named(relay: Relay) -> None:
    for one in (NEWS, OFFERS):
        relay.subscribe("bob@example.org", one)
    relay.suppress("bob@example.org", list_id=OFFERS.list_id)

    named = await relay.opened(list_name="news")
    assert (await relay.rcpt(named, "bob@example.org")).code == 250
    unnamed = await relay.opened()
    assert "consent.withdrawn" in str(await relay.rcpt(unnamed, "bob@example.org"))


async def test_what_only_observes_is_recorded_and_the_mail_goes(tmp_path: Path) -> None:
    relay = Relay(tmp_path, "consent")
    tx = await relay.opened(recipients=["bob@example.org"])

    assert (await relay.stages.data(tx, RAW)).code == 250
    seen = relay.event("service.observed")
    assert (seen.fields["rule"], seen.fields["recipient"]) == ("consent.missing", "bob@example.org")
    assert "reply" not in seen.fields


# ------------------------------------------------------------ DATA


async def judged(relay: Relay, octets: bytes) -> tuple[Reply, Transaction]:
    relay.subscribe("anne@example.com")
    tx = await relay.opened(recipients=["anne@example.com"])
    return await relay.stages.data(tx, octets), tx


@pytest.mark.parametrize(
    ("octets", "start"),
    [
        (RAW.replace(b"news@acme.test", b"ceo@bank.example"), "550 5.7.1 identity.from: From: bank.example is not"),
        (RAW.replace(b"From:", b"X-From:"), "554 5.6.0 message.malformed: there is no From field"),
        (raw(X_Relay_List="nope"), "550 5.7.1 list.unknown: acme has no list nope"),
        (b"Received: by x.example; x\r\n" * 60 + RAW, "554 5.4.6 message.loop: "),
        (
            RAW.replace(b"\r\n\r\n", b"\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime\r\n\r\n", 1),
            "550 5.7.0 message.opaque: ",
        ),
    ],
)
async def test_a_message_against_a_rule_is_refused_after_the_dot(relay: Relay, octets: bytes, start: str) -> None:
    reply, tx = await judged(relay, octets)

    refused(relay, reply, start, "message.refused")
    row = relay.event("message.refused")
    assert row.ref == tx.ref
    assert row.evidence["recipients"] == ["anne@example.com"]
    assert relay.smarthost.taken == {}


async def test_allowed_mail_that_only_its_reader_can_open_gets_header_fields_alone(relay: Relay) -> None:
    relay.directory.add(replace(ACME, sealed_mail=True))
    kind = b"MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIIB\r\n"

    reply, _ = await judged(relay, RAW.partition(b"\r\n\r\n")[0] + b"\r\n" + kind)

    head, _, body = relay.smarthost.taken["anne@example.com"].partition(b"\r\n\r\n")
    assert reply.code == 250
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head
    assert body == b"MIIB\r\n"


async def test_an_account_without_a_postal_address_is_refused(relay: Relay) -> None:
    relay.directory.add(replace(ACME, footer=replace(ACME.footer, postal_address="")))

    reply, _ = await judged(relay, RAW)

    refused(relay, reply, "550 5.7.0 footer.postal_address: ", "message.refused")


async def test_framing_faults_close_the_session(relay: Relay) -> None:
    tx = await relay.opened()

    reply = await relay.stages.malformed(tx, "a bare LF")

    refused(relay, reply, "550 5.5.2 message.malformed: a bare LF", "message.refused")
    assert reply.close


async def test_a_message_that_grew_too_large_is_refused(relay: Relay) -> None:
    reply = await relay.stages.too_large(await relay.opened())

    refused(relay, reply, "552 5.3.4 message.too_large: ", "message.refused")


async def test_a_smarthosts_no_is_passed_on(relay: Relay) -> None:
    relay.smarthost.answer = Refused("memory", 554, "5.7.9", "we do not like you", Phase.DOT)

    reply, _ = await judged(relay, RAW)

    assert str(reply).startswith("554 5.7.9 smarthost.refused: ")
    row = relay.event("message.refused")
    assert (row.fields["reply"], row.fields["rule"]) == (str(reply), "smarthost.refused")


async def test_an_absent_smarthost_queues_on_submission(relay: Relay) -> None:
    relay.smarthost.answer = Postponed("memory", 0, "4.4.1", "nobody answers", Phase.CONNECT)

    reply, tx = await judged(relay, RAW)

    assert str(reply) == f"250 2.0.0 {tx.ref} queued"
    assert relay.spool.entries[tx.ref].message.raw == RAW
    assert relay.event("message.accepted").fields["reply"] == str(reply)


async def test_an_absent_smarthost_defers_on_bulk(relay: Relay) -> None:
    relay.smarthost.answer = Postponed("memory", 0, "4.4.1", "nobody answers", Phase.CONNECT)
    relay.subscribe("anne@example.com")
    tx = await relay.opened("bulk", recipients=["anne@example.com"])

    reply = await relay.stages.data(tx, RAW)

    assert str(reply).startswith("451 4.4.1 smarthost.unavailable: ")
    assert relay.event("message.deferred").fields["rule"] == "smarthost.unavailable"
    assert relay.spool.entries == {}


# ------------------------------------------------------------ X-Relay-List


async def of_five(relay: Relay, kind: str, permitted: int) -> Transaction:
    """Five recipients on `news`, some of them on `offers` too."""
    people = [f"person{number}@example.com" for number in range(5)]
    for number, one in enumerate(people):
        relay.subscribe(one, NEWS)
        if number < permitted:
            relay.subscribe(one, OFFERS)
    return await relay.opened(kind, recipients=people)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["submission", "bulk"])
async def test_a_named_list_that_permits_everybody_is_the_transactions(relay: Relay, kind: str) -> None:
    tx = await of_five(relay, kind, 5)

    reply = await relay.stages.data(tx, raw(X_Relay_List="offers"))

    assert reply.code == 250
    assert tx.mailing_list == OFFERS
    for copy in relay.smarthost.taken.values():
        assert b"X-Relay-List" not in copy
        assert b"List-Id: <offers.acme." in copy or b"<offers.acme." in copy


@pytest.mark.parametrize("kind", ["submission", "bulk"])
async def test_a_named_list_that_permits_nobody_refuses_by_that_rule(relay: Relay, kind: str) -> None:
    tx = await of_five(relay, kind, 0)

    reply = await relay.stages.data(tx, raw(X_Relay_List="offers"))

    refused(relay, reply, "550 5.7.1 consent.missing: ", "message.refused")
    assert relay.smarthost.taken == {}


async def test_on_submission_a_named_list_that_permits_some_refuses_all(relay: Relay) -> None:
    tx = await of_five(relay, "submission", 3)

    reply = await relay.stages.data(tx, raw(X_Relay_List="offers"))

    refused(relay, reply, "550 5.7.1 consent.list: 2 of 5 ", "message.refused")
    assert relay.smarthost.taken == {}


async def test_on_bulk_a_named_list_that_permits_some_sends_to_these(relay: Relay) -> None:
    tx = await of_five(relay, "bulk", 3)

    reply = await relay.stages.data(tx, raw(X_Relay_List="offers"))

    assert str(reply) == f"250 2.0.0 {tx.ref} accepted for 3 of 5"
    assert sorted(relay.smarthost.taken) == [f"person{number}@example.com" for number in range(3)]
    rows = relay.journal.named("recipient.refused")
    assert [row.fields["recipient"] for row in rows] == ["person3@example.com", "person4@example.com"]
    assert {row.fields["rule"] for row in rows} == {"consent.missing"}
    [dsn] = [entry.message for entry in relay.spool.entries.values() if entry.message.purpose == "dsn"]
    assert relay.spool.copies(dsn.ref)[0].recipient == "bounce@acme.test"
    for number, told in enumerate([False, False, False, True, True]):
        assert (f"Final-Recipient: rfc822; person{number}@example.com".encode() in dsn.raw) is told
    assert dsn.raw.count(b"Status: 5.7.1") == 2


async def test_the_answer_kept_with_the_message_is_the_one_the_client_got(relay: Relay) -> None:
    tx = await of_five(relay, "bulk", 1)

    reply = await relay.stages.data(tx, raw(X_Relay_List="offers"))

    assert str(reply) == f"250 2.0.0 {tx.ref} accepted for 1 of 5"
    assert relay.spool.answers[tx.ref] == str(reply) == relay.event("message.accepted").fields["reply"]


async def test_what_went_and_cannot_be_reported_is_answered_by_nothing(relay: Relay) -> None:
    tx = await of_five(relay, "bulk", 3)
    relay.spool.stop_at = {"answer"}

    reply = await relay.stages.data(tx, raw(X_Relay_List="offers"))

    assert reply.silent
    assert len(relay.smarthost.taken) == 3
    assert not relay.journal.named("recipient.refused")


async def test_whom_a_list_leaves_out_and_whom_the_smarthost_refuses_stand_in_one_report(relay: Relay) -> None:
    tx = await of_five(relay, "bulk", 3)
    relay.smarthost.refused = {"person0@example.com": Refused("memory", 550, "5.1.1", "no such user", Phase.RCPT)}

    await relay.stages.data(tx, raw(X_Relay_List="offers"))

    [dsn] = [entry.message for entry in relay.spool.entries.values() if entry.message.purpose == "dsn"]
    assert dsn.raw.count(b"Final-Recipient:") == 3


async def test_where_the_smarthost_refuses_everybody_the_reply_says_so_and_no_report_follows(relay: Relay) -> None:
    tx = await of_five(relay, "bulk", 3)
    relay.smarthost.answer = Refused("memory", 550, "5.1.1", "no such user", Phase.RCPT)

    reply = await relay.stages.data(tx, raw(X_Relay_List="offers"))

    assert str(reply).startswith("550 5.1.1 smarthost.refused: ")
    assert relay.spool.entries == {}


async def test_a_queued_part_is_called_queued(relay: Relay) -> None:
    relay.smarthost.answer = Postponed("memory", 0, "4.4.1", "nobody answers", Phase.CONNECT)
    tx = await of_five(relay, "bulk", 3)
    tx.session.on_unavailable = "queue"

    reply = await relay.stages.data(tx, raw(X_Relay_List="offers"))

    assert str(reply) == f"250 2.0.0 {tx.ref} queued for 3 of 5"


# ------------------------------------------------------------ our own faults


async def test_a_stopped_store_is_our_fault_at_every_command(relay: Relay) -> None:
    relay.subscribe("anne@example.com")
    tx = await relay.opened(recipients=["anne@example.com"])
    relay.stop_store()

    with pytest.raises(StoreUnavailable):
        await relay.mail()
    with pytest.raises(StoreUnavailable):
        await relay.rcpt(tx, "bob@example.org")
    with pytest.raises(StoreUnavailable):
        await relay.stages.data(tx, raw(X_Relay_List="offers"))
    assert relay.smarthost.taken == {}


async def test_a_stopped_store_at_the_dot_is_451_and_nothing_goes(relay: Relay) -> None:
    relay.subscribe("anne@example.com")
    tx = await relay.opened(recipients=["anne@example.com"])
    relay.stop_store()

    reply = await relay.stages.data(tx, RAW)

    assert str(reply).startswith("451 4.3.0 internal: ")
    assert relay.smarthost.taken == {}
    assert relay.event("message.deferred").fields["rule"] == "internal"


def test_a_fault_of_ours_is_told_without_itself_and_kept_with_its_trace(relay: Relay) -> None:
    error = RuntimeError("canary-secret")

    reply = relay.stages.internal(relay.session(), error)

    assert FORM.fullmatch(str(reply))
    assert str(reply).startswith("451 4.3.0 internal: ")
    assert "canary" not in str(reply)
    row = relay.event("message.deferred")
    assert row.level == "error"
    assert row.fields["reply"] == str(reply)
    assert "canary-secret" in str(row.evidence["trace"])
    assert "canary" not in str(row.fields)


def test_an_ended_session_is_recorded(relay: Relay) -> None:
    relay.stages.session_refused(relay.session(), Reply(421, "4.7.0", "too many errors"))

    assert relay.event("session.refused").fields["reply"] == "421 4.7.0 too many errors"


async def test_new_settings_hold_from_the_next_command_on(relay: Relay, tmp_path: Path) -> None:
    other = Relay(tmp_path, "consent")
    relay.stages.renew(other.settings, other.stages.rules)

    tx = await relay.opened()

    assert (await relay.rcpt(tx, "bob@example.org")).code == 250
