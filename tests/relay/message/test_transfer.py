"""Offsets in quoted-printable and base64, against the standard library's decoders."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.message.transfer import (
    base64_lines,
    encoded_base64,
    encoded_quoted,
    is_strict_quoted,
    quoted,
    quoted_offset,
)

_OCTETS = st.lists(st.sampled_from([b"a", b"=", b" ", b"\xc3\xa9", b"\r\n", b"x" * 30, b"\t", b"."]), max_size=30)


@given(_OCTETS, st.data())
def test_an_offset_splits_the_code_where_it_splits_the_text(pieces, data):
    text = b"".join(pieces)
    raw = encoded_quoted(text)
    assert is_strict_quoted(raw, 0, len(raw), text) or text[-1:] in (b" ", b"\t")
    wanted = data.draw(st.integers(0, len(text)))

    at = quoted_offset(raw, 0, len(raw), wanted)

    assert quopri.decodestring(raw[:at] + b"=\r\n") == text[:wanted]
    assert quopri.decodestring(raw[at:]) == text[wanted:] or text[-1:] in (b" ", b"\t")


@given(_OCTETS, st.integers(0, 75))
def test_quoted_lines_stay_within_76_octets_from_any_column(pieces, column):
    raw, after = quoted(b"".join(pieces), column)
    lines = raw.split(b"\r\n")

    assert len(lines[0]) + column <= 76
    assert all(len(line) <= 76 for line in lines[1:])
    assert after == len(lines[-1]) + (column if len(lines) == 1 else 0)


@pytest.mark.parametrize("raw", [b"a=\r\nb=zz", b"a \r\nb", b"=3", b"a= \r\nb", b"=3d==3d"])
def test_sloppy_code_is_not_counted_in(raw):
    assert not is_strict_quoted(raw, 0, len(raw), quopri.decodestring(raw))


@given(st.binary(max_size=400), st.sampled_from([4, 60, 76]))
def test_even_base64_lines_are_recognised(octets, width):
    raw = encoded_base64(octets, width) + b"\r\n\r\n"

    shape = base64_lines(raw, 0, len(raw), octets)

    assert shape is not None
    assert base64.b64decode(raw) == octets
    line = len(octets) // 2
    start, decoded = shape.line_of(line)
    assert base64.b64decode(raw[start:]) == octets[decoded:]


def test_uneven_base64_lines_are_not():
    assert base64_lines(b"YWJj\r\nZA==\r\nYQ==\r\n", 0, 18, b"abcda") is None
    assert base64_lines(b"YWJj!\r\n", 0, 7, b"abc") is None
