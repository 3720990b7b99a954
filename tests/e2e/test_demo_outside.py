"""`relay demo --once`: the table of INTERFACE.md §0, twice at once, each with its own data and ports."""

import re
import subprocess

import pytest
from dialog import REF
from running import RELAY, Running

SHOWN = {
    "consent.missing",
    "consent.withdrawn",
    "consent.expired",
    "consent.unconfirmed",
    "address.role",
    "identity.from",
    "identity.reverse_path",
    "standing.suspended",
    "standing.pending",
    "message.opaque",
}


@pytest.mark.timeout(240)
def test_the_demo_shows_every_verdict_with_rule_reply_and_ref_and_can_be_repeated(tmp_path):
    command = [*RELAY, "demo", "--once"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    runs = [subprocess.Popen(command, cwd=folder, env=Running.environ(), **pipes) for folder in folders]

    for run, folder in zip(runs, folders, strict=True):
        out, err = run.communicate(timeout=200)
        assert (run.returncode, err) == (0, "")
        assert list(folder.iterdir()) == [], "it leaves nothing where it was started"
        check_table(out)


def check_table(out):
    rows = [row for row in out.splitlines() if re.search(REF, row)]
    assert len(rows) >= 12
    assert all(row.startswith("ok ") for row in rows)
    assert {rule for rule in SHOWN if any(f" {rule}: " in row for row in rows)} == SHOWN
    for said in ("footer injected: link, address", "own opt-out link rewritten", "placeholder filled", "partly"):
        assert said in out
    assert "every verdict as expected" in out
