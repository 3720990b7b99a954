"""Rows of docs/threats.md that hold on every listener: what no client may say, wherever it knocks."""

import base64
import contextlib
import re
import socket
import ssl
import stat

import pytest
from running import PASSWORD, Running

LISTENERS = ("submission", "implicit", "bulk", "intake")
OUTSIDE_ADDRESSES = (
    "x%outside.test@acme.test",
    "outside.test!x",
    "@acme.test:x@outside.test",
    "@acme.test,@b.test:x@outside.test",
    '"x@outside.test"@acme.test',
    "x@outside.test@acme.test",
    "x@acme.test@outside.test",
    "x(comment)@outside.test",
    "x@outside.test(comment)",
    "x@[127.0.0.1]",
    "x@[IPv6:::1]",
    "x@127.0.0.1",
    "x",
    "x@",
    "@outside.test",
    "x@.outside.test",
    "x@outside..test",
    "x@outside.test.",
    "x@-outside.test",
    ".x@outside.test",
    "x.@outside.test",
    "x..y@outside.test",
    "x@outside_.test",
    "x @outside.test",
    "x@out side.test",
    "x@outside.test,y@outside.test",
    "x@outside.test;y@outside.test",
    "x:y@outside.test",
    "x\\@outside.test",
    '"x',
    'x"@outside.test',
    '"x"y@outside.test',
    "<x@outside.test>",
    "x@outside.test> <y@outside.test",
    f"{'x' * 65}@outside.test",
    f"x@{'o' * 64}.test",
    f"x@{'o.' * 130}test",
    "x@outside.test\\",
    "x@@outside.test",
    "x@outside,test",
    "=?utf-8?q?x?=@outside.test",
    "postmaster%outside.test@b.relay.localhost",
    '"x@outside.test"@b.relay.localhost',
    "b.relay.localhost!x@outside.test",
    "stranger@outside.test",
    "stranger@OUTSIDE.TEST",
    "stranger@sub.outside.test",
)
"""None of them may be mailed from here: relay tricks, forms that are none, and plain strangers."""
HEAD = b"From: Acme <news@acme.test>\r\nTo: anne@example.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n"


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    one = Running(tmp_path_factory.mktemp("threats"), settings="[limits]\nhard_errors = 500\nsoft_errors = 500\n")
    one.here("db", "init")
    one.account()
    one.subscribe("anne@example.test")
    one.start()
    yield one
    one.stop()


