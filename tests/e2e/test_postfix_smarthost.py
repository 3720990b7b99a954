"""A real Postfix as smarthost: what arrives there is whole, addressed to one person, and its signatures hold."""

import email
import email.policy
import re
import subprocess

import dkim
import pytest
from dialog import accepted, send
from running import Running, message

from relay.adapters.dkim_keys import KeyDirectory

NEWS = "news@acme.test"
PEOPLE = ["anne@example.test", "budi@example.test"]
DOMAINS = ["acme.test", "b.relay.localhost"]
LIST_FIELDS = ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"]
ONCE = [*LIST_FIELDS, "CFBL-Address", "CFBL-Feedback-ID", "From", "To", "Subject", "Date", "Message-ID"]
ODD = """Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Grüße aus Jakarta
.
 trailing space \t
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><body><p>Gr=C3=BC=C3=9Fe</p></body></html>
--b--
"""


@pytest.fixture(scope="module")
def relay(postfix, tmp_path_factory):
    one = Running(tmp_path_factory.mktemp("behind"), smarthost=f"smtp://127.0.0.1:{postfix.port}")
    one.here("db", "init")
    one.account()
    one.subscribe(*PEOPLE)
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def records(relay):
    """DNS as it would be once every record the relay names is published: name -> TXT."""
    keys = KeyDirectory(relay.folder / "var" / "dkim")
    return {one.record_name: keys.record(one.domain, one.selector) for one in keys.stored()}


@pytest.fixture(scope="module")
def arrived(relay, postfix):
    """Two messages to two people each, as Postfix delivered them."""
    extra = b"X-Relay-Campaign: spring\r\nBcc: chef@example.test\r\nDKIM-Signature: v=1; d=acme.test; b=old\r\n"
    odd = f"From: Acme <{NEWS}>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMIME-Version: 1.0\n{ODD}"
    with relay.login() as session:
        accepted(send(session, NEWS, PEOPLE, extra + message())[-1])
        octets = b"To: reader@example.test\r\n" + odd.replace("\n", "\r\n").encode()
        accepted(send(session, NEWS, PEOPLE, octets, options=["BODY=8BITMIME", "XLIST=news"])[-1])
    mails = postfix.arrived(4)
    assert len(mails) == 4
    return mails


def test_both_signatures_of_every_copy_hold_for_dkimpy(arrived, records):
    def published(name, timeout=5):
        return records[name.decode().rstrip(".")].encode()

    for octets in arrived:
        signed = dkim.DKIM(octets)
        fields = parsed(octets).get_all("DKIM-Signature")
        assert sorted(domain(field) for field in fields) == DOMAINS
        assert [signed.verify(index, published) for index in range(len(fields))] == [True, True]


def test_both_signatures_hold_for_opendkim(arrived, records, tool, tmp_path):
    program = tool("opendkim")
    (tmp_path / "keys").write_text("".join(f"{name} {text}\n" for name, text in records.items()))
    (tmp_path / "conf").write_text(f"Mode v\nTestPublicKeys {tmp_path}/keys\nRequireSafeKeys no\n")
    files = []
    for number, octets in enumerate(arrived):
        for one in DOMAINS:
            path = tmp_path / f"{number}-{one}.eml"
            path.write_bytes(with_one_signature(octets, one))
            files.append(path)

    names = ",".join(str(path) for path in files)
    done = subprocess.run([program, "-x", str(tmp_path / "conf"), "-t", names], capture_output=True, text=True)

    told = re.findall(r"([^/\n]+)\.eml: verification \(s=[^,]+, d=([^,]+), 2048-bit key\) succeeded", done.stdout)
    assert [name.partition("-")[2] for name, _ in told] == [one for _, one in told]
    assert len(told) == len(files), done.stdout + done.stderr


def test_both_signatures_cover_the_opt_out_fields_and_every_field_stands_once(arrived):
    for octets in arrived:
        mail = parsed(octets)
        for field in mail.get_all("DKIM-Signature"):
            covered = re.search(r"h=([^;]+)", re.sub(r"\s", "", field)).group(1).lower().split(":")
            wanted = ["list-unsubscribe", "list-unsubscribe-post", "cfbl-address", "cfbl-feedback-id", "from"]
            assert set(wanted) <= set(covered)
        assert {name: len(mail.get_all(name, [])) for name in ONCE} == dict.fromkeys(ONCE, 1)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert re.fullmatch(r"<https?://[^>]+/u/[^>]+>, <mailto:[^>]+>", mail["List-Unsubscribe"])


def test_the_reverse_path_is_each_recipient_s_own_and_short(arrived):
    paths = [parsed(octets)["Return-Path"].strip("<>") for octets in arrived]

    assert len(set(paths)) == 4
    for path in paths:
        local, _, domain_part = path.partition("@")
        assert domain_part == "b.relay.localhost"
        assert len(local) <= 64
        assert re.fullmatch(r"[a-z0-9-]+", local)


def test_each_copy_is_one_transaction_with_one_recipient(arrived):
    """Postfix writes 'for' into Received only where it was given a single recipient."""
    told = []
    for octets in arrived:
        received = parsed(octets).get_all("Received")
        (person,) = re.findall(r"for <([^>]+)>", received[0])
        assert parsed(octets)["Delivered-To"] == person
        assert "by relay.localhost with ESMTPSA" in received[1]
        assert "anne@" not in received[1]
        told.append(person)

    assert sorted(told) == sorted(PEOPLE * 2)


def test_what_was_for_the_relay_alone_is_gone(arrived):
    for octets in arrived:
        names = {name.lower() for name in parsed(octets)}
        assert "bcc" not in names
        assert not [name for name in names if name.startswith("x-relay-")]
        assert b"b=old" not in octets


def test_what_was_not_to_be_changed_arrived_byte_for_byte(arrived):
    odd = [octets for octets in arrived if b"multipart/alternative" in octets]

    assert len(odd) == 2
    for octets in odd:
        assert "Grüße aus Jakarta\n.\n trailing space \t\n".encode() in octets
        assert b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n" in octets
        assert b"<p>Gr=C3=BC=C3=9Fe</p>" in octets


def parsed(octets):
    return email.message_from_bytes(octets, policy=email.policy.default)


def domain(field):
    return re.search(r"d=([^;\s]+)", field).group(1)


def with_one_signature(octets, wanted):
    """The message with CRLF line ends as it travelled, and of its DKIM signatures only one."""
    head, _, body = octets.partition(b"\n\n")
    fields = re.split(rb"\n(?![ \t])", head)
    kept = [one for one in fields if not one.startswith(b"DKIM-Signature:") or f"d={wanted};".encode() in one]
    return (b"\n".join(kept) + b"\n\n" + body).replace(b"\n", b"\r\n")
