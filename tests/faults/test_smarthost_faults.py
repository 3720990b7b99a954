"""A smarthost that fails at every stage: the reply is INTERFACE.md §3's, nothing is lost or doubled (rows 66, 67)."""

import contextlib
import re
from dataclasses import dataclass

import pytest
from driver import PEOPLE, letter, new_ident, reckon, states, time_passes, until
from sink import CLOSE, GARBAGE, HANG, TAKE_AND_CLOSE, Stage

pytestmark = pytest.mark.faults

UNAVAILABLE = "unavailable"
VERDICT = "verdict"
DOUBT = "doubt"
ENDLESS = b"250 " + b"x" * 40_000
"""A reply that does not end (row 66a)."""
REF = "[0-9A-Z]{26}"


@dataclass(frozen=True)
class Fault:
    """What the smarthost does, and what that means."""

    stage: Stage | None
    """None: it does not listen."""
    what: str | bytes = ""
    means: str = UNAVAILABLE

    def __str__(self):
        what = self.what if isinstance(self.what, str) else "endless"
        return f"{self.stage or 'not listening'} {what}".strip().replace(" ", "-")

    def reply(self, listener, recipients):
        """The pattern the client must see (INTERFACE.md §3, RELIABILITY.md §E2)."""
        queued = rf"250 2\.0\.0 {REF} queued.*"
        if self.means == DOUBT:
            return queued
        if self.means == VERDICT and (self.what[0] == "5" or listener == "bulk"):
            code, enhanced, text = self.what.split(" ", 2)
            return rf"{code} {re.escape(enhanced)} smarthost\.refused: {re.escape(text)} \[{REF}\] http://\S+"
        if listener == "submission":
            return queued
        return rf"451 4\.4\.1 smarthost\.unavailable: .* \[{REF}\] http://\S+"


VERDICTS = [
    Fault(stage, f"{code} {enhanced} {stage.value} says no", VERDICT)
    for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT)
    for code, enhanced in ((450, "4.2.0"), (550, "5.1.0"))
]
FAULTS = [
    Fault(None),
    Fault(Stage.BANNER, "554 5.3.0 no service"),
    Fault(Stage.BANNER, GARBAGE),
    Fault(Stage.EHLO, HANG),
    Fault(Stage.EHLO, "550 5.0.0 not you"),
    *(Fault(stage, "421 4.3.2 shutting down") for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT)),
    Fault(Stage.MAIL, "530 5.7.0 log in first"),
    Fault(Stage.MAIL, CLOSE),
    Fault(Stage.RCPT, HANG),
    Fault(Stage.DATA, CLOSE),
    *VERDICTS,
    Fault(Stage.MAIL, GARBAGE),
    Fault(Stage.DATA, GARBAGE),
    Fault(Stage.RCPT, ENDLESS),
    Fault(Stage.DOT, CLOSE, DOUBT),
    Fault(Stage.DOT, TAKE_AND_CLOSE, DOUBT),
    Fault(Stage.DOT, HANG, DOUBT),
    Fault(Stage.DOT, GARBAGE, DOUBT),
    Fault(Stage.DOT, ENDLESS, DOUBT),
]


@contextlib.contextmanager
def failing(smarthost, fault):
    if fault.stage is not None:
        with smarthost.fault(fault.stage, fault.what):
            yield
        return
    smarthost.leave()
    try:
        yield
    finally:
        smarthost.listen()


@pytest.fixture
def well(steady):
    """The shared relay, its smarthost in order before and after."""
    client, _ = steady
    client.wait_for_smarthost()
    return steady


@pytest.mark.parametrize("recipients", [1, 3])
@pytest.mark.parametrize("listener", ["submission", "bulk"])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_each_fault_has_its_reply(well, fault, listener, recipients):
    client, smarthost = well
    ident = new_ident("fault")

    with failing(smarthost, fault):
        answer = client.send(listener, PEOPLE[:recipients], ident=ident)

    assert re.fullmatch(fault.reply(listener, recipients), f"{answer.code} {answer.text}")
    kept = states(client.relay, ident)
    if answer.code == 250:
        assert kept == (["in-doubt"] if fault.means == DOUBT else ["pending"]) * recipients
    else:
        assert kept == []


