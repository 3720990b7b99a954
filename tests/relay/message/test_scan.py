# ruff: noqa: E501
"""scan(): structure by offset, and a fault for all that two readers could read differently."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.facts import Fault
from relay.message.parts import Message, Part
from relay.message.scan import scan

HEAD = b"From: Anne <anne@acme.test>\r\nTo: bob@example.test\r\nSubject: Apples\r\n"


def faults(raw: bytes) -> set[Fault]:
    return {found.fault for found in scan(raw).faults}


def body(message: Message, part: Part) -> bytes:
    return message.raw[part.body : part.end]


def test_a_plain_message_is_part_one():
    message = scan(HEAD + b"\r\nHello\r\n")

    assert message.root.number == "1"
    assert body(message, message.root) == b"Hello\r\n"
    assert [field.name for field in message.root.fields] == ["from", "to", "subject"]
    assert message.values("subject") == ["Apples"]
    assert message.faults == ()


def test_a_folded_field_is_one_field_and_its_octets_are_kept():
    raw = b"From: a@b.test\r\nSubject: one\r\n\ttwo\r\n three\r\n\r\n"
    message = scan(raw)

    field = message.root.fields[1]
    assert raw[field.start : field.end] == b"Subject: one\r\n\ttwo\r\n three\r\n"
    assert message.values("subject") == ["one two three"]


def multipart(inner: bytes, kind: bytes = b"mixed", boundary: bytes = b"b1") -> bytes:
    head = HEAD + b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind, boundary)
    return head + inner


def test_parts_stand_between_delimiters_with_preamble_and_epilogue_outside():
    raw = multipart(
        b"preamble\r\n--b1\r\n\r\none\r\n--b1\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b1--\r\nepilogue\r\n"
    )
    message = scan(raw)

    one, two = message.root.children
    assert (one.number, two.number) == ("1", "2")
    assert (body(message, one), body(message, two)) == (b"one", b"two")
    assert two.content_type == "text/html"
    assert message.root.closed
    assert message.faults == ()
    assert [raw[a:b] for a, b in message.root.delimiters] == [b"\r\n--b1\r\n", b"\r\n--b1\r\n", b"\r\n--b1--\r\n"]


def test_without_a_closing_delimiter_the_last_part_runs_to_the_end():
    message = scan(multipart(b"--b1\r\n\r\none\r\n--b1\r\n\r\ntwo\r\n"))

    assert [body(message, part) for part in message.root.children] == [b"one", b"two\r\n"]
    assert not message.root.closed
    assert message.faults == ()


def test_an_outer_delimiter_ends_an_inner_multipart():
    inner = b"--b1\r\nContent-Type: multipart/alternative; boundary=b11\r\n\r\n--b11\r\n\r\nin\r\n--b1\r\n\r\nout\r\n--b1--\r\n"
    message = scan(multipart(inner))

    first, second = message.root.children
    assert [child.number for child in first.children] == ["1.1"]
    assert body(message, first.children[0]) == b"in"
    assert body(message, second) == b"out"


def test_a_line_that_only_begins_like_a_delimiter_is_text():
    message = scan(multipart(b"--b1\r\n\r\n--b1x\r\ntext --b1\r\n--b1  \t\r\n\r\ntwo\r\n--b1--"))

    assert body(message, message.root.children[0]) == b"--b1x\r\ntext --b1"
    assert len(message.root.children) == 2


def test_neighbouring_delimiters_make_an_empty_part():
    message = scan(multipart(b"--b1\r\n--b1\r\n\r\ntwo\r\n--b1--\r\n"))

    assert [body(message, part) for part in message.root.children] == [b"", b"two"]


def test_an_attached_message_is_one_part_whatever_is_in_it():
    inner = b"--b1\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--b1--\r\n"

    assert scan(multipart(inner)).root.children[0].children == []


@pytest.mark.parametrize(
    ("value", "kind", "name", "expected"),
    [
        (b"text/html; charset=utf-8", "text/html", "charset", "utf-8"),
        (b'TEXT/HTML; Charset="UTF-8"', "text/html", "charset", "UTF-8"),
        (b"text/plain; charset=us-ascii (plain)", "text/plain", "charset", "us-ascii"),
        (b'text/plain; name="a\\"b"', "text/plain", "name", 'a"b'),
        (b"text/plain; name*=utf-8''%C3%A4.txt", "text/plain", "name", "ä.txt"),
        (b"text/plain; name*0=one; name*1=two", "text/plain", "name", "onetwo"),
        (b"text/plain; name*0*=utf-8'de'%C3%A4; name*1=x", "text/plain", "name", "äx"),
        (b"text/plain; charset=a; charset=b", "text/plain", "charset", "a"),
        (b"text; charset=koi8-r", "text/plain", "charset", "koi8-r"),
        (b"text/plain;\r\n\tformat=flowed", "text/plain", "format", "flowed"),
    ],
)
def test_content_type_is_read_as_people_write_it(value, kind, name, expected):
    root = scan(HEAD + b"Content-Type: " + value + b"\r\n\r\n").root

    assert root.content_type == kind
    assert root.parameters[name] == expected


def test_disposition_filename_and_encoding_are_read():
    head = (
        b'Content-Disposition: attachment; filename="=?utf-8?B?w6QucGRm?="\r\nContent-Transfer-Encoding: BASE64\r\n'
    )
    root = scan(HEAD + head + b"\r\n").root

    assert (root.disposition, root.filename, root.encoding) == ("attachment", "ä.pdf", "base64")


def test_an_mbox_line_is_no_part_of_the_message():
    message = scan(b"From anne@acme.test Mon Nov 23 10:00:00 2026\r\n" + HEAD + b"\r\nHi\r\n")

    assert message.faults == ()
    assert message.root.start == 46
    assert message.values("from") == ["Anne <anne@acme.test>"]


NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (depth, depth) for depth in range(300)
)
ENCODED = b"Content-Transfer-Encoding: %s\r\n"
UNNAMED = b"Content-Type: multipart/mixed\r\n\r\n--n%d\r\nContent-ID: <%d>\r\n"
BROKEN = {
    "long line": (HEAD + b"\r\n" + b"x" * 999 + b"\r\n", Fault.LONG_LINE),
    "long last line": (HEAD + b"\r\nok\r\n" + b"x" * 2000, Fault.LONG_LINE),
    "8-bit header": (HEAD + "X-Name: Änne\r\n\r\n".encode(), Fault.EIGHT_BIT_HEADER),
    "no field": (HEAD + b"this is none\r\nX-A: y\r\n\r\n", Fault.BAD_HEADER),
    "folded first line": (b" x: y\r\n" + HEAD + b"\r\n", Fault.BAD_HEADER),
    "field without name": (b": x\r\n" + HEAD + b"\r\n", Fault.BAD_HEADER),
    "a From in two lines": (b"From\r\n : <eve@evil.test>\r\n" + HEAD + b"\r\n", Fault.BAD_HEADER),
    "large header": (HEAD + b"X-A: " + b"\r\n ".join([b"y" * 900] * 120) + b"\r\n\r\n", Fault.HEADERS_TOO_LARGE),
    "many fields": (HEAD + b"X-A: y\r\n" * 500 + b"\r\n", Fault.HEADERS_TOO_LARGE),
    "many addresses": (HEAD + b"Cc: " + b",\r\n ".join([b"a@b.test"] * 1001) + b"\r\n\r\n", Fault.TOO_MANY_ADDRESSES),
    "two From": (HEAD + b"From: eve@acme.test\r\n\r\n", Fault.DUPLICATE_FIELD),
    "two types": (HEAD + b"Content-Type: text/plain\r\ncontent-type: text/html\r\n\r\n", Fault.DUPLICATE_FIELD),
    "no From": (b"To: bob@example.test\r\n\r\n", Fault.MISSING_FROM),
    "no header": (b"\r\nHello\r\n", Fault.MISSING_FROM),
    "nothing": (b"", Fault.MISSING_FROM),
    "nested 300 deep": (HEAD + NESTED, Fault.TOO_DEEP),
    "1,001 parts": (multipart(b"--b1\r\n\r\n\r\n" * 1001 + b"--b1--\r\n"), Fault.TOO_MANY_PARTS),
    "two encodings": (HEAD + b"".join(map(ENCODED.__mod__, (b"7bit", b"base64"))) + b"\r\n", Fault.DUPLICATE_FIELD),
    "two senders": (HEAD + b"Sender: a@acme.test\r\nSender: b@acme.test\r\n\r\n", Fault.DUPLICATE_FIELD),
    "broken seven deep": (
        HEAD + b"".join(UNNAMED % (n, n) for n in range(7)),
        Fault.BROKEN_MULTIPART,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_could_be_read_in_two_ways_is_a_fault(name):
    raw, fault = BROKEN[name]

    assert fault in faults(raw)


WHOLE = {
    "line of 998": HEAD + b"\r\n" + b"x" * 998 + b"\r\n",
    "no body": HEAD,
    "no Date": HEAD + b"\r\n",
    "500 fields": HEAD + b"X-A: y\r\n" * 497 + b"\r\n",
    "1,000 addresses": HEAD + b"Cc: " + b",\r\n ".join([b"a@b.test"] * 1000) + b"\r\n\r\n",
    "1,000 parts": multipart(b"--b1\r\n\r\n\r\n" * 1000 + b"--b1--\r\n"),
    "blank before the colon": HEAD + b"X-A : y\r\n\r\n",
    "fold of blanks": HEAD + b"X-A: y\r\n \r\n\r\n",
    "two Cc, Reply-To and Message-ID": HEAD + b"Cc: a@b.test\r\nReply-To: a@b.test\r\nMessage-ID: <a@b>\r\n" * 2,
    "one encoding said twice": HEAD + b"".join(map(ENCODED.__mod__, (b"8bit", b" 8BIT"))) + b"\r\n",
    "two Received": HEAD + b"Received: x\r\nReceived: y\r\n\r\n",
    "8-bit body": HEAD + b"\r\n\xe4\xf6\xfc\r\n",
    "many mail addresses in names": HEAD + b"Cc: " + b",\r\n ".join([b'"a@b.test" <a@b.test>'] * 700) + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_odd_but_harmless_messages_have_no_fault(name):
    assert faults(WHOLE[name]) == set()


def test_a_part_may_be_nested_fifty_deep():
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (d, d) for d in range(50))

    assert Fault.TOO_DEEP not in faults(HEAD + nested + b"\r\nx\r\n")


@given(st.binary(max_size=600))
@settings(max_examples=150, deadline=None)
def test_no_octets_make_it_raise(octets):
    scan(octets)


@given(st.lists(st.sampled_from([
    b"From: a@b.test\r\n", b"\r\n", b"--x\r\n", b"--x--\r\n", b"--y\r\n", b"text\r\n", b"Content-Type: text/html\r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\n", b'Content-Type: multipart/alternative; boundary="y"\r\n', b" fold\r\n",
]), max_size=30))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_parts_lie_within_their_parents_and_in_order(pieces):
    message = scan(b"".join(pieces))
    waiting = [message.root]
    while waiting:
        part = waiting.pop()
        assert part.start <= part.body <= part.end <= len(message.raw)
        at = part.body
        for child in part.children:
            assert at <= child.start <= child.end <= part.end
            at = child.end
        waiting.extend(part.children)


WORST = {
    "lines": lambda n: HEAD + b"\r\n" + b"x\r\n" * n,
    "delimiters": lambda n: multipart(b"--b1\r\n" * n),
    "near delimiters": lambda n: multipart(b"--b1\r\n\r\n" + b"--b1x\r\n" * n),
    "bad header lines": lambda n: b"x" + b"\r\nx" * min(n, 30_000),
    "encodings": lambda n: (ENCODED % b"7bit") * min(n, 490),
    "no delimiters": lambda n: HEAD + b"Content-Type: multipart/mixed\r\n\r\n" + b"--x \t" * n + b"\r\n--x\t\r\n" * n,
    "folds": lambda n: HEAD + b"X: y" + b"\r\n y" * min(n, 30_000),
}


@pytest.mark.parametrize("name", WORST)
def test_twice_the_message_takes_at_most_about_twice_the_time(name):
    small, large = WORST[name](10_000), WORST[name](40_000)
    scan(small)

    assert _fastest(large) < 4 * 3.0 * _fastest(small) + 0.002


def _fastest(raw: bytes) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        scan(raw)
        times.append(time.perf_counter() - start)
    return min(times)
