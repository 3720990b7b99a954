from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from relay.adapters.journal_output import ThreadedOutput
from relay.journal import LineJournal
from relay.ports import Event

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def event(ref: str) -> Event:
    return Event("unsubscribe", ref, AT)


def refs(path: Path) -> list[str]:
    return [json.loads(line)["ref"] for line in path.read_bytes().splitlines()]


def test_every_line_reaches_the_file_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log" / "relay.log"
    journal = LineJournal("n", [ThreadedOutput(path, text=False, colour=False)], None)
    for number in range(1000):
        journal.write(event(str(number)))
    journal.close()
    assert refs(path) == [str(number) for number in range(1000)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_rotated_file_is_left_after_a_reload(tmp_path: Path) -> None:
    path, old = tmp_path / "relay.log", tmp_path / "relay.log.1"
    first = LineJournal("n", [ThreadedOutput(path, text=False, colour=False)], None)
    first.write(event("before"))
    first.close()
    journal = LineJournal("n", [ThreadedOutput(path, text=False, colour=False)], None)
    path.rename(old)
    journal.reopen()
    journal.write(event("after"))
    journal.close()
    assert refs(old) == ["before"]
    assert refs(path) == ["after"]


def test_text_and_json_go_out_side_by_side(tmp_path: Path) -> None:
    people, machines = tmp_path / "people", tmp_path / "machines"
    outputs = [ThreadedOutput(people, text=True, colour=False), ThreadedOutput(machines, text=False, colour=False)]
    journal = LineJournal("n", outputs, None)
    journal.write(event("R1"))
    journal.close()
    assert people.read_text() == "12:00:00 unsubscribe        R1\n"
    assert refs(machines) == ["R1"]


def test_a_reader_that_is_gone_costs_lines_and_nothing_else() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    output = ThreadedOutput(writing, text=False, colour=False)
    output.put(b"one\n")
    output.put(b"two\n")
    output.close()
    os.close(writing)
    assert output.lost() == 2
    assert output.lost() == 0


def test_lines_beyond_the_bound_are_dropped_and_counted_while_nobody_waits() -> None:
    reading, writing = os.pipe()
    output = ThreadedOutput(writing, text=False, colour=False, max_waiting=100)
    for _ in range(500):
        output.put(b"x" * 4095 + b"\n")
    os.close(reading)
    output.close()
    os.close(writing)
    assert 500 - 65536 // 4096 <= output.lost() <= 500
