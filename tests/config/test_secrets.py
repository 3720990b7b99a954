"""Passwords in URLs are never shown."""

import pytest

from config.secrets import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("maildir:/srv/outbox", "maildir:/srv/outbox"),
        ("smtp://mx.example:25", "smtp://mx.example:25"),
        ("smtps://relay:hunter2@mx.example:465", "smtps://relay:***@mx.example:465"),
        ("smtps://relay:hun@ter:2@mx.example:465", "smtps://relay:***@mx.example:465"),
        ("postgresql://relay@db.example/relay", "postgresql://relay@db.example/relay"),
        (
            "postgresql://db.example/r?user=a&password=hunter2&x=1",
            "postgresql://db.example/r?user=a&password=***&x=1",
        ),
    ],
)
def test_a_url_is_shown_without_its_password(text, shown):
    assert masked(text) == shown
