"""`relay check`: the verdict a message would get, without sending or recording anything (INTERFACE.md §1)."""

import contextlib
import io
import json
import os
import pty
import subprocess

import pytest
from running import RELAY, message

from relay.cli.main import main

ANNE, BUDI, STRANGER = "anne@example.test", "budi@example.test", "stranger@example.test"
SEALED = (
    b"From: Acme <news@acme.test>\nSubject: encrypted\nMIME-Version: 1.0\n"
    b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n"
    b"Content-Transfer-Encoding: base64\n\nAAAA\n"
)


@pytest.fixture
def check(shared_relay, tmp_path):
    def run(octets, *to, code=0, args=()):
        file = tmp_path / "message.eml"
        file.write_bytes(octets)
        named = [word for address in to for word in ("--to", address)]
        out = shared_relay.here("check", str(file), "--account", "acme", *named, *args, "--json", code=code)
        return json.loads(out)

    return run


def test_an_accepted_message_exits_0_and_tells_what_would_be_changed(check):
    report = check(message().replace(b"\r\n", b"\n"), ANNE)

    assert list(report) == ["verdict", "rule", "why", "recipients", "findings", "changes"]
    assert (report["verdict"], report["rule"], report["why"]) == ("accepted", None, None)
    assert report["recipients"] == [{"address": ANNE, "verdict": "accepted", "rule": None, "why": None}]
    assert {"part": "1", "what": "footer injected: link, address"} in report["changes"]


def test_a_rejected_message_exits_1_and_names_its_rule(check):
    report = check(SEALED, ANNE, code=1)

    assert (report["verdict"], report["rule"]) == ("rejected", "message.opaque")
    assert report["why"]
    assert report["changes"] == []


def test_each_recipient_has_a_verdict_and_a_reason(check):
    report = check(message(), ANNE, STRANGER)

    assert report["verdict"] == "accepted"
    assert [(one["address"], one["verdict"], one["rule"]) for one in report["recipients"]] == [
        (ANNE, "accepted", None),
        (STRANGER, "rejected", "consent.missing"),
    ]
    assert report["recipients"][1]["why"]


def test_where_nobody_may_be_mailed_the_message_is_rejected(check):
    report = check(message(), STRANGER, code=1)

    assert (report["verdict"], report["rule"]) == ("rejected", "consent.missing")


def test_findings_name_part_line_and_excerpt(check):
    report = check(message(text="Hello.\n\nUnsubscribe: https://acme.test/unsubscribe\n"), ANNE)

    found = [one for one in report["findings"] if one["rule"] == "unsubscribe.link"]
    assert [set(one) for one in found] == [{"rule", "part", "line", "excerpt"}]
    assert (found[0]["part"], found[0]["line"]) == ("1", 3)
    assert "https://acme.test/unsubscribe" in found[0]["excerpt"]


def test_the_copies_that_would_leave_are_written_where_asked(check, tmp_path):
    check(message(), ANNE, BUDI, STRANGER, args=("--out", str(tmp_path / "copies")))

    copies = {path.name: path.read_bytes() for path in (tmp_path / "copies").iterdir()}
    assert set(copies) == {f"{ANNE}.eml", f"{BUDI}.eml"}
    for octets in copies.values():
        assert b"\r\nList-Unsubscribe: <http" in octets
        assert b"DKIM-Signature: " in octets


def test_a_list_named_is_the_one_that_is_asked(check):
    report = check(message(), ANNE, code=1, args=("--list", "offers"))

    assert report["recipients"][0]["rule"] == "consent.missing"


def test_checking_sends_and_records_nothing(check, shared_relay):
    def all_there_is():
        store = shared_relay.folder / "var" / "relay.db"
        tables = shared_relay.json("account", "list"), shared_relay.json("suppress", "list", "acme")
        arrived = sum(1 for _ in (shared_relay.outbox / "new").glob("*"))
        return shared_relay.events(seconds=0), arrived, tables, store.exists()

    before = all_there_is()
    check(message(), ANNE, "someone@acme.test")
    check(message(), STRANGER, code=1)

    assert all_there_is() == before