class Talk:
    """One connection to one listener, octet by octet."""

    def __init__(self, relay, listener, *, greet=True):
        self.relay, self.listener = relay, listener
        self.sock = socket.create_connection(("127.0.0.1", getattr(relay, listener)), 20)
        if listener == "implicit" and greet is not None:
            self.sock = relay.tls().wrap_socket(self.sock, server_hostname="127.0.0.1")
        self.file = self.sock.makefile("rb")
        if greet:
            assert self.reply().startswith("220 ")

    def reply(self):
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        return line.decode("ascii").rstrip("\r\n")

    def say(self, command):
        self.sock.sendall((command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return self.reply()

    def rest(self):
        with contextlib.suppress(ConnectionResetError, ssl.SSLError):
            return self.file.read().decode("ascii", "replace")
        return ""

    def hello(self):
        """EHLO, and on submission STARTTLS and AUTH: ready for MAIL."""
        assert self.say("EHLO client.test").startswith("250")
        if self.listener == "submission":
            assert self.say("STARTTLS").startswith("220")
            self.sock = self.relay.tls().wrap_socket(self.sock, server_hostname="127.0.0.1")
            self.file = self.sock.makefile("rb")
            self.say("EHLO client.test")
        if self.listener in ("submission", "implicit"):
            login = base64.b64encode(f"\0acme/mail\0{PASSWORD}".encode()).decode()
            assert self.say(f"AUTH PLAIN {login}").startswith("235")
        return self

    def mail(self):
        sender = "" if self.listener == "intake" else "news@acme.test"
        assert self.say(f"MAIL FROM:<{sender}>").startswith("250")
        return self

    def data(self, octets):
        """One message to somebody who may be mailed; the reply to its dot."""
        taken = "postmaster@b.relay.localhost" if self.listener == "intake" else "anne@example.test"
        assert self.mail().say(f"RCPT TO:<{taken}>").startswith("250")
        assert self.say("DATA").startswith("354")
        self.sock.sendall(octets + b"\r\n.\r\n")
        return self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


@pytest.fixture(params=LISTENERS)
def talk(relay, request):
    with Talk(relay, request.param) as one:
        yield one


def test_row_3_a_line_feed_alone_ends_no_command(talk):
    talk.sock.sendall(b"EHLO client.test\nMAIL FROM:<news@acme.test>\n")

    assert talk.reply().startswith("500 5.5.2")
    assert talk.rest() == ""


def test_row_8_no_command_holds_a_control_character(talk):
    talk.hello()
    octets = [one for one in (*range(32), 127) if one != 10]
    said = {one: talk.say(b"MAIL FROM:<ne" + bytes((one,)) + b"ws@acme.test>") for one in octets}
    said |= {1000 + one: talk.say(b"VRFY a" + bytes((one,))) for one in octets if one != 13}

    assert not {one: reply for one, reply in said.items() if not reply.startswith("501 5.5.2")}


def test_rows_9_and_27_no_form_of_an_address_relays(relay, talk):
    before = len(relay.outgoing())
    talk.hello().mail()
    said = {one: talk.say(f"RCPT TO:<{one}>") for one in OUTSIDE_ADDRESSES}

    assert not {one: reply for one, reply in said.items() if not reply.startswith("5")}
    assert len(relay.outgoing()) == before


@pytest.mark.parametrize("listener", ["submission", "implicit", "bulk"])
def test_row_9_no_form_of_an_address_is_anybody_s_reverse_path(relay, listener):
    with Talk(relay, listener) as talk:
        talk.hello()
        said = {one: talk.say(f"MAIL FROM:<{one}>") for one in OUTSIDE_ADDRESSES}

    assert not {
        one: reply
        for one, reply in said.items()
        if not reply.startswith(("550 5.7.1", "553 5.1.7", "501 5.5.4", "555 5.5.4"))
    }


@pytest.mark.parametrize("listener", ["submission", "implicit"])
def test_row_27_nobody_sends_without_a_login(relay, listener):
    with Talk(relay, listener) as talk:
        talk.say("EHLO client.test")
        assert talk.say("MAIL FROM:<news@acme.test>").startswith("530 5.7.0")
        assert talk.say("RCPT TO:<anne@example.test>").startswith("503 5.5.1")


def test_row_10_a_command_and_a_line_have_their_length(talk):
    assert talk.say("NOOP " + "x" * 600).startswith("500 5.5.2")
    talk.hello()
    assert talk.say("MAIL FROM:<" + "x" * 2000 + "@acme.test>").startswith("500 5.5.2")


def test_row_12_smtputf8_is_not_offered_and_no_look_alike_is_anybody(talk):
    talk.hello()
    sender = "" if talk.listener == "intake" else "news@acme.test"
    assert talk.say(f"MAIL FROM:<{sender}> SMTPUTF8").startswith("555 5.5.4")
    talk.mail()
    for look_alike in (
        "\u0430nne@example.test",
        "anne@ex\u0430mple.test",
        "a\u0131ne@example.test",
        "\u212aim@example.test",
    ):
        assert talk.say(f"RCPT TO:<{look_alike}>").startswith("5"), look_alike


def test_row_13_chunks_are_never_read_as_commands(talk):
    talk.hello().mail()
    talk.sock.sendall(b"BDAT 26 LAST\r\nRCPT TO:<anne@example.test>\r\nQUIT\r\n")

    assert talk.reply().startswith("502 5.5.1")
    assert talk.rest() == ""


@pytest.mark.parametrize("listener", LISTENERS)
def test_row_14_who_speaks_early_or_http_is_sent_away(relay, listener):
    with Talk(relay, listener) as talk:
        assert talk.say("GET / HTTP/1.1").startswith("421 4.7.0")
    if listener != "implicit":
        sock = socket.socket()
        with contextlib.closing(sock):
            sock.settimeout(10)
            sock.connect(("127.0.0.1", getattr(relay, listener)))
            sock.sendall(b"EHLO early\r\n")
            heard = sock.makefile("rb").readline()
        # The greeting may have been faster than we; then the command was in time.
        assert heard.startswith((b"554 5.5.0", b"220 "))


def test_row_15_a_parameter_that_is_not_offered_is_never_ignored(talk):
    talk.hello()
    sender = "" if talk.listener == "intake" else "news@acme.test"
    for parameter in ("HOLDFOR=1", "REQUIRETLS", "MT-PRIORITY=1", "BODY=BINARYMIME", "SIZE=x", "RET=ALL"):
        assert talk.say(f"MAIL FROM:<{sender}> {parameter}")[:9] in ("555 5.5.4", "501 5.5.4"), parameter
    talk.mail()
    assert talk.say("RCPT TO:<anne@example.test> RRVS=2014-04-03T23:01:00Z").startswith("555 5.5.4")


BROKEN = {
    "row 10, a line of 64 KiB": HEAD + b"\r\n" + b"x" * 65_536,
    "row 16, parts within parts within parts": HEAD
    + b"".join(b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (d, d) for d in range(300)),
    "row 17, too many parts": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\nx\r\n" * 1001,
    "row 18, too many fields": HEAD + b"X-A: y\r\n" * 501 + b"\r\nx",
    "row 18, a header without end": HEAD + b"X-A: " + b"y" * 900 + b"\r\n" + b" z\r\n" * 40_000 + b"\r\nx",
    "row 19, elements within elements": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<div>\r\n" * 100_000,
    "row 23, two From": HEAD + b"From: Other <news@acme.test>\r\n\r\nx",
    "row 23, two Subjects": HEAD + b"Subject: y\r\n\r\nx",
    "row 30, two authors": HEAD.replace(b"<news@acme.test>", b"<news@acme.test>, <boss@acme.test>") + b"\r\nx",
}


@pytest.mark.parametrize("listener", ["submission", "implicit", "bulk"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_message_that_could_be_read_in_two_ways_or_never_ends_is_malformed(relay, listener, name):
    with Talk(relay, listener) as talk:
        assert re.match(r"55[04] 5\.6\.0 message\.malformed: ", said := talk.hello().data(BROKEN[name])), said


@pytest.mark.parametrize("listener", ["submission", "implicit", "bulk"])
def test_row_25_a_message_that_keeps_coming_round_is_refused(relay, listener):
    trace = b"Received: from a.test by b.test; Mon, 3 Mar 2025 10:00:00 +0000\r\n"
    with Talk(relay, listener) as talk:
        assert talk.hello().data(trace * 51 + HEAD + b"\r\nx").startswith("554 5.4.6 message.loop: ")


def test_row_29_auth_works_under_tls_and_nowhere_else(relay):
    with Talk(relay, "submission") as talk:
        talk.say("EHLO client.test")
        assert talk.say("AUTH PLAIN AGEAYg==").startswith("538 5.7.11")
    with Talk(relay, "implicit") as talk:
        talk.hello()
    with Talk(relay, "intake") as talk:
        talk.say("EHLO client.test")
        assert talk.say("AUTH PLAIN AGEAYg==").startswith("502 5.5.1")


def test_row_37_what_the_relay_keeps_is_its_owner_s_alone(relay):
    kept = [path for path in (relay.folder / "var").rglob("*") if not path.is_symlink()]

    assert {path.name for path in kept} >= {"relay.db", "keys", "001.key", "people.log"}
    assert not [path for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_row_43_an_endless_message_is_not_read_to_its_end(relay):
    for listener in LISTENERS:
        with Talk(relay, listener) as talk:
            sender = "" if listener == "intake" else "news@acme.test"
            assert talk.hello().say(f"MAIL FROM:<{sender}> SIZE=999999999").startswith("552 5.3.4")
