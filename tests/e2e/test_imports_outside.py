"""Imports from outside: killed at any moment and gone on with; ramp and quarantine at a real RCPT; DNS away."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from running import RELAY, Running

from relay.adapters.dns import DnsResolver
from relay.permission.domains import DomainChecks

RECENT = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"
IMPORTS = "[imports]\nmin_rows = 40\n"


def people(count: int) -> list[str]:
    chance = random.Random(3)
    letters = "abcdefghijklmnoprstuvw"
    return ["a".join(chance.choice(letters) for _ in range(6)) + f"@host{at % 9}.test" for at in range(count)]


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    one = Running(tmp_path_factory.mktemp("imports"), settings=IMPORTS)
    one.account()
    one.start()
    yield one
    one.stop()


def import_file(relay: Running, name: str, emails: list[str]) -> tuple[str, ...]:
    (relay.folder / name).write_text("email,consented_at\n" + "".join(f"{one},{RECENT}\n" for one in emails))
    return ("list", "import", "acme", "news", str(relay.folder / name), "--source", "form")


def replies(relay: Running, emails: list[str]) -> list[str]:
    with relay.login() as client:
        client.mail("news@acme.test")
        return [b" ".join([str(code).encode(), text]).decode() for code, text in map(client.rcpt, emails)]


def test_an_import_killed_at_any_moment_goes_on_to_the_same_result(relay):
    command = import_file(relay, "killed.csv", [*people(9000), "info@host.test", "x@gmial.com"])
    ended = 0
    for seconds in (1.2, 1.7, 2.3):
        process = subprocess.Popen(
            [*RELAY, "--config", str(relay.config), *command],
            cwd=relay.folder,
            env=relay.environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        ended += process.poll() == 0
        process.send_signal(signal.SIGKILL)
        process.wait()

    done = relay.json(*command)

    emails = people(9000)
    assert len(set(emails)) == 9000
    assert (done["rows"], done["accepted"]) == (9002, 9000)
    assert done["reasons"] == {"address.role": 1, "address.typo": 1}
    # A run that ended before its kill is a batch of its own; the next began another.
    assert len([one for one in relay.json("list", "batches", "acme") if one["rows"] == 9002]) == 1 + ended


def test_a_big_batch_is_ramped_and_a_stopped_one_refused_at_rcpt(relay):
    emails = [one.replace("host", "ramp") for one in people(50)]
    batch = relay.json(*import_file(relay, "ramp.csv", emails))["batch"]

    ramped = replies(relay, emails[:40])
    relay.here("list", "quarantine", "acme", str(batch), "--reason", "test")
    stopped = replies(relay, emails[:5])

    taken = [one for one in ramped if one.startswith("250")]
    waiting = [one for one in ramped if one.startswith("450 4.7.1 volume.ramp: ")]
    assert 2 <= len(taken) <= 6
    assert len(taken) + len(waiting) == 40
    assert all(one.startswith("550 5.7.1 consent.quarantined: ") for one in stopped)


async def test_a_resolver_that_is_away_is_held_against_nobody():
    checks = DomainChecks(DnsResolver(["127.0.0.1:9"], 0.2))

    assert await checks.dead({"a.example.org", "b.example.org"}) == frozenset()
    assert checks.unknown == 2
