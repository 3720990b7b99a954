"""A running relay per module (cheap checks share it) or per test (those that break it)."""

import pytest
from running import Running


@pytest.fixture(scope="module")
def shared_relay(tmp_path_factory):
    relay = Running(tmp_path_factory.mktemp("relay"))
    relay.relay("db", "init")
    relay.account()
    relay.subscribe("anne@example.test", "budi@example.test", "chen@example.test")
    relay.start()
    yield relay
    relay.stop()


@pytest.fixture
def own_relay(tmp_path):
    """Not started yet: the test says with which settings."""
    started = []

    def make(**settings):
        relay = Running(tmp_path, **settings)
        relay.relay("db", "init")
        relay.account()
        relay.subscribe("anne@example.test", "budi@example.test", "chen@example.test")
        started.append(relay)
        return relay

    yield make
    for relay in started:
        if relay.process is not None and relay.process.poll() is None:
            relay.kill()
