"""MIME types as RFC 2045 spells them."""

import pytest

from relay.message.mime_header import content_type


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Text/HTML; charset=utf-8", "text/html"),
        ("multipart/*; boundary=b", "multipart/*"),
        ("text/html*", "text/html*"),
        ("application/x~'`{odd}|", "application/x~'`{odd}|"),
        ("nonsense", "text/plain"),
        ("text/", "text/plain"),
    ],
)
def test_a_type_is_two_tokens(value, expected):
    assert content_type(value)[0] == expected
