"""`relay queue` and `relay verify` on a relay whose smarthost is away, then back."""

import re
import sqlite3

import pytest
from dialog import rule, send
from running import Running, message

NEWS = "news@acme.test"
ANNE, BUDI, CHEN = (f"{name}@example.test" for name in ("anne", "budi", "chen"))
AWAY = """[delivery]
inline_deadline = 1
connect_timeout = 0.5
retry_first = 3600
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def relay(request, tmp_path_factory):
    one = Running(tmp_path_factory.mktemp("queue"), smarthost="smtp://127.0.0.1:9", settings=AWAY)
    if request.param == "postgresql":
        one.store_url = request.getfixturevalue("postgres").fresh()
        one.configure()
    one.here("db", "init")
    one.account()
    one.subscribe(ANNE, BUDI, CHEN)
    one.start()
    yield one
    if one.process.poll() is None:
        one.kill()


def queue(relay, *recipients):
    """The REF of a message that waits now."""
    with relay.login() as session:
        reply = send(session, NEWS, list(recipients), message())[-1]
    assert rule(reply).startswith("250 2.0.0"), reply
    return re.search(r"[0-9A-Z]{26}", reply)[0]


@pytest.fixture(scope="module")
def refs(relay):
    return [queue(relay, ANNE, BUDI), queue(relay, CHEN)]


def test_the_list_names_every_copy_that_waits_with_what_was_said_last(relay, refs):
    told = relay.json("queue", "list")

    assert [one["ref"] for one in told] == refs
    assert [copy["recipient"] for copy in told[0]["copies"]] == [ANNE, BUDI]
    copy = told[1]["copies"][0]
    assert (copy["state"], copy["smarthost"]) == ("pending", "127.0.0.1:9")
    assert copy["next_attempt_at"] > told[1]["received_at"]
    shown = relay.relay("queue", "list")
    assert "3 copies of 2 messages wait" in shown
    assert CHEN in shown


def test_the_summary_counts_by_smarthost_age_and_last_code(relay, refs):
    (row,) = relay.json("queue", "list", "--summary")

    assert row == {"smarthost": "127.0.0.1:9", "age": "< 1 h", "code": "-", "copies": 3, "messages": 2}


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (("--account", "acme"), 2),
        (("--account", "nobody"), 0),
        (("--smarthost", "127.0.0.1:9"), 2),
        (("--smarthost", "elsewhere:25"), 0),
        (("--age", "1h"), 0),
        (("--age", "0s"), 2),
    ],
)
def test_selections_narrow_the_list(relay, refs, selection, found):
    assert len(relay.json("queue", "list", *selection)) == found


def test_one_message_is_shown_whole_and_an_unknown_one_exits_1(relay, refs):
    shown = relay.relay("queue", "show", refs[0])

    for expected in (refs[0], "acme", ANNE, BUDI, "pending"):
        assert expected in shown
    assert relay.command("queue", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV").returncode == 1


def test_moving_the_queue_wants_to_be_told_what(relay, refs):
    for words in (("retry",), ("drop", "--reason", "test")):
        assert relay.command("queue", *words).returncode == 2
    assert relay.command("queue", "drop", refs[0]).returncode == 2, "a reason is wanted"


def test_a_dry_run_moves_nothing(relay, refs):
    before = relay.json("queue", "list")

    assert relay.json("queue", "drop", "--all", "--reason", "test", "--dry-run")["copies"] == 3
    assert relay.json("queue", "retry", "--all", "--dry-run")["copies"] == 3
    assert relay.json("queue", "list") == before


def test_what_waits_is_as_it_was_promised(relay, refs):
    assert relay.json("verify") == {"sound": True, "findings": []}


def test_a_dropped_copy_is_reported_to_the_sender_and_the_rest_is_tried_when_told(relay, refs):
    dropped = relay.json("queue", "drop", refs[1], "--reason", "sent by mistake", "--by", "rita")
    assert dropped == {"copies": 1, "refs": [refs[1]], "busy": []}
    (dsn,) = [one for one in relay.json("queue", "list") if one["purpose"] == "dsn"]
    assert [copy["recipient"] for copy in dsn["copies"]] == [NEWS]
    (failed,) = relay.events("--ref", refs[1], "--event", "delivery.failed")
    assert "rita: sent by mistake" in failed["error"]

    relay.stop()
    relay.smarthost = "maildir:outbox"
    relay.configure()
    relay.start()
    told = relay.json("queue", "retry", "--all")

    assert refs[0] in told["refs"]
    assert len(relay.copies(refs[0], 2)) == 2
    mails = relay.delivered(3)
    (report,) = [mail for mail in mails if b"report-type=" in mail]
    assert b"sent by mistake" in report
    assert b"chen@example.test" in report
    assert not relay.copies(refs[1], 1, seconds=0.2)


def test_damage_is_found_by_name(relay, refs):
    assert relay.command("verify").returncode == 0
    noes = relay.folder / "var" / "noes.log"
    relay.here("suppress", "add", "acme", CHEN, "--reason", "test")
    noes.write_bytes(noes.read_bytes().replace(b"chen", b"rita"))
    if relay.store_url.startswith("sqlite"):
        relay.stop()
        with sqlite3.connect(relay.folder / "var" / "relay.db") as store:
            store.execute("INSERT INTO spool_bytes (account_id, ref, raw, compressed) VALUES (1, 'X', x'00', 0)")
    done = relay.command("verify")

    assert done.returncode == 1
    assert "noes.log: line 1 is damaged" in done.stdout
    if relay.store_url.startswith("sqlite"):
        assert "X: has bytes, but no message" in done.stdout
