"""`relay check`: the verdict a message would get, without sending or recording anything (INTERFACE.md §1)."""

import json

import pytest
from running import message

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
