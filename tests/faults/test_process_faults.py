"""Processes that die or end under load: every 250 is kept, and what came twice is listed (rows 59, 68, 72; figure 7).

FAULT_SEED and FAULT_KILLS ask for another run, or a longer one.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from driver import PEOPLE, Client, Load, reckon, until
from ledger import Ledger
from test_smarthost_faults import summary

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("FAULT_SEED", "1"))
KILLS = int(os.environ.get("FAULT_KILLS", "5"))
CLIENTS = 6


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def restless(request, make, quick_queue):
    client, smarthost = make(quick_queue, kind=request.param)
    smarthost.sink.thinks = 0.01
    return client, smarthost


@pytest.fixture
def loaded(restless):
    """A ledger of its own, a smarthost that now and then defers a copy, and refuses one reader for good."""
    client, smarthost = restless
    chance = random.Random(SEED)
    smarthost.sink.taken.clear()
    smarthost.sink.refuse = lambda address: weather(address, chance)
    yield Client(client.relay, Ledger()), smarthost
    if client.relay.process.poll() is not None:
        client.relay.start()


def weather(address, chance):
    if address == PEOPLE[29]:
        return "550 5.1.1 nobody here"
    return "450 4.2.1 busy" if chance.random() < 0.1 and address in PEOPLE else ""


def settled(client, smarthost):
    smarthost.sink.refuse = lambda _address: ""
    return reckon(client, smarthost)


def workers_of(relay):
    command = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in relay.children()}
    return [pid for pid, words in command.items() if b"worker" in words]


@pytest.mark.timeout(600)
def test_killed_at_random_moments_it_loses_nothing(loaded, capsys):
    client, smarthost = loaded
    chance = random.Random(SEED)
    # What a kill does to a promise is the same on both; PostgreSQL's own part is that its transaction ends.
    kills = KILLS if client.relay.store_url.startswith("sqlite") else max(KILLS // 3, 1)

    with Load(client, CLIENTS, SEED):
        for _ in range(kills):
            time.sleep(chance.uniform(0.2, 0.9))
            client.relay.kill()
            client.relay.start()
        time.sleep(0.3)
    account = settled(client, smarthost)

    with capsys.disabled():
        print(f"\n{kills} kills, seed {SEED}: {summary(account)}")
    assert account.clean(), account.faults()
    assert account.promised > kills, "too little load to prove anything"
    doubled = {name.split()[0] for name in account.listed}
    assert len(doubled) <= CLIENTS * kills, "more than the sessions in flight"


@pytest.mark.timeout(400)
def test_sigterm_under_load_ends_every_session_in_order(loaded, capsys):
    client, smarthost = loaded

    with Load(client, CLIENTS, SEED) as load:
        time.sleep(0.7)
        code = client.relay.stop()
        load.stop()
    answers = [answer for entry in client.ledger.entries.values() for answer in entry.answers]
    client.relay.workers = 2
    client.relay.start()
    account = settled(client, smarthost)

    with capsys.disabled():
        print(f"\nSIGTERM: {summary(account)}")
    assert code == 0
    assert account.clean(), account.faults()
    assert account.cut_off == 0
    assert {answer.code for answer in answers if answer.phase != "mail"} <= {250, 450, 550}
    assert not account.listed


@pytest.mark.timeout(400)
def test_a_killed_worker_is_replaced_and_others_go_on(loaded, capsys):
    client, smarthost = loaded
    relay = client.relay
    victims = workers_of(relay)
    assert len(victims) == 2
    died_before = deaths(relay)

    with Load(client, CLIENTS, SEED + 1):
        held = [relay.bulk_session() for _ in range(14)]
        time.sleep(0.4)
        os.kill(victims[0], signal.SIGKILL)
        until(lambda: victims[0] not in workers_of(relay), "the worker lives")
        alive = sum(answers(session) for session in held)
        until(lambda: len(workers_of(relay)) == 2, "no new worker")
        time.sleep(0.4)
        os.kill(victims[1], signal.SIGKILL)
        until(lambda: len(set(workers_of(relay)) - set(victims)) == 2, "no new worker")
    account = settled(client, smarthost)

    with capsys.disabled():
        print(f"\n2 workers killed: {summary(account)}")
    assert 0 < alive < len(held)
    assert account.clean(), account.faults()
    assert deaths(relay) - died_before == 2


def deaths(relay):
    return sum(line["event"] == "service.child_died" for line in relay.lines())


def answers(session):
    try:
        return session.noop()[0] == 250
    except OSError:
        return False
    finally:
        session.close()


@pytest.mark.timeout(400)
def test_children_follow_a_killed_supervisor(loaded, capsys):
    client, smarthost = loaded
    relay = client.relay
    children = relay.children()

    with Load(client, CLIENTS, SEED + 2) as load:
        time.sleep(0.5)
        os.kill(relay.process.pid, signal.SIGKILL)
        relay.process.wait(10)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "orphans")
        load.stop()
    relay.start()
    account = settled(client, smarthost)

    with capsys.disabled():
        print(f"\nsupervisor killed: {summary(account)}")
    assert account.clean(), account.faults()
    assert account.cut_off == 0
