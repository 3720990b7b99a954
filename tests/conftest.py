"""What all tests share: a PostgreSQL, folders in memory where there is room, and who runs beside whom."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest

TESTS = Path(__file__).parent
IN_MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30
"""Octets that must be free in memory before the tests' folders go there."""
LONGEST_FIRST = ("faults", "e2e", "store", "relay")
"""Folders whose files are handed out first, so that no core waits for the other at the end."""
ON_BOTH_STORES = ("test_recipients_outside.py", "test_opt_out_outside.py")
"""Tests from outside that always run on PostgreSQL too, as all below tests/store do."""


def pytest_configure() -> None:
    """Hundreds of stores are made and thrown away; what a killed process leaves is the same in memory and on disk."""
    if "TMPDIR" not in os.environ and _roomy(IN_MEMORY):
        os.environ["TMPDIR"] = str(IN_MEMORY)
        tempfile.tempdir = None


def _roomy(folder: Path) -> bool:
    """Programs are run from there too."""
    if not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(folder).free > ROOM


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the order in which files are handed out; a file is one piece of work for pytest-xdist."""
    left_out = [item for item in items if _is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = sorted([item for item in items if not _is_left_out(item)], key=_turn)


def _turn(item: pytest.Item) -> tuple[int, str, bool]:
    """Longest folders first; in a file one store after the other, since each has a server of its own."""
    folder = item.path.relative_to(TESTS).parts[0]
    turn = LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
    return turn, str(item.path), _is_on_postgresql(item)


def _is_left_out(item: pytest.Item) -> bool:
    """Whole servers on PostgreSQL, but for the core: minutes more, for `make test-both`."""
    folder = item.path.relative_to(TESTS).parts[0]
    slow = folder in ("e2e", "faults") and item.path.name not in ON_BOTH_STORES
    return slow and _is_on_postgresql(item) and os.environ.get("RELAY_TEST_STORES") != "both"


def _is_on_postgresql(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    return call is not None and "postgresql" in call.params.values()


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.PostgresServer]:
    """Started once a process; who stops or freezes it takes one of their own (`postgres_server.running`)."""
    with postgres_server.running() as server:
        yield server
