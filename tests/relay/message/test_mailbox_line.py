"""The separator of mailbox files goes; nothing else does."""

import pytest

from relay.message.mailbox_line import without_mailbox_line

MESSAGE = b"From: a@acme.test\r\n\r\nFrom here on it is text\r\n"


@pytest.mark.parametrize("separator", [b"", b"From a@acme.test Mon Nov 23 12:00:00 2026\r\n", b">From somebody\r\n"])
def test_a_separator_before_the_header_is_taken_off(separator):
    assert without_mailbox_line(separator + MESSAGE) == MESSAGE


def test_a_line_without_its_end_is_left_alone():
    assert without_mailbox_line(b"From nobody") == b"From nobody"