@pytest.mark.parametrize(("listener", "code"), [("submission", 250), ("bulk", 451)])
def test_a_connection_lost_within_a_large_body_is_no_doubt(well, listener, code):
    client, smarthost = well
    ident = new_ident("large")
    raw = letter(ident, ("x" * 70 + "\r\n") * 110_000)

    with smarthost.fault(Stage.BODY, CLOSE):
        answer = client.send(listener, PEOPLE[:1], raw, ident)

    assert (answer.code, states(client.relay, ident)) == (code, ["pending"] if code == 250 else []), answer


@pytest.mark.parametrize("listener", ["submission", "bulk"])
def test_one_refused_of_three_is_reported_by_one_dsn(well, listener):
    client, smarthost = well
    ident = new_ident("mixed")
    smarthost.sink.refuse = lambda address: "550 5.1.1 unknown here" if address == PEOPLE[1] else ""

    answer = client.send(listener, PEOPLE[:3], ident=ident)

    assert re.fullmatch(rf"2\.0\.0 {REF} queued, 2 of 3 sent already", answer.text)
    assert states(client.relay, ident) == ["sent", "failed", "sent"]
    until(lambda: any(dsn_for(one, ident) for one in smarthost.taken), "no DSN")
    (dsn,) = [one for one in smarthost.taken if dsn_for(one, ident)]
    assert dsn.forward_paths == ("news@acme.test",)
    assert b"Final-Recipient: rfc822; reader01@example.test" in dsn.body
    assert b"Status: 5.1.1" in dsn.body
    assert b"Auto-Submitted: auto-replied" in dsn.body
    smarthost.sink.refuse = lambda _address: ""


def test_a_dsn_taken_without_a_reply_comes_twice_and_is_listed(well):
    client, smarthost = well
    ident = new_ident("unsure")
    smarthost.sink.refuse = lambda address: "550 5.1.1 unknown here" if address == PEOPLE[1] else ""
    smarthost.sink.silent = lambda taken: dsn_for(taken, ident)

    client.send("bulk", PEOPLE[:3], ident=ident)
    until(lambda: any(dsn_for(one, ident) for one in smarthost.taken), "no DSN")
    smarthost.sink.refuse = lambda _address: ""
    smarthost.sink.silent = lambda _taken: False
    account = reckon(client, smarthost)

    assert sum(dsn_for(one, ident) for one in smarthost.taken) == 2
    assert account.clean(), account.faults()
    assert f"{ident} {PEOPLE[1]} DSN" in account.listed


@pytest.mark.parametrize("listener", ["submission", "bulk"])
def test_one_deferred_of_three_is_sent_later(well, listener):
    client, smarthost = well
    ident = new_ident("later")
    smarthost.sink.refuse = lambda address: "450 4.2.1 come back" if address == PEOPLE[1] else ""

    answer = client.send(listener, PEOPLE[:3], ident=ident)
    smarthost.sink.refuse = lambda _address: ""
    assert re.fullmatch(rf"2\.0\.0 {REF} queued, 2 of 3 sent already", answer.text)
    assert states(client.relay, ident) == ["sent", "pending", "sent"]
    time_passes(client.relay)

    until(lambda: states(client.relay, ident) == ["sent"] * 3, "the queue stands still")


@pytest.mark.parametrize("listener", ["submission", "bulk"])
def test_refusals_that_differ_are_one_554(well, listener):
    client, smarthost = well
    replies = dict(zip(PEOPLE[:3], ("550 5.1.1 who", "552 5.2.2 full", "550 5.1.1 who"), strict=True))
    smarthost.sink.refuse = lambda address: replies.get(address, "")

    answer = client.send(listener, PEOPLE[:3])
    smarthost.sink.refuse = lambda _address: ""

    assert answer.code == 554
    assert answer.text.startswith("5.1.1 smarthost.refused: who [")


def test_once_the_smarthost_is_well_everything_promised_has_arrived(well, capsys):
    client, smarthost = well

    account = reckon(client, smarthost)

    with capsys.disabled():
        print(f"\nsmarthost faults: {summary(account)}")
    assert account.clean(), account.faults()
    own = [name for name in account.listed if not name.startswith("unread")]  # those are test_lost_answers.py's
    assert len(own) <= 2 * 4 + 1, "only what was taken without a reply may come twice"


def dsn_for(taken, ident):
    return taken.reverse_path == "" and f"<{ident}@ledger.test>".encode() in taken.body


def summary(account):
    return (
        f"{account.messages} messages, {account.promised} promised, {account.copies} copies, "
        f"{account.cut_off} cut off, lost {len(account.lost)}, doubled {len(account.doubled)}, "
        f"in doubt and doubled {len(account.listed)}, let in {len(account.let_in)}"
    )
