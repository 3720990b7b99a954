"""What a campaign is made of: each batch plays some faults against a relay of its own and asks the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chaos import Chaos
from driver import PEOPLE, Client, Load, Smarthost, letter, new_ident, offer, reckon, store
from ledger import Account, Ledger
from matrix import play_matrix
from power import at_rest, recording, replay
from queues import NO_NOTICES, QUICK_QUEUE, SLOW_QUEUE
from running import Running
from syscalls import EVERYTHING, STORE, Meddling, meddling, struck

import relay.adapters.sqlite_binding  # noqa: F401  (a SQLite that knows what the relay wrote)


@dataclass
class Outcome:
    """`done`: faults played; `faults`: what must not have come of them."""

    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, account: Account) -> None:
        names = ("messages", "promised", "copies", "cut_off")
        self.counts.update({name: getattr(account, name) for name in names})
        self.counts.update({"listed twice": len(account.listed), "lost": len(account.lost)})
        self.counts.update({"doubled": len(account.doubled), "let in": len(account.let_in)})
        self.faults += [line for line in account.faults().splitlines() if line]


@dataclass
class Bench:
    """Makes relays, each with a smarthost of its own; all data in one folder."""

    folder: Path
    _made: int = 0

    def _prepared(self) -> Path:
        prepared = self.folder / "prepared"
        if not prepared.exists():
            prepared.mkdir(parents=True)
            relay = Running(prepared)
            relay.here("db", "init")
            relay.account()
            relay.subscribe(*PEOPLE)
        return prepared / "var"

    @contextlib.contextmanager
    def relay(self, settings: str, through: int = 0, workers: int = 1) -> Iterator[tuple[Client, Smarthost]]:
        """A running one; `through`: the port of a proxy before its smarthost."""
        self._made += 1
        folder = self.folder / f"relay{self._made}"
        shutil.copytree(self._prepared(), folder / "var")
        smarthost = Smarthost()
        url = f"smtp://127.0.0.1:{through}" if through else smarthost.url
        running = Running(folder, smarthost=url, settings=settings + NO_NOTICES, workers=workers)
        running.start()
        try:
            yield Client(running, Ledger()), smarthost
        finally:
            with contextlib.suppress(ProcessLookupError):
                running.kill()
            smarthost.close()
        shutil.rmtree(folder)

    def close(self) -> None:
        """Nothing outlives its batch."""


def weather(address: str, chance: random.Random) -> str:
    """The smarthost now and then defers a copy, and refuses one reader for good."""
    if address == PEOPLE[29]:
        return "550 5.1.1 nobody here"
    return "450 4.2.1 busy" if chance.random() < 0.1 and address in PEOPLE else ""


def under_load(
    bench: Bench, seed: int, times: int, trouble: Callable[[Client, random.Random], None], workers: int = 1
) -> Outcome:
    """Six clients send; so many times there is trouble; in the end the ledger must agree."""
    chance, outcome = random.Random(seed), Outcome()
    with bench.relay(QUICK_QUEUE, workers=workers) as (client, smarthost):
        smarthost.sink.thinks = 0.01
        smarthost.sink.refuse = lambda address: weather(address, chance)
        with Load(client, 6, seed):
            for _ in range(times):
                time.sleep(chance.uniform(0.1, 0.7))
                trouble(client, chance)
                outcome.done += 1
            time.sleep(0.3)
        smarthost.sink.refuse = lambda _address: ""
        outcome.add(reckon(client, smarthost))
        outcome.faults += unfair(client.ledger)
    return outcome


def unfair(ledger: Ledger) -> list[str]:
    """5xx that no smarthost gave: a fault of ours is a 4xx."""
    return [
        f"refused for a fault of ours: {entry.ident} {answer}"
        for entry in ledger.entries.values()
        for answer in entry.answers
        if answer.code >= 500 and "smarthost.refused" not in answer.text
    ]


# ---------------------------------------------------------------- the batches


def kills(bench: Bench, seed: int) -> Outcome:
    """The whole relay, or one of two workers, or the keeper."""

    def kill(client: Client, chance: random.Random) -> None:
        children = client.relay.children()
        if chance.random() < 0.25 or not children:
            client.relay.kill()
            client.relay.start()
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(children), signal.SIGKILL)
        time.sleep(chance.uniform(0.5, 3.0))

    return under_load(bench, seed, 10, kill, workers=2)


def stops(bench: Bench, seed: int) -> Outcome:
    def stop(client: Client, _: random.Random) -> None:
        assert client.relay.stop() == 0
        client.relay.start()

    return under_load(bench, seed, 5, stop)


def pauses(bench: Bench, seed: int) -> Outcome:
    """A process that sleeps and wakes again, as on a machine that swaps."""

    def pause(client: Client, chance: random.Random) -> None:
        pid = chance.choice(client.relay.children())
        os.kill(pid, signal.SIGSTOP)
        time.sleep(chance.uniform(0.1, 2.5))
        os.kill(pid, signal.SIGCONT)

    return under_load(bench, seed, 10, pause, workers=2)


def locks(bench: Bench, seed: int) -> Outcome:
    """Another process holds the store's write lock, shorter or longer than the two seconds a commit waits."""

    def lock(client: Client, chance: random.Random) -> None:
        with contextlib.closing(sqlite3.connect(store(client.relay), timeout=20, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            time.sleep(chance.uniform(0.1, 3.0))
            holder.execute("ROLLBACK")

    return under_load(bench, seed, 8, lock)


def calls(bench: Bench, seed: int) -> Outcome:
    """System calls of the workers and the keeper that fail once, or at which the process dies."""
    missed = Counter[str]()

    def meddle(client: Client, chance: random.Random) -> None:
        kills = chance.random() < 0.5
        what = "signal=SIGKILL" if kills else f"error={chance.choice(('EIO', 'ENOSPC', 'EINTR', 'EDQUOT'))}"
        fault = Meddling(EVERYTHING if kills else STORE, what, chance.randint(1, 60 if kills else 25))
        pids = [pid for pid in client.relay.children() if b"web" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        record = client.relay.folder / "calls"
        with contextlib.suppress(PermissionError), meddling(pids, fault, record):
            time.sleep(0.8)
        missed["struck" if struck(record) else "missed"] += 1

    outcome = under_load(bench, seed, 12, meddle)
    outcome.counts.update(missed)
    outcome.done = missed["struck"]
    return outcome


def cuts(bench: Bench, seed: int) -> Outcome:
    """One record of a relay at work, and the power cut behind each of its promises in four ways."""
    chance, outcome = random.Random(seed), Outcome()
    with bench.relay(SLOW_QUEUE) as (client, smarthost):
        smarthost.sink.refuse = lambda address: "450 4.2.1 busy" if address == PEOPLE[5] else ""
        relay, record = client.relay, bench.folder / "record"
        client.send("bulk", PEOPLE[:2])
        base = at_rest(store(relay))
        with recording([relay.process.pid, *relay.children()], record):  # type: ignore[union-attr]
            assert at_rest(store(relay)) == base, "somebody wrote before the record began"
            session = client.session("bulk")
            for _ in range(50):
                people = chance.sample(PEOPLE[:12], chance.choice((2, 3, 7)))
                assert (
                    offer(session, people, letter(new_ident("cut"), "Hello.\r\n" * chance.randint(1, 900))).code
                    == 250
                )
            session.quit()
        found = replay(base, record, bench.folder / "disk", 50, seed, ways=4)
    outcome.done = found.cuts
    outcome.counts.update({"promises": found.promises, "lost": len(found.lost)})
    outcome.faults = found.lost + found.broken
    return outcome


def storm(bench: Bench, seed: int) -> Outcome:
    """A network between relay and smarthost that delays, drips, cuts and resets."""
    outcome, loop = Outcome(), asyncio.new_event_loop()
    chance = random.Random(seed)
    proxy = Chaos(0, chance, stormy=0.5)
    loop.run_until_complete(proxy.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    with bench.relay(QUICK_QUEUE, through=proxy.port) as (client, smarthost):
        proxy.target = smarthost.sink.port
        with Load(client, 6, seed):
            time.sleep(12)
        proxy.stormy = 0.0
        outcome.add(reckon(client, smarthost))
        outcome.faults += unfair(client.ledger)
    outcome.done = proxy.spoiled
    asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
    return outcome


def matrix(_: Bench, seed: int) -> Outcome:
    """Every fault of a smarthost at every stage, for 1, 3 and 50 recipients, on both listeners."""
    outcome = Outcome()
    for verdict in asyncio.run(play_matrix(seed)):
        outcome.done += 1
        outcome.counts["wrong"] += bool(verdict)
        outcome.faults += [verdict] if verdict else []
    return outcome


@dataclass(frozen=True, slots=True)
class Batch:
    """One figure of RELIABILITY.md §D."""

    figure: str
    title: str
    target: int
    play: Callable[[Bench, int], Outcome]


BATCHES = (
    Batch("kills", "7: kill -9 of every process at random moments under load", 1000, kills),
    Batch("calls", "7, 9: system calls that fail once, or at which the process dies", 600, calls),
    Batch("cuts", "8: power cuts behind a promise", 500, cuts),
    Batch("matrix", "10: smarthost faults, stage x fault x recipients x listener", 342, matrix),
    Batch("locks", "11: the store locked by another process", 500, locks),
    Batch("pauses", "12: processes stopped and continued, one node", 300, pauses),
    Batch("stops", "14: SIGTERM under load", 200, stops),
    Batch("storm", "66, 67: connections to the smarthost cut, reset, dripped, delayed", 500, storm),
)