def test_unknown_accounts_lists_and_files_are_told_apart(shared_relay, tmp_path):
    file = tmp_path / "message.eml"
    file.write_bytes(message())

    def check(*args, code):
        shared_relay.here("check", *args, "--to", ANNE, code=code)

    check(str(file), "--account", "nobody", code=1)
    check(str(file), "--account", "acme", "--list", "nothing", code=1)
    check(str(tmp_path / "missing.eml"), "--account", "acme", code=2)


HIDDEN = (
    b"From: Acme <news@acme.test>\nSubject: hidden\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
    b'<p>Hello.</p>\n<p style="display:none"><a href="https://acme.test/u">Unsubscribe</a></p>\n'
    b'<p><a href="https://acme.test/u">Unsubscribe</a></p>\n<p>And now the pears, which are ripe.</p>\n'
)


def test_links_that_do_not_count_are_named_with_their_line_and_the_reason(check):
    found = [one for one in check(HIDDEN, ANNE)["findings"] if "does not count" in one["excerpt"]]

    assert [(one["part"], one["line"]) for one in found] == [("1", 2), ("1", 3)]
    assert "display:none" in found[0]["excerpt"]
    assert "content stands below it: And now the pears" in found[1]["excerpt"]


def test_people_see_verdicts_rules_findings_changes_and_the_lines_that_differ(shared_relay, tmp_path):
    file = tmp_path / "message.eml"
    file.write_bytes(HIDDEN)

    done = shared_relay.command("check", str(file), "--account", "acme", "--to", ANNE, "--to", STRANGER)

    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    for line in (
        "accepted",
        f"  accepted  {ANNE}",
        "  part 1: footer injected: link, address",
        '- <p><a href="https://acme.test/u">Unsubscribe</a></p>',
        '  <p style="display:none"><a href="https://acme.test/u">Unsubscribe</a></p>',
        "--- header",
    ):
        assert line in done.stdout.splitlines()
    assert f"  rejected  {STRANGER}  consent.missing: " in done.stdout


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_it_wants_none(shared_relay, tmp_path, environ, coloured):
    file = tmp_path / "message.eml"
    file.write_bytes(HIDDEN)
    ours, theirs = pty.openpty()
    args = ["--config", str(shared_relay.config), "check", str(file), "--account", "acme", "--to", ANNE]
    environ = {**shared_relay.environ(), "TERM": "xterm-256color", **environ}
    with subprocess.Popen([*RELAY, *args], stdout=theirs, env=environ) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read_terminal(ours), b"")).decode()
    os.close(ours)

    assert process.returncode == 0
    assert ("\x1b[32m" in shown) is coloured
    assert ("\x1b" in shown) is coloured
    assert "footer injected" in shown


def read_terminal(end):
    try:
        return os.read(end, 65536)
    except OSError:  # Linux: the other end was closed
        return b""


def test_wrong_input_is_one_clear_line_and_its_exit_code(shared_relay, tmp_path):
    good, empty = tmp_path / "good.eml", tmp_path / "empty.eml"
    good.write_bytes(message())
    empty.write_bytes(b"\n")
    wrong = [
        ([str(tmp_path / "none.eml"), "--to", ANNE], 2, "No such file or directory"),
        ([str(tmp_path), "--to", ANNE], 2, "Is a directory"),
        ([str(empty), "--to", ANNE], 2, "is empty"),
        ([str(good), "--to", "no address"], 2, "--to no address: "),
        ([str(good), "--to", " , "], 2, "names no recipient"),
        ([str(good), "--to", ANNE, "--out", str(good)], 2, "--out "),
        ([str(good), "--to", ANNE, "--list", "nothing"], 1, "acme has no list nothing"),
    ]
    for args, code, said in wrong:
        with contextlib.redirect_stderr(io.StringIO()) as err:
            done = main(["--config", str(shared_relay.config), "check", *args, "--account", "acme"])
        assert (done, err.getvalue().count("\n")) == (code, 1), err.getvalue()
        assert said in err.getvalue()


def test_rules_that_accept_are_shown_on_request(shared_relay, tmp_path):
    file = tmp_path / "message.eml"
    file.write_bytes(message())

    out = shared_relay.here("check", str(file), "--account", "acme", "--to", ANNE, "--rules", "--no-diff")

    for rule in (
        "consent.missing",
        "consent.withdrawn",
        "unsubscribe.link",
        "footer.postal_address",
        "identity.from",
    ):
        assert rule in out
    assert "beside the message" not in out
