"""The tests have teeth: planted bugs are caught, by name, three a day in turn (RELIABILITY.md §E9)."""

import datetime

import pytest
from planted import BUGS, ROOT, caught, copied

pytestmark = pytest.mark.faults

QUICK = [bug for bug in BUGS if "test_power_cuts" not in bug.test and "test_durability" not in bug.test]
A_DAY = 3


@pytest.fixture(scope="module")
def tree():
    with copied() as tree:
        yield tree


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_every_bug_can_still_be_planted(bug):
    assert (ROOT / bug.file).read_text(encoding="utf-8").count(bug.was) >= 1


@pytest.mark.parametrize("turn", range(A_DAY))
def test_a_planted_bug_is_caught(tree, turn, capsys):
    bug = QUICK[(datetime.datetime.now(datetime.UTC).toordinal() * A_DAY + turn) % len(QUICK)]

    test = caught(tree, bug)

    with capsys.disabled():
        print(f"\nplanted: {bug.name}; caught by {test or 'nobody'}")
    assert test, f"nobody noticed: {bug.name}"
