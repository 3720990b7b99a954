"""Clause 2.2: logins for a person's own mail send no bulk."""

from dataclasses import replace

import pytest
from people import GOOD, facts, recipient, transaction

from policies.facts import Stream, StreamCounts
from policies.sender.stream import Caps, FewRecipients, OwnWords
from policies.verdict import ACCEPT, Reject

SERVICE, PERSONAL = Caps(1), Caps(25, 200, 20)


def at_rcpt(stream, place=1, today=0):
    one = replace(recipient(), place=place, stream_today=today)
    return FewRecipients(SERVICE, PERSONAL).check(one, facts(stream=stream))


def at_dot(stream, **counts):
    seen = replace(transaction(stream=stream), counts=StreamCounts(**counts))
    return OwnWords(SERVICE, PERSONAL).check(GOOD, seen)


@pytest.mark.parametrize(
    ("stream", "place", "today"),
    [
        (Stream.MARKETING, 1000, 100_000),
        (Stream.SERVICE, 1, 100_000),
        (Stream.PERSONAL, 25, 199),
    ],
)
def test_recipients_within_the_caps_are_taken(stream, place, today):
    assert at_rcpt(stream, place, today) is ACCEPT


@pytest.mark.parametrize(
    ("stream", "place", "today", "words"),
    [
        (Stream.SERVICE, 2, 0, "a login for service mail sends 1 to a message, this is recipient 2"),
        (Stream.PERSONAL, 26, 25, "a login for personal mail sends 25 to a message, this is recipient 26"),
        (Stream.PERSONAL, 1, 200, "a login for personal mail sends 200 copies a day, 200 were sent"),
    ],
)
def test_recipients_beyond_the_caps_are_refused(stream, place, today, words):
    verdict = at_rcpt(stream, place, today)

    assert isinstance(verdict, Reject)
    assert str(verdict.refusal) == f"550 5.7.1 {words}"
    assert verdict.why.startswith(words)


@pytest.mark.parametrize("stream", Stream)
def test_messages_within_the_caps_are_taken(stream):
    assert at_dot(stream, copies_today=200, same_content_today=20) is ACCEPT


def test_only_personal_mail_counts_its_content():
    assert at_dot(Stream.SERVICE, same_content_today=500) is ACCEPT
    assert at_dot(Stream.MARKETING, same_content_today=500) is ACCEPT


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"same_content_today": 21}, "sends 20 messages of one content a day, this is number 21"),
        ({"copies_today": 201}, "sends 200 copies a day, this would make 201"),
    ],
)
def test_messages_beyond_the_caps_are_refused(counts, words):
    verdict = at_dot(Stream.PERSONAL, **counts)

    assert isinstance(verdict, Reject)
    assert str(verdict.refusal) == f"550 5.7.1 a login for personal mail {words}"
