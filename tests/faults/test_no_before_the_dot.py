"""A 'no' that comes while a copy waits: permission and standing are asked again right before each dot (row 75)."""

import contextlib
import re
import time

import pytest
from driver import PEOPLE, SENDER, letter, new_ident, reckon, states, time_passes, until
from ledger import ident_of, reported
from test_smarthost_faults import summary

pytestmark = pytest.mark.faults

LEAVER = PEOPLE[30]
STAYER = PEOPLE[31]
LATE_LEAVER = PEOPLE[32]


@pytest.fixture
def well(steady):
    client, _ = steady
    client.wait_for_smarthost()
    return steady


@contextlib.contextmanager
def away(smarthost):
    smarthost.leave()
    try:
        yield
    finally:
        smarthost.listen()


def opts_out(client, smarthost, person):
    """One click on the link of an earlier message."""
    ident = new_ident("first")
    assert client.send("bulk", [person], ident=ident).code == 250
    (copy,) = [one.body for one in smarthost.taken if ident_of(one.body) == ident]
    link = re.search(rb"List-Unsubscribe:\s*<https?://[^/]+(/u/[^>]+)>", copy)
    return lambda: client.relay.http(link[1].decode(), b"List-Unsubscribe=One-Click")[0]


def recipients(smarthost, ident):
    return {path for one in smarthost.taken if ident_of(one.body) == ident for path in one.forward_paths}


def reports(smarthost, ident):
    return [reported(one.body) for one in smarthost.taken if not one.reverse_path and ident_of(one.body) == ident]


def test_an_opt_out_stops_the_copy_that_waits_in_the_queue(well):
    client, smarthost = well
    click, ident = opts_out(client, smarthost, LEAVER), new_ident("waits")

    with away(smarthost):
        assert client.send("submission", [LEAVER, STAYER], ident=ident).code == 250
        assert click() == 200
    time_passes(client.relay)

    until(lambda: states(client.relay, ident) == ["cancelled", "sent"], "the queue stands still")
    until(lambda: reports(smarthost, ident), "no DSN")
    assert reports(smarthost, ident) == [{LEAVER}]
    assert LEAVER not in recipients(smarthost, ident)
    assert STAYER in recipients(smarthost, ident)


def test_an_opt_out_between_rcpt_and_dot_is_the_answer_to_the_dot(well):
    client, smarthost = well
    click, ident = opts_out(client, smarthost, LATE_LEAVER), new_ident("between")
    session = client.session("bulk")
    session.ehlo()
    session.mail(SENDER)
    assert session.rcpt(LATE_LEAVER)[0] == 250

    assert click() == 200
    code, text = session.data(letter(ident))

    assert code == 550
    assert text.decode().startswith("5.7.1 consent.withdrawn: ")
    assert recipients(smarthost, ident) == set()
    assert session.mail(SENDER)[0] == 250
    assert session.rcpt(LATE_LEAVER)[0] == 550
    session.close()


@pytest.fixture
def standing(well):
    """Changes the account's standing; it is active again afterwards."""
    client, _ = well
    yield lambda verb: client.relay.here("account", verb, "acme", "--reason", "test")
    client.relay.here("account", "reinstate", "acme", "--reason", "test", code=None)


def test_a_suspended_account_s_mail_waits_for_the_decision(well, standing):
    client, smarthost = well
    ident = new_ident("suspended")
    with away(smarthost):
        assert client.send("submission", [STAYER], ident=ident).code == 250
        standing("suspend")

    time_passes(client.relay)
    time.sleep(2.5)
    assert states(client.relay, ident) == ["pending"]
    assert recipients(smarthost, ident) == set()

    standing("reinstate")
    until(lambda: states(client.relay, ident) == ["sent"], "it is not sent after all")
    assert recipients(smarthost, ident) == {STAYER}


def test_a_deactivated_account_s_mail_is_cancelled_and_reported(well, standing):
    client, smarthost = well
    ident = new_ident("closed")
    with away(smarthost):
        assert client.send("submission", [STAYER], ident=ident).code == 250
        standing("deactivate")

    time_passes(client.relay)

    until(lambda: states(client.relay, ident) == ["cancelled"], "the queue stands still")
    until(lambda: reports(smarthost, ident) == [{STAYER}], "no DSN")
    assert recipients(smarthost, ident) == {SENDER}, "the DSN only"


@pytest.mark.parametrize("people", [[STAYER], [STAYER, PEOPLE[33]]], ids=["one", "several"])
def test_a_suspension_between_mail_and_dot_is_the_answer_to_the_dot(well, standing, people):
    client, smarthost = well
    ident, session = new_ident("late"), client.session("bulk")
    session.ehlo()
    session.mail(SENDER)
    assert [session.rcpt(one)[0] for one in people] == [250] * len(people)

    standing("suspend")
    time.sleep(0.5)
    code, text = session.data(letter(ident))

    assert (code, text.decode()[:26]) == (550, "5.7.1 standing.suspended: ")
    assert recipients(smarthost, ident) == set()
    assert states(client.relay, ident) == []
    session.close()


def test_after_every_no_all_is_accounted_for(well, capsys):
    client, smarthost = well

    account = reckon(client, smarthost)

    with capsys.disabled():
        print(f"\nre-check: {summary(account)}")
    assert account.clean(), account.faults()
