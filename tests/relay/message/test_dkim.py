"""RFC 6376 signatures: verified by dkimpy and by opendkim's own test keys."""

from __future__ import annotations

import re
from dataclasses import replace

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opendkim_library import OpenDkim, library
from rewriting_samples import COPY, HEAD, RECIPE, Keys, message, record, verified

from relay.message.dkim import OVERSIGNED, SIGNED, SigningFault, ended, relaxed_lines, sign_own
from relay.message.rewrite import prepare


def tag(raw: bytes, name: str, number: int = 0) -> str:
    field = re.findall(rb"DKIM-Signature:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", raw)[number].decode()
    found = re.search(rf"[; ]{name}=([^;]*)", field.replace("\r\n", ""))
    assert found is not None
    return re.sub(r"\s+", "", found[1])


def rendered(*lines: str | bytes) -> bytes:
    return prepare(message(*HEAD, *lines), [], RECIPE, Keys()).render(COPY, eight_bit=True)


def test_both_domains_sign_and_both_signatures_verify():
    raw = rendered("Reply-To: a@kopi.example", "", "Halo")

    assert [tag(raw, "d", at) for at in (0, 1)] == ["kopi.example", "b.relay.example"]
    assert verified(raw) == [True, True]


def test_signatures_have_no_length_tag_and_the_time_of_the_recipe():
    raw = rendered("", "Halo")

    assert "l=" not in re.sub(r"b=.*", "", raw.partition(b"\r\n\r\n")[0].decode())
    assert tag(raw, "t") == str(RECIPE.date)
    assert tag(raw, "c") == "relaxed/relaxed"
    assert tag(raw, "a") == "rsa-sha256"


def test_fields_that_must_not_be_added_are_oversigned():
    names = tag(rendered("", "Halo"), "h").split(":")

    for name in OVERSIGNED:
        present = 0 if name == "content-type" else 1
        assert names.count(name) == present + 1
    assert {"message-id", "list-id", "feedback-id", "cfbl-address", "cfbl-feedback-id"} <= set(names)
    assert set(names) <= set(SIGNED)


@pytest.mark.parametrize("field", ["From", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Type"])
def test_a_field_added_on_the_way_breaks_the_signatures(field):
    raw = rendered("", "Halo")

    assert not any(verified(raw.replace(b"\r\n\r\n", f"\r\n{field}: x\r\n\r\n".encode(), 1)))


def test_a_missing_key_is_a_fault_and_not_a_copy_without_signature():
    with pytest.raises(SigningFault):
        prepare(message(*HEAD, "", "Halo"), [], replace(RECIPE, signers=(("kopi.example", "missing"),)), Keys())


def test_mail_of_our_own_is_signed():
    raw = b"From: Haus <no-reply@b.relay.example>\r\nTo: a@b.example\r\nSubject: a\r\n  b\r\n\r\nHalo\r\n\r\n"

    signed = sign_own(raw, Keys(), "b.relay.example", "r2", 1_700_000_000)

    assert signed.endswith(raw)
    assert dkim.verify(signed, dnsfunc=record, minkey=2048)


_LINES = st.lists(st.text(alphabet="ab \t=.é", max_size=12), max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    _LINES, st.lists(st.sampled_from(["X: a\r\n\t b ", "Reply-To:  x@y.example ", "Cc:\tz@y.example"]), max_size=3)
)
def test_any_body_and_any_folding_verifies(lines, fields):
    fields = list({field.partition(":")[0]: field for field in fields}.values())
    assert verified(rendered(*fields, "", *lines)) == [True, True]


@given(st.lists(st.sampled_from([b" ", b"\t", b"a", b"\r\n", b"  ", b"b"]), max_size=40))
def test_relaxed_bodies_are_those_of_dkimpy(pieces):
    body = b"".join(pieces) + b"x\r\n" + b"\r\n" * (len(pieces) % 3)
    assert ended(relaxed_lines(body)) == dkim.canonicalization.Relaxed.canonicalize_body(body)


@pytest.mark.parametrize("empty", [b"", b"\r\n", b"\r\n\r\n", b" \r\n\t\r\n"])
def test_a_body_of_empty_lines_is_an_empty_body(empty):
    assert ended(relaxed_lines(empty)) == b""


@pytest.fixture(scope="module")
def opendkim(tmp_path_factory: pytest.TempPathFactory) -> OpenDkim:
    loaded = library()
    if loaded is None:
        pytest.skip("libopendkim: apt-get install opendkim-tools")
    records = tmp_path_factory.mktemp("dkim") / "records"
    names = (b"r1._domainkey.kopi.example", b"r2._domainkey.b.relay.example")
    records.write_bytes(b"".join([name + b" " + record(name) + b"\n" for name in names]))
    return OpenDkim(loaded, records)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("body", ["Halo", "Halo  \t dunia \r\n\r\n  x\t\r\n\r\n", "", "é\t.\r\n."])
def test_opendkim_verifies_each_signature(opendkim, number, body):
    recipe = replace(RECIPE, signers=(RECIPE.signers[number],))
    one = message(*HEAD, "X: a\r\n\t b ", "Cc:\tz@y.example ", "", body)

    raw = prepare(one, [], recipe, Keys()).render(COPY, eight_bit=True)

    assert opendkim.verify(raw) == 0
    assert opendkim.verify(raw.replace(b"Panen", b"panen")) != 0
