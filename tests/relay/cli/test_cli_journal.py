"""`relay log`, `explain` and `ready`: what happened, why, and whether mail is taken now."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from relay.adapters.store.engine import open_store
from relay.adapters.store.history import record_event
from relay.identifiers import new_ref
from relay.ports import Event

REPLY = (
    "550 5.7.1 consent.missing: bob@example.test has not given acme permission [{ref}] http://127.0.0.1/r/{ref}.MAC"
)
COMMAND = Path(sys.executable).with_name("relay")


@pytest.fixture
def journal(home):
    """Writes one refusal of a recipient; gives its REF."""

    def write(recipient="bob@example.test", rule="consent.missing", clause="3.1", age=timedelta()) -> str:
        ref, at = new_ref(), datetime.now(UTC) - age
        fields = {
            "recipient": recipient,
            "rule": rule,
            "clause": clause,
            "reply": REPLY.format(ref=ref),
            "why": "on none of its lists",
        }
        evidence = {"transaction": "T", "facts": {"contact_id": 0, "subscriptions": []}}
        event = Event("recipient.refused", ref, at, "warning", 0, "acme", fields, evidence)

        async def keep() -> None:
            engine = open_store(f"sqlite:///{home / 'var' / 'relay.db'}")
            async with engine.begin() as connection:
                await record_event(connection, event)
            await engine.close()

        asyncio.run(keep())
        return ref

    return write


# ---------------------------------------------------------------- log


def test_the_log_prints_newest_last(relay, journal):
    old, new = journal(age=timedelta(hours=1)), journal()

    lines = relay("log").out.splitlines()

    assert [line.split()[-1] for line in lines] == [old, new]


def test_the_log_prints_a_json_object_a_line(relay, journal):
    ref = journal()

    (line,) = [json.loads(line) for line in relay("log", "--json").out.splitlines()]

    assert (line["ref"], line["event"], line["rule"]) == (ref, "recipient.refused", "consent.missing")
    assert {"at", "level", "event", "ref", "node"} <= set(line)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--recipient", "bob@example.test"), 1),
        (("--recipient", "<Bob@Example.test>"), 1),
        (("--recipient", "other@example.test"), 0),
        (("--rule", "consent.missing"), 1),
        (("--rule", "consent"), 1),
        (("--rule", "standing"), 0),
        (("--event", "recipient.refused"), 1),
        (("--event", "complaint"), 0),
        (("--since", "10m"), 1),
        (("--since", "2099-01-01"), 0),
        (("--account", "nobody"), 0),
        (("--limit", "1"), 1),
    ],
)
def test_the_log_is_narrowed(relay, journal, words, found):
    journal()

    assert len(relay("log", *words).out.splitlines()) == found


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--limit", "0"), ("--account", "N")])
def test_the_log_refuses_wrong_words(relay, words):
    assert relay("log", *words).code == 2


def test_the_log_is_followed_until_it_is_interrupted(home, journal):
    first = journal()
    process = subprocess.Popen([COMMAND, "log", "-f", "--json"], cwd=home, stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["ref"] == first
        second = journal()
        assert json.loads(process.stdout.readline())["ref"] == second
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        process.stdout.close()


# ---------------------------------------------------------------- explain


@pytest.mark.parametrize("form", ["{ref}", "{ref}.MAC", "[{ref}]", "http://127.0.0.1/r/{ref}.x", REPLY, "{lower}"])
def test_a_refusal_is_explained_by_whatever_holds_its_ref(relay, journal, form):
    ref = journal()

    explained = relay("explain", form.format(ref=ref, lower=ref.lower()), "--json").json

    assert explained["ref"] == ref
    assert (explained["rule"], explained["clause"]) == ("consent.missing", "3.1")
    assert explained["reply"] == REPLY.format(ref=ref)
    for member in ("title", "why", "asks", "what_to_do"):
        assert explained[member]
    assert explained["evidence"][0]["facts"]["contact_id"] == 0


def test_an_explanation_is_fit_for_a_person(relay, journal):
    said = relay("explain", journal()).out

    for words in ("consent.missing", "3.1: ", "what to do", "reply as sent", "on none of its lists"):
        assert words in said


def test_an_unknown_ref_exits_1_and_what_is_none_exits_2(relay):
    ref = new_ref()
    unknown = relay("explain", ref)

    assert (unknown.code, unknown.err) == (1, f"nothing is known of {ref}\n")
    assert relay("explain", "nonsense").code == 2


# ---------------------------------------------------------------- ready


class Readyz(BaseHTTPRequestHandler):
    """/readyz of a relay whose state the server holds: not ready for the first so many questions."""

    def do_GET(self):
        self.server.unready -= 1
        ready = self.server.unready < 0 and self.path == "/readyz"
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(b"ready\n" if ready else b"no smarthost is reachable\n")

    def log_message(self, *args):
        """Tests are quiet."""


@pytest.fixture
def web(home):
    server = HTTPServer(("127.0.0.1", 0), Readyz)
    server.unready = 0
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    (home / "relay.toml").write_text(f'[web]\nbind = "127.0.0.1:{server.server_port}"\n')
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_ready_relay_exits_0(relay, web):
    assert relay("ready").code == 0


def test_a_relay_that_is_not_ready_exits_69_and_says_why(relay, web):
    web.unready = 99

    refused = relay("ready")

    assert (refused.code, refused.err) == (69, "no smarthost is reachable\n")


def test_waiting_asks_again(relay, web):
    web.unready = 2

    assert relay("ready", "--wait", "10").code == 0


def test_a_relay_that_does_not_run_exits_69(relay, home):
    (home / "relay.toml").write_text('[web]\nbind = "127.0.0.1:1"\n')

    refused = relay("ready")

    assert refused.code == 69
    assert "nothing answers at 127.0.0.1:1" in refused.err


# ---------------------------------------------------------------- the real command


def run(home, *args, **environ):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RELAY")}
    return subprocess.run([COMMAND, *args], cwd=home, env=clean | environ, capture_output=True, text=True, timeout=60)


def test_the_installed_command_speaks_with_exit_codes(home):
    words = ("--organisation", "Acme", "--email", "o@acme.test", "--country", "ID", "--industry", "retail")

    assert run(home, "account", "add", "acme", *words).returncode == 0
    assert json.loads(run(home, "account", "show", "acme", "--json").stdout)["name"] == "acme"
    assert run(home, "account", "show", "nobody").returncode == 1
    assert run(home, "account", "add", "A", *words).returncode == 2


def test_the_acting_person_is_the_os_user_unless_named(home):
    words = ("--organisation", "Acme", "--email", "o@acme.test", "--country", "ID", "--industry", "retail")
    run(home, "account", "add", "acme", *words)
    run(home, "account", "suspend", "acme", "--reason", "x", "--by", "sari")

    (change,) = json.loads(run(home, "account", "history", "acme", "--json").stdout)

    assert change["actor"] == "sari"
