"""A relay in front of a smarthost that fails on demand: set up once, copied for whoever breaks its own."""

import shutil

import pytest
from driver import PEOPLE, Client, Smarthost
from ledger import Ledger
from running import Running

SLOW_QUEUE = """[delivery]
inline_deadline = 2
connect_timeout = 1
retry_first = 3600
in_doubt_after = 3600
"""
"""Quick answers; the queue comes back when a test lets time pass."""
QUICK_QUEUE = """[delivery]
inline_deadline = 2
connect_timeout = 1
retry_first = 0.3
retry_max = 1
in_doubt_after = 0.5
in_doubt_tries = 10
"""

NO_NOTICES = """
[notices]
refusals = "off"
"""
"""The smarthost gets what clients send, and reports; mail to owners has tests of its own."""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A data_dir with an account in good standing and its readers."""
    relay = Running(tmp_path_factory.mktemp("prepared"))
    relay.here("db", "init")
    relay.account()
    relay.subscribe(*PEOPLE)
    return relay.folder / "var"


@pytest.fixture(scope="session")
def make(prepared, tmp_path_factory):
    """Makes clients of relays, each with a folder and a smarthost of its own."""
    made = []

    def build(settings=SLOW_QUEUE, workers=1, folder=None):
        smarthost = Smarthost()
        folder = folder or tmp_path_factory.mktemp("relay")
        shutil.copytree(prepared, folder / "var", dirs_exist_ok=True)
        relay = Running(folder, smarthost=smarthost.url, settings=settings + NO_NOTICES, workers=workers)
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
