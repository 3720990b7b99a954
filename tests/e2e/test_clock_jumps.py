"""The clock jumps by an hour, a day, ten years, there and back, while mail waits (RELIABILITY.md row 70)."""

import os
import re
import time
from pathlib import Path

import pytest
from dialog import rule, send
from running import Running, message

NEWS, OWN = "news@acme.test", "owner@acme.test"
"""The account's own: permission to write to others runs out in ten years."""
AWAY = "[delivery]\ninline_deadline = 1\nconnect_timeout = 0.5\nretry_first = 3600\n"
JUMPS = ("+1h", "-1d", "+10y", "+0")


class Jumping(Running):
    """A relay whose wall clock is what a file says; seconds that pass are never touched."""

    library = ""

    def environ(self):
        told = {"FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"), "FAKETIME_NO_CACHE": "1"}
        told |= {"LD_PRELOAD": self.library, "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return {**Running.environ(), **told, "RELAY__LISTENER__2__ON_UNAVAILABLE": "queue"}

    def jump(self, offset):
        """All at once for every process."""
        part = self.folder / "clock.part"
        part.write_text(f"{offset}\n")
        part.rename(self.folder / "clock")


@pytest.fixture
def relay(tmp_path, tool):
    tool("faketime")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    one = Jumping(tmp_path, smarthost="smtp://127.0.0.1:9", settings=AWAY)
    one.library = str(library)
    one.jump("+0")
    one.here("db", "init")
    one.account()
    one.start()
    yield one
    if one.process.poll() is None:
        one.kill()


def busy(relay):
    """Seconds of processor time of all processes so far (proc(5))."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in relay.children()]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def queued(relay):
    with relay.bulk_session() as session:
        reply = send(session, NEWS, [OWN], message())[-1]
    assert rule(reply).startswith("250 2.0.0"), reply
    return re.search(r"[0-9A-Z]{26}", reply)[0]


def test_no_mail_is_lost_or_given_up_and_no_process_spins(relay):
    refs = [queued(relay)]
    for offset in JUMPS:
        relay.jump(offset)
        time.sleep(0.3)
        before, began = busy(relay), time.monotonic()
        refs.append(queued(relay))
        time.sleep(1.0)
        assert busy(relay) - before < 0.7 * (time.monotonic() - began), offset
        assert relay.http("/healthz")[0] == 200
    waiting = {one["ref"]: one["purpose"] for one in relay.json("queue", "list")}

    assert waiting == dict.fromkeys(refs, "relay"), "nothing expired, and no report says so"
    relay.stop()
    relay.smarthost = "maildir:outbox"
    relay.configure()
    relay.start()
    relay.here("queue", "retry", "--all")
    assert all(len(relay.copies(ref, 1)) == 1 for ref in refs)
    assert relay.command("verify").returncode == 0
