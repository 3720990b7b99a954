"""Clients cut off before their 250 that offer the same message again: it comes once (RELIABILITY.md §E5, row 68)."""

import re
import socket
import time

import pytest
from driver import PEOPLE, SENDER, letter, new_ident, offer, reckon, until
from ledger import Answer, ident_of
from test_smarthost_faults import REF, summary

pytestmark = pytest.mark.faults


@pytest.fixture
def well(steady):
    client, smarthost = steady
    client.wait_for_smarthost()
    yield steady
    smarthost.sink.thinks = 0.0


class Hasty:
    """A client that says everything at once and does not wait for the last answer."""

    def __init__(self, relay, people):
        self.connection = socket.create_connection(("127.0.0.1", relay.bulk), timeout=20)
        self.lines = self.connection.makefile("rb")
        assert self.lines.readline().startswith(b"220 ")
        rcpt = "".join(f"RCPT TO:<{one}>\r\n" for one in people)
        self.connection.sendall(f"HELO hasty.test\r\nMAIL FROM:<{SENDER}>\r\n{rcpt}DATA\r\n".encode())
        replies = [self.lines.readline()[:3] for _ in range(3 + len(people))]
        assert replies == [b"250"] * (2 + len(people)) + [b"354"]

    def body(self, raw, more=b""):
        self.connection.sendall(raw + b".\r\n" + more)

    def vanish(self):
        """As a host that lost power, once its peer asks."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.lines.close()
        self.connection.close()


def copies_of(smarthost, ident):
    return sum(ident_of(one.body) == ident for one in smarthost.taken)


@pytest.mark.parametrize("count", [1, 3])
def test_a_client_cut_off_while_its_message_is_sent_gets_the_first_answer(well, count):
    client, smarthost = well
    ident, people = new_ident("hasty"), PEOPLE[:count]
    smarthost.sink.thinks = 0.4
    hasty = Hasty(client.relay, people)
    hasty.body(letter(ident))
    time.sleep(0.15)
    hasty.vanish()
    client.ledger.note(ident, people, "bulk", Answer(0))

    answer = client.send("bulk", people, ident=ident)

    assert re.fullmatch(rf"2\.0\.0 {REF} accepted.*", answer.text), answer
    assert copies_of(smarthost, ident) == count
    first = answer.text.split()[1]
    assert client.relay.lines(wanted=1, event="service.repeated", first=first)[0]["client"] == "127.0.0.1"


@pytest.mark.parametrize("count", [1, 3])
def test_an_answer_that_nobody_read_is_given_again(well, count):
    client, smarthost = well
    ident, people = new_ident("unread"), PEOPLE[:count]
    hasty = Hasty(client.relay, people)
    hasty.body(letter(ident), b"QUIT\r\n")
    until(lambda: copies_of(smarthost, ident) == count, "it was not sent")
    hasty.vanish()
    client.ledger.note(ident, people, "bulk", Answer(0))
    time.sleep(0.3)

    answers = {client.send("bulk", people, ident=ident).text for _ in range(2)}

    assert copies_of(smarthost, ident) == 2 * count, "the second try read the first's answer, the third is meant"
    assert len(answers) == 2


@pytest.mark.parametrize("count", [1, 3])
def test_who_read_the_answer_may_send_the_same_again(well, count):
    client, smarthost = well
    ident, people = new_ident("twice"), PEOPLE[:count]

    for _ in range(3):
        session = client.session("bulk")
        assert offer(session, people, letter(ident)).code == 250
        session.quit()

    assert copies_of(smarthost, ident) == 3 * count


def test_a_killed_relay_answers_the_retry_of_what_went_before(make, quick_queue):
    client, smarthost = make(quick_queue)
    ident, people = new_ident("killed"), PEOPLE[:3]
    smarthost.sink.thinks = 0.5
    hasty = Hasty(client.relay, people)
    hasty.body(letter(ident))
    until(lambda: "DATA" in smarthost.sink.commands, "nothing began")
    time.sleep(0.2)
    client.relay.kill()
    hasty.vanish()
    client.ledger.note(ident, people, "bulk", Answer(0))
    smarthost.sink.thinks = 0.0
    client.relay.start()

    answer = client.send("bulk", people, ident=ident)
    account = reckon(client, smarthost)

    assert re.fullmatch(rf"2\.0\.0 {REF} queued", answer.text), answer
    assert account.clean(), account.faults()
    assert copies_of(smarthost, ident) <= 2 * len(people), "only what was under way at the kill comes twice"


def test_after_all_that_the_ledger_agrees(well, capsys):
    client, smarthost = well

    account = reckon(client, smarthost)

    with capsys.disabled():
        print(f"\nlost answers: {summary(account)}")
    assert account.clean(), account.faults()
