"""Power cuts right behind a 250: everything promised is there after the restart (row 60, figure 8).

FAULT_CUTS asks for more cuts, FAULT_SEED for others.
"""

import os

import pytest
from driver import PEOPLE, letter, new_ident, offer, store
from power import at_rest, recording, replay

import relay.adapters.sqlite_binding  # noqa: F401  (a SQLite that knows what the relay wrote)

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("FAULT_SEED", "1"))
CUTS = int(os.environ.get("FAULT_CUTS", "20"))


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("strace")
def test_what_was_promised_survives_every_power_cut(make, tmp_path, capsys):
    client, smarthost = make()
    relay = client.relay
    smarthost.sink.refuse = lambda address: "450 4.2.1 busy" if address == PEOPLE[5] else ""
    client.send("bulk", PEOPLE[:2])
    base = at_rest(store(relay))
    try:
        with recording([relay.process.pid, *relay.children()], tmp_path / "record"):
            assert at_rest(store(relay)) == base, "somebody wrote before the record began"
            promise(client, CUTS)
    except RuntimeError as refused:
        pytest.skip(f"nobody may look on here: {refused}")
    relay.stop()

    found = replay(base, tmp_path / "record", tmp_path / "disk", CUTS, SEED)

    with capsys.disabled():
        print(f"\npower cuts, seed {SEED}: {found.cuts} behind {found.promises} promises, lost {len(found.lost)}")
    assert found.lost == []
    assert found.broken == []
    assert found.cuts >= min(CUTS, found.promises)
    assert found.promises >= CUTS


def promise(client, count):
    """Messages in several copies, some of which wait in the queue; over the listener whose replies can be read."""
    session = client.session("bulk")
    for number in range(count):
        people = PEOPLE[number % 7 : number % 7 + 3]
        answer = offer(session, people, letter(new_ident("power"), "Hello.\r\n" * (1 + number % 5 * 200)))
        assert answer.code == 250, answer
    session.quit()
