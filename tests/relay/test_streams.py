"""Logins that staff gave another stream: what they may send, to whom, and what their mail bears."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from relaying import ACME, RAW, Relay, raw

from config.schema import Streams
from policies.facts import Standing, Stream, SuppressionReason
from policies.verdict import Reply
from relay.ports import Phase, Postponed

OTHERS = [Stream.SERVICE, Stream.PERSONAL]
ANSWER = raw(Auto_Submitted="auto-replied")


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    return Relay(tmp_path)


def copy(relay: Relay, recipient: str) -> str:
    return relay.smarthost.taken[recipient].decode().replace("\r\n", "\n")


@pytest.mark.parametrize("stream", OTHERS)
async def test_they_write_to_strangers_and_role_addresses(relay: Relay, stream: Stream) -> None:
    tx = await relay.by(stream, ["info@example.org"])

    assert (await relay.stages.data(tx, RAW)).code == 250
    assert relay.permissions.people[7, "info@example.org"].contact_id
    assert relay.event("message.accepted").fields["stream"] == stream.value


@pytest.mark.parametrize("stream", OTHERS)
async def test_an_opt_out_does_not_stop_them_a_complaint_and_a_dead_mailbox_do(relay: Relay, stream: Stream) -> None:
    relay.suppress("out@example.org")
    relay.suppress("no@example.org", SuppressionReason.COMPLAINT)
    relay.suppress("dead@example.org", SuppressionReason.UNREACHABLE)
    tx = await relay.by(stream)

    assert "consent.complained" in str(await relay.rcpt(tx, "no@example.org"))
    assert "consent.unreachable" in str(await relay.rcpt(tx, "dead@example.org"))
    assert (await relay.rcpt(tx, "out@example.org")).code == 250
    assert (await relay.stages.data(tx, RAW)).code == 250


@pytest.mark.parametrize("stream", OTHERS)
async def test_their_mail_bears_a_footer_in_words_of_its_own_and_no_list_headers(
    relay: Relay, stream: Stream
) -> None:
    tx = await relay.by(stream, ["bob@example.org"])
    await relay.stages.data(tx, RAW)

    sent = copy(relay, "bob@example.org")
    assert "1 High Street" in sent
    assert "http://127.0.0.1:8580/u/" in sent
    assert "mailing list" not in sent
    assert "List-" not in sent


async def test_a_service_login_writes_to_one_person_a_message(relay: Relay) -> None:
    tx = await relay.by(Stream.SERVICE, ["bob@example.org"])

    reply = await relay.rcpt(tx, "chen@example.org")

    assert str(reply).startswith("550 5.7.1 stream.mismatch: a login for service mail sends 1 to a message")
    assert relay.event("recipient.refused").fields["rule"] == "stream.mismatch"


@pytest.mark.parametrize("refuse", ["at-once", "report"])
async def test_a_personal_login_writes_to_25_people_a_message_and_hears_of_the_26th_at_once(
    relay: Relay, refuse: str
) -> None:
    people = [f"person{number}@example.org" for number in range(25)]
    tx = await relay.by(Stream.PERSONAL, people, refuse=refuse)  # type: ignore[arg-type]

    assert "550 5.7.1 stream.mismatch" in str(await relay.rcpt(tx, "onemore@example.org"))
    assert str(await relay.stages.data(tx, RAW)) == f"250 2.0.0 {tx.ref} accepted for 25 recipients"


async def letter(
    relay: Relay, stream: Stream, to: str, octets: bytes = RAW, path: str | None = "a@acme.test"
) -> Reply:
    return await relay.stages.data(await relay.by(stream, [to], path=path), octets)


async def test_a_personal_login_sends_so_many_copies_a_day(tmp_path: Path) -> None:
    relay = Relay(tmp_path, streams=Streams(personal_per_day=2))
    for number in range(2):
        assert (await letter(relay, Stream.PERSONAL, f"p{number}@example.org", raw(X=str(number)))).code == 250

    tx = await relay.by(Stream.PERSONAL)
    assert "stream.mismatch: a login for personal mail sends 2 copies a day" in str(
        await relay.rcpt(tx, "c@example.org")
    )
    relay.clock.advance(timedelta(days=1))
    assert (await relay.rcpt(tx, "c@example.org")).code == 250


async def test_two_sessions_do_not_share_the_last_place_of_the_day(tmp_path: Path) -> None:
    relay = Relay(tmp_path, streams=Streams(personal_per_day=1))
    first, second = [await relay.by(Stream.PERSONAL, ["a@example.org"]) for _ in range(2)]

    assert (await relay.stages.data(first, RAW)).code == 250
    assert "550 5.7.1 stream.mismatch" in str(await relay.stages.data(second, RAW))


async def test_one_content_is_sent_so_often_and_names_and_numbers_do_not_make_it_another(tmp_path: Path) -> None:
    relay = Relay(tmp_path, streams=Streams(personal_same_content=2))
    offers = [RAW + f"Offer {n} for p{n}@example.org: https://x.test/{n}\r\n".encode() for n in range(3)]
    for number, octets in enumerate(offers[:2]):
        assert (await letter(relay, Stream.PERSONAL, f"p{number}@example.org", octets)).code == 250

    reply = await letter(relay, Stream.PERSONAL, "p2@example.org", offers[2])

    assert "stream.mismatch: a login for personal mail sends 2 messages of one content a day" in str(reply)
    assert relay.event("message.refused").fields["rule"] == "stream.mismatch"
    other = RAW + b"Something else altogether\r\n"
    assert (await letter(relay, Stream.PERSONAL, "p2@example.org", other)).code == 250


async def test_what_was_not_sent_does_not_count(tmp_path: Path) -> None:
    relay = Relay(tmp_path, streams=Streams(personal_per_day=1))
    foreign = RAW.replace(b"news@acme.test", b"x@bank.example")
    assert "identity.from" in str(await letter(relay, Stream.PERSONAL, "a@example.org", foreign))

    assert (await letter(relay, Stream.PERSONAL, "a@example.org")).code == 250


async def test_what_waits_in_the_queue_counts(tmp_path: Path) -> None:
    relay = Relay(tmp_path, streams=Streams(personal_per_day=1))
    relay.smarthost.answer = Postponed("memory", 0, "4.4.1", "nobody answers", Phase.CONNECT)
    assert "queued" in str(await letter(relay, Stream.PERSONAL, "a@example.org"))

    tx = await relay.by(Stream.PERSONAL)
    assert "stream.mismatch" in str(await relay.rcpt(tx, "b@example.org"))


@pytest.mark.parametrize("stream", [Stream.MARKETING, Stream.SERVICE])
async def test_other_streams_are_not_counted(relay: Relay, stream: Stream) -> None:
    relay.subscribe("anne@example.com")
    assert (await letter(relay, stream, "anne@example.com")).code == 250

    assert relay.tallies.counts == {}


# ------------------------------------------------------------ footer by setting


async def test_a_personal_footer_may_be_a_line(tmp_path: Path) -> None:
    relay = Relay(tmp_path, streams=Streams(personal_footer="line"))
    await letter(relay, Stream.PERSONAL, "bob@example.org")

    sent = copy(relay, "bob@example.org")
    assert "-- \nAcme Ltd, 1 High Street, Leeds LS1 1AA\nUnsubscribe:\nhttp" in sent
    assert "written to you" not in sent


async def test_personal_mail_may_go_without_a_footer_service_mail_may_not(tmp_path: Path) -> None:
    relay = Relay(tmp_path, streams=Streams(personal_footer="off"))
    own_link = RAW + b"\r\nUnsubscribe: https://elsewhere.example/out\r\n"
    await letter(relay, Stream.PERSONAL, "bob@example.org", own_link)
    await letter(relay, Stream.SERVICE, "chen@example.org")

    body = copy(relay, "bob@example.org").partition("\n\n")[2]
    assert body == own_link.decode().replace("\r\n", "\n").partition("\n\n")[2]
    assert "1 High Street" in copy(relay, "chen@example.org")


# ------------------------------------------------------------ the null reverse-path


@pytest.mark.parametrize("stream", OTHERS)
async def test_an_automatic_answer_goes_out_with_the_null_reverse_path(relay: Relay, stream: Stream) -> None:
    reply = await letter(relay, stream, "bob@example.org", ANSWER, path=None)

    assert reply.code == 250
    assert relay.smarthost.envelopes == [("", "bob@example.org")]


async def test_a_report_goes_out_with_the_null_reverse_path(relay: Relay) -> None:
    report = (
        RAW.partition(b"\r\n\r\n")[0]
        + b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="x"\r\n'
        b"\r\n--x\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n--x\r\n"
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; acme.test\r\n\r\n--x--\r\n"
    )

    assert (await letter(relay, Stream.SERVICE, "bob@example.org", report, path=None)).code == 250


@pytest.mark.parametrize("octets", [RAW, raw(Auto_Submitted="no")])
async def test_nothing_else_does(relay: Relay, octets: bytes) -> None:
    reply = await letter(relay, Stream.SERVICE, "bob@example.org", octets, path=None)

    assert str(reply).startswith("550 5.7.1 identity.reverse_path: the null reverse-path is for reports")
    assert relay.smarthost.taken == {}


async def test_it_goes_to_one_recipient(relay: Relay) -> None:
    tx = await relay.by(Stream.PERSONAL, ["bob@example.org"], path=None, refuse="report")

    assert "550 5.7.1 identity.reverse_path" in str(await relay.rcpt(tx, "chen@example.org"))


async def test_answers_beyond_the_hour_wait(tmp_path: Path) -> None:
    relay = Relay(tmp_path, streams=Streams(reports_per_hour=1))
    assert (await letter(relay, Stream.SERVICE, "bob@example.org", ANSWER, path=None)).code == 250

    reply = await letter(relay, Stream.SERVICE, "bob@example.org", ANSWER, path=None)

    assert str(reply).startswith("450 4.7.1 volume.reports: ")
    relay.clock.advance(timedelta(hours=1))
    assert (await letter(relay, Stream.SERVICE, "bob@example.org", ANSWER, path=None)).code == 250


async def test_a_report_that_fails_is_reported_to_nobody(relay: Relay) -> None:
    relay.smarthost.answer = Postponed("memory", 0, "4.4.1", "nobody answers", Phase.CONNECT)
    await letter(relay, Stream.SERVICE, "bob@example.org", ANSWER, path=None)

    [queued] = relay.mails("relay")
    assert queued.reverse_path == ""


# ------------------------------------------------------------ copies a day of an account


@pytest.mark.parametrize("stream", Stream)
async def test_an_account_over_its_copies_a_day_waits_whatever_the_stream(tmp_path: Path, stream: Stream) -> None:
    relay = Relay(tmp_path, account=replace(ACME, per_day=3))
    relay.permissions.sent = [(7, relay.clock.now())] * 2
    relay.subscribe("anne@example.com")
    relay.subscribe("bob@example.org")
    tx = await relay.by(stream, ["anne@example.com"])

    reply = await relay.rcpt(tx, "bob@example.org")

    if stream is Stream.SERVICE:
        assert str(reply).startswith("550 5.7.1 stream.mismatch"), "a refusal outweighs a wait"
    else:
        assert str(reply).startswith("450 4.7.1 volume.per_day: acme may send 3 copies a day and has sent them")
        assert relay.event("recipient.deferred").fields["rule"] == "volume.per_day"


async def test_a_sandboxed_account_is_refused_not_put_off(tmp_path: Path) -> None:
    relay = Relay(tmp_path, account=replace(ACME, per_day=1, standing=Standing.PENDING, pending_because="new"))
    relay.permissions.sent = [(7, relay.clock.now())]
    tx = await relay.by(Stream.MARKETING)

    assert "450 4.7.1 volume.per_day" in str(await relay.rcpt(tx, "me@acme.test"))
    assert "550 5.7.1 standing.pending" in str(await relay.rcpt(tx, "bob@example.org"))


async def test_what_was_sent_yesterday_does_not_count_today(tmp_path: Path) -> None:
    relay = Relay(tmp_path, account=replace(ACME, per_day=1))
    relay.permissions.sent = [(7, relay.clock.now() - timedelta(days=1))]
    relay.subscribe("anne@example.com")

    assert (await relay.rcpt(await relay.opened(), "anne@example.com")).code == 250


# ------------------------------------------------------------ what only observes


async def test_a_from_domain_without_a_key_is_recorded_and_the_mail_goes(relay: Relay) -> None:
    relay.keyed.clear()
    relay.subscribe("anne@example.com")

    assert (await letter(relay, Stream.MARKETING, "anne@example.com")).code == 250
    assert relay.event("service.observed").fields["rule"] == "identity.unaligned"


async def test_another_senders_address_in_the_footer_is_recorded_and_the_mail_goes(relay: Relay) -> None:
    relay.books.addresses = [(7, "1 High Street, Leeds LS1 1AA"), (8, "9 Harbour Road, Hull 12345")]
    relay.subscribe("anne@example.com")

    borrowed = RAW + b"\r\nOther Ltd, 9 Harbour Rd, Hull 12345\r\n"
    assert (await letter(relay, Stream.MARKETING, "anne@example.com", borrowed)).code == 250
    assert relay.event("service.observed").fields["rule"] == "footer.foreign_address"
