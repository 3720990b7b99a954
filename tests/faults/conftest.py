"""A relay in front of a smarthost that fails on demand: set up once, copied for whoever breaks its own."""

import functools
import os
import shutil

import pytest
from driver import PEOPLE, Client, Smarthost
from ledger import Ledger
from queues import NO_NOTICES, QUICK_QUEUE, SLOW_QUEUE
from running import Running


@pytest.fixture(scope="session")
def prepared(request, tmp_path_factory):
    """For "sqlite" or "postgresql" a relay that never runs, with an account in good standing and its readers."""

    @functools.cache
    def prepare(kind):
        relay = Running(tmp_path_factory.mktemp("prepared"))
        if kind == "postgresql":
            relay.store_url = request.getfixturevalue("postgres").fresh()
            relay.configure()
        relay.here("db", "init")
        relay.account()
        relay.subscribe(*PEOPLE)
        return relay

    return prepare


@pytest.fixture(scope="session")
def make(request, prepared, tmp_path_factory):
    """Makes clients of relays, each with a folder, a store and a smarthost of its own."""
    made = []

    def build(settings=SLOW_QUEUE, workers=1, folder=None, kind="sqlite"):
        smarthost = Smarthost()
        folder = folder or tmp_path_factory.mktemp("relay")
        pattern = prepared(kind)
        shutil.copytree(pattern.folder / "var", folder / "var", dirs_exist_ok=True)
        url = pattern.store_url
        if kind == "postgresql":
            url = request.getfixturevalue("postgres").copy(url)
        settings += NO_NOTICES
        relay = Running(folder, smarthost=smarthost.url, settings=settings, workers=workers, store_url=url)
        made.append((relay, smarthost))
        relay.start()
        return Client(relay, Ledger()), smarthost

    yield build
    for relay, smarthost in made:
        if relay.process is not None and relay.process.poll() is None:
            relay.stop()
        smarthost.close()


@pytest.fixture(scope="session")
def steady(make):
    """One relay for all tests that leave it as they found it; (client, smarthost)."""
    return make()


@pytest.fixture(scope="session")
def quick_queue():
    return QUICK_QUEUE


@pytest.fixture
def strace():
    """Skips by name, but not in CI: what only strace can break is not left untested there."""
    if shutil.which("strace") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("strace is missing: apt-get install strace")
        pytest.skip("needs strace: apt-get install strace")
