"""What no honest client sends, to a whole relay: none of it is sent on, nothing honest suffers (rows 1-3, 68)."""

import contextlib
import random
import re
import socket
import struct
import time

import pytest
from driver import PEOPLE, SENDER, letter, new_ident, reckon, until
from ledger import Answer, ident_of
from test_smarthost_faults import REF, summary

pytestmark = pytest.mark.faults

ENDINGS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\r\n.\r\r\n",
    b"\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
]
"""Ends of data to somebody, not to us: smtpsmug's and relatives."""
REFUSED = re.compile(rf"550 5\.5\.2 message\.malformed: .* \[{REF}\] http://\S+")


@pytest.fixture
def well(steady):
    client, _ = steady
    client.wait_for_smarthost()
    return steady


def at_data(client, listener):
    """A session that waits for its message."""
    if listener == "intake":
        session = socket.create_connection(("127.0.0.1", client.relay.intake), 30)
        file = session.makefile("rb")
        greeting = file.readline()
        for command in (b"EHLO x", b"MAIL FROM:<>", b"RCPT TO:<postmaster@b.relay.localhost>", b"DATA"):
            session.sendall(command + b"\r\n")
            while (line := file.readline())[3:4] == b"-":
                continue
            assert line[:1] in b"23", (greeting, command, line)
        return session
    session = client.session(listener)
    session.ehlo()
    session.mail(SENDER)
    session.rcpt(PEOPLE[0])
    assert session.docmd("DATA")[0] == 354
    return session.sock


def last_words(sock):
    """Everything until the relay hangs up."""
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65_536):
            heard += part
    return heard


def arrivals(smarthost, ident):
    return [one for one in smarthost.taken if ident_of(one.body) == ident]


@pytest.mark.parametrize("listener", ["submission", "bulk", "intake"])
def test_a_smuggled_message_is_refused_with_its_carrier(well, listener):
    client, smarthost = well
    filed = list((client.relay.folder / "var" / "intake").rglob("*.*"))
    before = len(smarthost.taken)
    sockets = [at_data(client, listener) for _ in ENDINGS]

    for sock, ending in zip(sockets, ENDINGS, strict=True):
        sock.sendall(smuggling(client, listener, ending))
    heard = [last_words(sock).decode().strip() for sock in sockets]

    wrong = [(ending, said) for ending, said in zip(ENDINGS, heard, strict=True) if not REFUSED.fullmatch(said)]
    assert not wrong
    assert len(smarthost.taken) == before
    assert list((client.relay.folder / "var" / "intake").rglob("*.*")) == filed
    for sock in sockets:
        sock.close()


def smuggling(client, listener, ending):
    """A message, an end of data that is none, and a second message behind it; the ledger has both as refused."""
    carrier, stowaway = new_ident("carrier"), new_ident("stowaway")
    client.ledger.note(carrier, PEOPLE[:1], listener, Answer(550))
    client.ledger.note(stowaway, PEOPLE[1:2], listener, Answer(550))
    second = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{PEOPLE[1]}>\r\nDATA\r\n".encode() + letter(stowaway)
    return letter(carrier, "Hello.") + ending + second + b"\r\n.\r\n"


@pytest.mark.parametrize("octets", [b"a\rb", b"a\nb", b"a\0b"], ids=repr)
def test_octets_that_no_message_may_hold_are_malformed(well, octets):
    client, smarthost = well
    ident = new_ident("octets")
    session = client.session("bulk")
    session.ehlo()
    session.mail(SENDER)
    session.rcpt(PEOPLE[0])
    session.docmd("DATA")

    session.send(letter(ident, "") + octets + b"\r\n.\r\n")
    code, text = session.getreply()

    assert REFUSED.fullmatch(f"{code} {text.decode()}")
    assert not arrivals(smarthost, ident)
    session.close()


def test_eight_bit_text_goes_through_and_an_eight_bit_header_does_not(well):
    client, smarthost = well
    text, header = new_ident("text"), new_ident("header")
    fine = letter(text).replace(b"us-ascii", b"utf-8") + "Grüße.\r\n".encode()
    raw = letter(header).replace(b"Subject: News", "Subject: Grüße".encode())

    sent = client.send("bulk", PEOPLE[:1], fine, text)
    refused = client.send("bulk", PEOPLE[:1], raw, header)

    assert (sent.code, refused.code) == (250, 554)
    assert refused.text.startswith("5.6.0 message.malformed: ")
    assert "Grüße.".encode() in arrivals(smarthost, text)[0].body


def test_random_octets_on_every_port_harm_nobody(well):
    client, smarthost = well
    chance, relay = random.Random(3), client.relay
    before = len(smarthost.taken)

    for port in (relay.submission, relay.implicit, relay.bulk, relay.intake, relay.web):
        for _ in range(12):
            with socket.create_connection(("127.0.0.1", port), 10) as sock, contextlib.suppress(OSError):
                sock.sendall(chance.randbytes(chance.choice((1, 64, 4096))) + chance.choice((b"", b"\n", b"\r\n")))
                sock.shutdown(socket.SHUT_WR)
                for line in last_words(sock).splitlines():
                    assert not line.startswith((b"250", b"235", b"354"))

    assert len(smarthost.taken) == before
    assert client.send("submission", PEOPLE[:1]).text.endswith("accepted")


def test_a_client_that_half_closes_after_its_dot_is_answered(well):
    client, smarthost = well
    ident = new_ident("half")

    with at_data(client, "bulk") as sock:
        sock.sendall(letter(ident) + b".\r\n")
        sock.shutdown(socket.SHUT_WR)
        heard = last_words(sock).decode()

    assert re.match(rf"250 2\.0\.0 {REF} accepted", heard)
    assert len(arrivals(smarthost, ident)) == 1
    client.ledger.note(ident, PEOPLE[:1], "bulk", Answer(250, heard))


def test_a_client_that_resets_after_its_dot_gets_its_copy_sent_once_or_not_at_all(well):
    client, smarthost = well
    idents = [new_ident("reset") for _ in range(8)]
    smarthost.sink.thinks = 0.1

    for ident in idents:
        with at_data(client, "bulk") as sock:
            sock.sendall(letter(ident) + b".\r\n")
            time.sleep(0.03 * (idents.index(ident) % 3))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.ledger.note(ident, PEOPLE[:1], "bulk", Answer(0))
    time.sleep(0.5)
    smarthost.sink.thinks = 0.0

    counts = [len(arrivals(smarthost, ident)) for ident in idents]
    assert max(counts) == 1
    assert sum(counts) >= 4, "what was begun is finished though nobody waits for the answer"


def test_a_slow_client_is_served(well):
    client, smarthost = well
    ident = new_ident("slow")
    octets = letter(ident) + b".\r\n"

    with at_data(client, "bulk") as sock:
        for start in range(0, len(octets), 7):
            sock.sendall(octets[start : start + 7])
            time.sleep(0.01)
        heard = sock.recv(1000).decode()

    client.ledger.note(ident, PEOPLE[:1], "bulk", Answer(int(heard[:3]), heard))
    assert heard.startswith("250 2.0.0 ")
    until(lambda: len(arrivals(smarthost, ident)) == 1, "not sent")


def test_after_all_garbage_nothing_is_lost_and_nothing_was_let_in(well, capsys):
    client, smarthost = well

    account = reckon(client, smarthost)

    with capsys.disabled():
        print(f"\ngarbage: {summary(account)}")
    assert account.clean(), account.faults()
