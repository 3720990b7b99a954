from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from relay.journal import MAX_MEMBER, LineJournal, json_line, line_of, text_line
from relay.ports import Event

AT = datetime(2026, 3, 1, 12, 0, 5, 123456, UTC)
REF = "01KB0000000000000000000000"


def event(**fields: str | int | float | None) -> Event:
    return Event("recipient.refused", REF, AT, "warning", 7, "acme", fields)


def written(**fields: str | int | float | None) -> dict[str, object]:
    line = json_line(line_of(event(**fields), "node1"))
    assert b"\n" not in line
    return json.loads(line)


def test_at_level_event_ref_and_node_always_stand_first() -> None:
    line = line_of(Event("service.queue", REF, AT), "node1")
    assert line == {
        "at": "2026-03-01T12:00:05.123Z",
        "level": "info",
        "event": "service.queue",
        "ref": REF,
        "node": "node1",
    }


def test_members_stand_in_one_order_whatever_order_they_came_in() -> None:
    line = line_of(event(size=3, reply="550 no", list="news", zone="x", client="192.0.2.1"), "node1")
    assert list(line)[5:] == ["account", "list", "client", "size", "reply", "zone"]


def test_what_is_not_known_is_left_out_and_zero_is_known() -> None:
    line = line_of(event(list="", rule=None, size=0), "node1")
    assert list(line)[5:] == ["account", "size"]


def test_time_is_written_as_utc() -> None:
    jakarta = timezone(timedelta(hours=7))
    assert line_of(Event("confirm", REF, AT.astimezone(jakarta)), "n")["at"] == "2026-03-01T12:00:05.123Z"


def test_an_event_stays_one_line_whatever_a_client_sends() -> None:
    nasty = 'bob"\r\n{"event":"forged"}\x00\x1b[31m\x7f\x9b31m\u2028\u202e\udc80'
    line = json_line(line_of(event(recipient=nasty), "node1"))
    assert not any(one < 0x20 or one == 0x7F for one in line)
    for forbidden in ("\x9b", "\u2028", "\u202e"):
        assert forbidden.encode() not in line
    assert json.loads(line)["recipient"].startswith('bob"\r\n{"event":"forged"}\x00\x1b[31m\\x7f')


def test_a_long_member_is_cut() -> None:
    assert len(str(written(why="x" * 10_000)["why"])) == MAX_MEMBER


def test_a_number_too_large_for_the_fast_writer_loses_no_event() -> None:
    assert written(size=2**70)["size"] == 2**70


def test_evidence_of_any_shape_is_written() -> None:
    line = json_line({"domains": frozenset({"b", "a"}), "at": AT, "parts": (1, 2), "what": 1j})
    assert json.loads(line)["domains"] == ["a", "b"]
    assert json.loads(line)["parts"] == [1, 2]


@given(st.text(), st.text())
def test_no_text_breaks_a_line_for_people(reply: str, recipient: str) -> None:
    text = text_line(line_of(event(reply=reply, recipient=recipient), "node1"), colour=False)
    assert text.isprintable()


@given(st.text())
def test_no_text_makes_a_journal_raise(text: str) -> None:
    LineJournal("node1", [], None).write(event(recipient=text, **{"odd": text}))


def test_a_line_for_people_says_when_what_whom_and_why() -> None:
    line = line_of(event(recipient="bob@example.org", reply="550 5.7.1 consent.missing: no"), "node1")
    assert text_line(line, colour=False) == (
        f"12:00:05 recipient.refused  acme <bob@example.org> 550 5.7.1 consent.missing: no {REF}"
    )


def test_colour_is_for_terminals_only() -> None:
    line = line_of(event(why="x"), "node1")
    assert "\x1b[33m" in text_line(line, colour=True)
    assert "\x1b" not in text_line(line, colour=False)


def test_a_failed_delivery_names_its_smarthost_and_error() -> None:
    line = line_of(Event("delivery.deferred", REF, AT, fields={"smarthost": "mx1", "error": "timed out"}), "n")
    assert "mx1: timed out" in text_line(line, colour=False)
