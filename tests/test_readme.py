"""README is true: its commands run, its table is the register's, its links lead somewhere."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.policy_table import filled

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.S)
COMMANDS = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
RUN_ELSEWHERE = {
    "make run",
    "make test",
    "make bench",
    "make docs",
    "relay serve",
    "relay ready --wait 30",
    "relay doctor",
}
"""The demo, the suite itself, and what needs a running relay: tests/e2e and tests/relay/doctor run these."""
ANSWERS = {"relay explain": 1}
"""The README's REF is an example: there is no such refusal."""


def test_the_table_of_clauses_is_the_registers():
    assert filled(README) == README


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_link_leads_to_a_file(target):
    assert (ROOT / target).exists()


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text()
    for command in COMMANDS:
        if command.startswith("make "):
            assert f"\n{command.split()[1]}:" in makefile


def test_the_commands_run_in_the_order_they_stand(tmp_path):
    (tmp_path / "relay.toml").write_text("[dns]\ncheck_domains = false\n")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    rows = f"email,consented_at,consent_source\nbob@example.org,{yesterday},form\n"
    (tmp_path / "subscribers.csv").write_text(rows)
    message = "From: owner@acme.test\nTo: bob@example.org\nSubject: Hi\n\nHello\n"
    (tmp_path / "message.eml").write_text(message)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RELAY")}
    environ["PYTHONPATH"] = str(ROOT)
    shell = f'relay() {{ "{sys.executable}" -m relay.cli.main "$@"; }}\n'
    for command in COMMANDS:
        if command in RUN_ELSEWHERE or not command.startswith("relay"):
            continue
        done = subprocess.run(
            ["bash", "-c", shell + command], cwd=tmp_path, env=environ, capture_output=True, text=True
        )
        wanted = next((code for start, code in ANSWERS.items() if command.startswith(start)), 0)
        assert done.returncode == wanted, f"{command}\n{done.stdout}{done.stderr}"


def test_nothing_but_known_commands_stands_in_the_blocks():
    assert {command.split()[0] for command in COMMANDS} == {"make", "relay"}
