"""A file beside the store that keeps every 'no': whole lines only, whoever writes and wherever a crash falls."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from relay.adapters.append_only import AppendOnly, DamagedLine

ANNE, BUDI = {"address": "anne@example.test", "at": 1}, {"address": "budi@example.test", "at": 2}


@pytest.fixture
def file(tmp_path):
    return AppendOnly(tmp_path / "noes.log")


def test_what_was_appended_is_read_in_its_order_and_is_the_owners_alone(file):
    file.append([ANNE, BUDI])
    file.append([ANNE])

    assert list(file.read()) == [ANNE, BUDI, ANNE]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_no_file_holds_nothing_and_nothing_makes_no_file(file):
    file.append([])

    assert list(file.read()) == []
    assert not file.path.exists()


def test_a_line_that_a_crash_tore_harms_no_other(file):
    file.append([ANNE, BUDI])
    os.truncate(file.path, file.path.stat().st_size - 7)

    assert list(file.read()) == [ANNE]
    file.append([BUDI])
    assert list(file.read()) == [ANNE, BUDI]


def test_a_line_that_was_changed_is_named(file):
    file.append([ANNE, BUDI])
    file.path.write_bytes(file.path.read_bytes().replace(b"anne", b"rita"))

    assert list(file.read()) == [DamagedLine(file.path, 1), BUDI]


def test_many_writers_never_mix_their_lines(file):
    with ThreadPoolExecutor(8) as writers:
        for number in range(40):
            writers.submit(AppendOnly(file.path).append, [{"number": number, "text": "x" * 5000}])

    assert sorted(one["number"] for one in file.read()) == list(range(40))
