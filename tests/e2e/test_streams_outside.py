"""Streams, footer identities, copies a day and refusals by report, as clients and recipients see them."""

import email
import email.policy
import smtplib
import time

import pytest
from dialog import accepted, line, rule, send
from running import PASSWORD, Running, message

NEWS = "news@acme.test"
MORE = """
[streams]
personal_per_day = 6
personal_same_content = 2
reports_per_hour = 1
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def relay(request, tmp_path_factory):
    relay = Running(tmp_path_factory.mktemp("streams"), settings=MORE, workers=2)
    if request.param == "postgresql":
        relay.store_url = request.getfixturevalue("postgres").fresh()
        relay.configure()
    relay.here("db", "init")
    relay.account()
    relay.subscribe("anne@example.test", "budi@example.test", "chen@example.test")
    for name, stream in (("orders", "service"), ("desk", "personal"), ("other", "personal"), ("auto", "service")):
        words = ("--stream", stream, "--reason", "test", "--stdin")
        relay.here("credential", "add", "acme", name, *words, stdin=PASSWORD)
    relay.here("credential", "add", "acme", "patient", "--refuse", "report", "--stdin", stdin=PASSWORD)
    brand = ("--organisation", "Brand", "--postal-address", "2 Low Road, York 54321")
    relay.here("identity", "add", "acme", "brand", *brand, "--domain", "brand.acme.test")
    relay.account("tiny", "tiny.test")
    relay.here("account", "set", "tiny", "--per-day", "2")
    relay.subscribe("anne@example.test", "budi@example.test", "chen@example.test", account="tiny")
    relay.start()
    yield relay
    relay.stop()


def the_report(relay, wanted):
    """DSNs in the outbox once there are so many, newest last."""
    mails = [email.message_from_bytes(one, policy=email.policy.default) for one in relay.outgoing().get("", [])]
    return [one for one in mails if one.get_content_type() == "multipart/report"][-wanted:]


def test_a_service_login_writes_to_one_stranger_with_a_full_footer_and_no_list_headers(relay):
    with relay.login("acme/orders") as client:
        replies = send(client, NEWS, ["stranger@example.test", "second@example.test"], message("Your order"))

    assert rule(replies[2]) == "550 5.7.1 stream.mismatch"
    (copy,) = relay.copies(accepted(replies[-1]), 1)
    assert not [name for name in copy if name.startswith("List-")]
    assert "/u/" in copy.get_content()
    assert "1 Example Street" in copy.get_content()


def test_a_personal_login_hears_of_too_many_messages_of_one_content_after_the_dot(relay):
    with relay.login("acme/desk") as client:
        replies = [
            send(client, NEWS, [f"friend{number}@example.test"], message(text=f"Dear number {number}, buy!\n"))[-1]
            for number in range(3)
        ]

    assert [reply[:3] for reply in replies] == ["250", "250", "550"]
    assert rule(replies[-1]) == "550 5.7.1 stream.mismatch"


def test_a_personal_login_hears_of_its_copies_a_day_at_rcpt(relay):
    people = [f"guest{number}@example.test" for number in range(6)]
    with relay.login("acme/other") as client:
        first = send(client, NEWS, people, message(text="An invitation.\n"))
        second = send(client, NEWS, ["guest7@example.test"])

    assert " accepted for 6 recipients" in first[-1]
    assert rule(second[-1]) == "550 5.7.1 stream.mismatch"


def test_the_null_reverse_path_is_for_automatic_answers_and_goes_on_as_it_came(relay):
    answer = b"Auto-Submitted: auto-replied\r\n" + message("Away", "I am away.\n")
    with relay.login("acme/auto") as client:
        other = send(client, "", ["stranger@example.test"], message())
        first = send(client, "", ["stranger@example.test", "second@example.test"], answer)
        second = send(client, "", ["stranger@example.test"], answer)

    assert rule(other[-1]) == "550 5.7.1 identity.reverse_path"
    assert rule(first[2]) == "550 5.7.1 identity.reverse_path"
    (copy,) = relay.copies(accepted(first[-1]), 1)
    assert copy["Return-Path"] == "<>"
    assert rule(second[-1]) == "450 4.7.1 volume.reports"


def test_a_marketing_login_does_not_send_reports(relay):
    with relay.login() as client:
        assert rule(send(client, "", [])[0]) == "550 5.7.1 identity.reverse_path"


def test_the_identity_of_the_from_domain_signs(relay):
    with relay.login() as client:
        octets = message(author="Brand <news@brand.acme.test>")
        reply = send(client, NEWS, ["anne@example.test"], octets)[-1]

    (copy,) = relay.copies(accepted(reply), 1)
    assert "2 Low Road" in copy.get_content()
    assert "1 Example Street" not in copy.get_content()
    assert copy["List-Id"].startswith("Brand <")


def test_refused_recipients_are_told_of_in_one_report(relay):
    with relay.login("acme/patient") as client:
        replies = send(client, NEWS, ["anne@example.test", "stranger@example.test", "nobody@example.test"], message())
    ref = accepted(replies[-1])

    assert replies[1:4] == ["250 2.1.5 recipient ok"] * 3
    assert replies[-1] == f"250 2.0.0 {ref} accepted for 1 of 3"
    rows = relay.events("--ref", ref, "--event", "recipient.refused", wanted=2)
    assert {row["recipient"] for row in rows} == {"stranger@example.test", "nobody@example.test"}
    assert len(relay.copies(ref, 1)) == 1
    report = wait_for_report(relay, ref)
    assert report["To"] == NEWS
    assert report.as_string().count("Final-Recipient:") == 2


def wait_for_report(relay, ref):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for one in the_report(relay, 50):
            if ref in one.as_string():
                return one
        time.sleep(0.1)
    raise AssertionError("no report came")


def test_where_nobody_is_permitted_the_dot_is_refused(relay):
    with relay.login("acme/patient") as client:
        replies = send(client, NEWS, ["stranger@example.test"], message())

    assert replies[1] == "250 2.1.5 recipient ok"
    assert rule(replies[-1]) == "550 5.7.1 consent.missing"


def test_a_client_that_stops_at_the_first_refused_recipient_gets_its_mail_through(relay):
    with relay.login("acme/patient") as client:
        refused = client.sendmail(NEWS, ["stranger@example.test", "budi@example.test"], message("Through"))

    assert refused == {}


def test_an_account_over_its_copies_a_day_waits(relay):
    with relay.login("tiny/mail") as client:
        first = send(client, "a@tiny.test", ["anne@example.test", "budi@example.test", "chen@example.test"])
        replies = send(
            client, "a@tiny.test", ["anne@example.test", "budi@example.test"], message(author="a@tiny.test")
        )
        relay.copies(accepted(replies[-1]), 2)
        after = put_off(client)

    assert rule(first[3]) == "450 4.7.1 volume.per_day"
    assert rule(after) == "450 4.7.1 volume.per_day"


def put_off(client: smtplib.SMTP) -> str:
    """The reply to RCPT once the copies sent are counted: a batch later at most."""
    for _ in range(50):
        client.mail("a@tiny.test")
        reply = line(*client.rcpt("chen@example.test"))
        client.rset()
        if not reply.startswith("250"):
            return reply
        time.sleep(0.1)
    return reply
