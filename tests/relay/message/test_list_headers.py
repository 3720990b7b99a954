"""List-* and feedback fields, and the header writer under them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rewriting_samples import COPY, RECIPE

from relay.message import list_headers, trace
from relay.message.header_fields import HeaderFault, header_field, relaxed


def test_one_click_fields_are_as_rfc_8058_asks():
    fields = list_headers.of_copy(RECIPE, COPY) | dict(list_headers.shared(RECIPE))

    assert fields["list-unsubscribe"] == (
        b"List-Unsubscribe: <https://relay.example/u/AbCdEfGh0123456789-_=x>,\r\n"
        b" <mailto:u-abcdefgh@b.relay.example>\r\n"
    )
    assert fields["list-unsubscribe-post"] == b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    assert fields["list-id"] == b"List-Id: kabar <kabar.kopi.b.relay.example>\r\n"
    assert fields["feedback-id"] == b"Feedback-ID: panen:kabar:kopi:Post-Haus\r\n"
    assert fields["cfbl-address"] == b"CFBL-Address: fbl@b.relay.example; report=arf\r\n"
    assert fields["cfbl-feedback-id"] == b"CFBL-Feedback-ID: f-abcdefgh\r\n"


def test_a_service_stream_has_no_list_fields_and_no_loop_has_no_feedback_fields():
    quiet = replace(RECIPE, list_headers=False, feedback_loop=False)

    assert list_headers.of_copy(quiet, COPY) == {}
    assert list_headers.shared(quiet) == []
    assert list_headers.varying_names(quiet) == []


def test_a_feedback_id_has_four_fields_whatever_the_campaign_is_called():
    fields = dict(list_headers.shared(replace(RECIPE, campaign="a:b c::d", list_name="")))

    assert fields["feedback-id"] == b"Feedback-ID: a-b-c-d:all:kopi:Post-Haus\r\n"
    assert fields["list-id"].startswith(b"List-Id: kopi <")


def test_received_is_folded_and_missing_fields_are_added_once():
    assert trace.received(RECIPE) == (
        b"Received: from [127.0.0.1] (client.example [127.0.0.1]) by relay.example with\r\n"
        b" ESMTPSA id 01KB; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    )
    added = dict(trace.missing(frozenset({"content-type"}), RECIPE))
    assert added["date"] == b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    assert added["message-id"] == b"Message-ID: <01KB0000000000000000000000.c0ffee@relay.example>\r\n"
    assert added["mime-version"] == b"MIME-Version: 1.0\r\n"
    assert trace.missing(frozenset({"date", "message-id"}), RECIPE) == []


_VALUES = ("organisation", "list_id_domain", "campaign", "list_name", "account_name", "received_from", "mail_domain")


@given(st.sampled_from(_VALUES), st.text(max_size=60))
def test_no_recipe_value_can_start_another_field(name, text):
    recipe = replace(RECIPE, **{name: text})
    try:
        octets = b"".join([field for _, field in list_headers.shared(recipe)]) + trace.received(recipe)
    except HeaderFault:
        return
    assert_header(octets)


@given(st.text(max_size=300))
def test_a_written_field_is_one_field_of_short_lines_or_a_fault(text):
    try:
        octets = header_field("X-Test", text)
    except HeaderFault:
        assert not (text.isascii() and text.isprintable() and len(text) < 900)
        return
    assert_header(octets)
    assert relaxed(octets) == b"x-test:" + b" ".join(text.encode().split(b" ")).strip() + b"\r\n" or "  " in text


@pytest.mark.parametrize("text", ["a\r\nBcc: b", "a\nb", "a\0b", "ä", "a\x7f", "x" * 1100])
def test_control_characters_other_letters_and_endless_words_are_faults(text):
    with pytest.raises(HeaderFault):
        header_field("Subject", text)
    with pytest.raises(HeaderFault):
        header_field(f"X{text}: ", "a")


def assert_header(octets: bytes) -> None:
    lines = octets.split(b"\r\n")
    assert lines.pop() == b""
    for line in lines:
        assert 0 < len(line) <= 998
        assert line.strip()
        assert line[:1] == b" " or b":" in line
        assert all(32 <= octet < 127 for octet in line)
