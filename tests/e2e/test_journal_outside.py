"""The journal from outside: lines on stdout, `relay log` and its filters, what writes no line (INTERFACE.md §5)."""

import json
import re
import select
import smtplib
import socket
import subprocess
from datetime import datetime

import pytest
from dialog import REF, accepted, refusal, send
from running import RELAY, message

NEWS = "news@acme.test"
ALWAYS = {"at", "level", "event", "ref", "node"}


@pytest.fixture(scope="module")
def client(shared_relay):
    with shared_relay.login() as session:
        yield session


@pytest.fixture(scope="module")
def said(shared_relay, client):
    """(replies, REF of the message, REF of the refusal) of one transaction on the list offers."""
    people = ["person9@example.test", "person10@example.test", "nobody-asked@example.test"]
    octets = b"X-Relay-Campaign: autumn\r\n" + message()
    replies = send(client, NEWS, people, octets, options=["XLIST=offers"])
    refs = accepted(replies[-1]), refusal(replies[3])["ref"]
    assert shared_relay.events("--ref", refs[0], wanted=3)
    assert shared_relay.events("--ref", refs[1])
    return replies, *refs


def test_every_line_on_stdout_is_one_json_object_with_its_five_members(shared_relay, said):
    lines = shared_relay.journal.read_text().splitlines()

    for text in lines:
        line = json.loads(text)
        assert set(line) >= ALWAYS
        assert line["level"] in ("info", "warning", "error", "fatal")
        assert re.fullmatch(REF, line["ref"])
        assert datetime.fromisoformat(line["at"]).tzinfo is not None
    assert len(lines) > 3


def test_the_reply_in_the_journal_is_what_the_client_was_sent(shared_relay, said):
    replies, ref, refused = said
    (line,) = shared_relay.lines(1, ref=refused)
    (done,) = shared_relay.lines(1, ref=ref, event="message.accepted")

    assert line["reply"] == replies[3]
    assert done["reply"] == replies[-1]
    (row,) = shared_relay.events("--ref", refused)
    assert row == line


def test_a_refusal_s_line_says_who_where_and_why(shared_relay, said):
    (line,) = shared_relay.lines(1, ref=said[2])

    assert {name: line[name] for name in ("event", "account", "list", "listener", "rule", "clause", "recipient")} == {
        "event": "recipient.refused",
        "account": "acme",
        "list": "offers",
        "listener": "submission",
        "rule": "consent.missing",
        "clause": "3.1",
        "recipient": "nobody-asked@example.test",
    }
    assert line["client"] == "127.0.0.1"
    assert line["tls"]
    assert line["reverse_path"] == NEWS
    assert line["why"]


def test_a_copy_s_line_says_where_it_went(shared_relay, said):
    rows = shared_relay.events("--ref", said[1], "--event", "delivery.done", wanted=2)

    assert {row["recipient"] for row in rows} == {"person9@example.test", "person10@example.test"}
    assert {(row["account"], row["list"], row["campaign"]) for row in rows} == {("acme", "offers", "autumn")}
    assert all(row["smarthost"] for row in rows)


@pytest.mark.parametrize(
    ("args", "member", "value"),
    [
        (["--account", "acme"], "account", "acme"),
        (["--rule", "consent.missing"], "rule", "consent.missing"),
        (["--event", "recipient.refused"], "event", "recipient.refused"),
        (["--recipient", "nobody-asked@example.test"], "recipient", "nobody-asked@example.test"),
        (["--rule", "consent", "--account", "acme", "--since", "1h"], "account", "acme"),
    ],
)
def test_log_filters(shared_relay, said, args, member, value):
    rows = shared_relay.events(*args)

    assert said[2] in {row["ref"] for row in rows}
    assert {row[member] for row in rows} == {value}


def test_log_is_newest_last_and_limit_takes_the_newest(shared_relay, said):
    rows = shared_relay.events()
    times = [row["at"] for row in rows]

    assert times == sorted(times)
    assert shared_relay.events("--limit", "2") == rows[-2:]


def test_log_since_leaves_older_rows_out(shared_relay, said):
    assert shared_relay.events("--since", "2h")
    assert shared_relay.events("--since", "2999-01-01T00:00:00Z", seconds=0) == []
    assert shared_relay.command("log", "--since", "yesterday-ish").returncode == 2


def test_log_is_legible_without_json(shared_relay, said):
    text = shared_relay.here("log", "--ref", said[2])

    assert said[0][3] in text
    assert "\x1b" not in text, "no colour where there is no terminal"
    assert len(text.splitlines()) == 1


def test_log_follows(shared_relay, client, said):
    command = [
        *RELAY,
        "--config",
        str(shared_relay.config),
        "log",
        "-f",
        "--json",
        "--recipient",
        "late@example.test",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=shared_relay.environ()) as follower:
        try:
            seen = {}
            for _ in range(20):
                reply = send(client, NEWS, ["late@example.test"])[-1]
                seen[refusal(reply)["ref"]] = reply
                if select.select([follower.stdout], [], [], 1.0)[0]:
                    break
            row = json.loads(follower.stdout.readline())
        finally:
            follower.terminate()

    assert row["reply"] == seen[row["ref"]]


def test_probes_write_no_line(shared_relay, client):
    send(client, NEWS, ["before@example.test"])
    before = len(shared_relay.lines(1, recipient="before@example.test") and shared_relay.lines())
    with smtplib.SMTP("127.0.0.1", shared_relay.bulk, timeout=60) as probe:
        probe.quit()
    with socket.create_connection(("127.0.0.1", shared_relay.submission), timeout=60) as probe:
        assert probe.recv(100).startswith(b"220 ")
        probe.sendall(b"QUIT\r\n")
        assert probe.recv(100).startswith(b"221 ")
    for path in ("/healthz", "/readyz"):
        assert shared_relay.http(path)[0] == 200

    send(client, NEWS, ["after@example.test"])

    shared_relay.lines(1, recipient="after@example.test")
    assert [line.get("recipient") for line in shared_relay.lines()[before:]] == ["after@example.test"]


def test_an_opt_out_and_a_change_of_standing_are_rows(shared_relay):
    shared_relay.here("account", "warn", "beta", "--reason", "a complaint")
    try:
        rows = shared_relay.events("--event", "standing.changed", "--account", "beta", "--since", "10m")
    finally:
        shared_relay.here("account", "reinstate", "beta", "--reason", "looked into")

    assert rows
    assert shared_relay.json("account", "show", "beta")["standing"] == "active"


def test_a_wrong_password_is_a_line_without_the_password(shared_relay):
    with pytest.raises(smtplib.SMTPAuthenticationError):
        shared_relay.login(password="not-this-secret")

    (line, *_) = reversed(shared_relay.lines(1, event="auth.failed", login="acme/mail"))
    assert line["reply"] == "535 5.7.8 wrong login or password"
    assert "not-this-secret" not in shared_relay.journal.read_text()
