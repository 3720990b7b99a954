"""One running relay that all cheap checks share, others for those that change or break theirs; tools by name."""

import os
import shutil

import pytest
from private_postfix import running as postfix_running
from running import Running
from world import build

PACKAGES = {
    "swaks": "swaks",
    "curl": "curl",
    "postfix": "postfix",
    "opendkim": "opendkim",
    "php": "php-cli libphp-phpmailer",
    "libphp-phpmailer": "libphp-phpmailer",
    "msmtp": "msmtp",
    "npm": "nodejs npm",
    "faketime": "faketime",
    "logrotate": "logrotate",
    "fail2ban-regex": "fail2ban",
    "systemd-analyze": "systemd",
    "chromium": "chromium",
    "nginx": "nginx-light",
}
"""Program -> Debian package or packages."""


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_relay(request, tmp_path_factory):
    """The world of world.py on two workers, on each store; tests take people of their own, leave settings alone."""
    relay = Running(tmp_path_factory.mktemp("relay"), workers=2)
    if request.param == "postgresql":
        relay.store_url = request.getfixturevalue("postgres").fresh()
        relay.configure()
    build(relay)
    relay.start()
    yield relay
    relay.stop()


@pytest.fixture
def own_relay(tmp_path):
    """Not started yet: the test says with which settings."""
    started = []

    def make(**settings):
        relay = Running(tmp_path, **settings)
        relay.here("db", "init")
        relay.account()
        relay.subscribe("anne@example.test", "budi@example.test", "chen@example.test")
        started.append(relay)
        return relay

    yield make
    for relay in started:
        if relay.process is not None and relay.process.poll() is None:
            relay.kill()


@pytest.fixture(scope="session")
def tool():
    """The path of a program; without it the test is skipped by name, and fails under CI."""

    def find(program):
        path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if path is None:
            missing = f"{program} is not installed: apt-get install {PACKAGES[program]}"
            if os.environ.get("CI") == "true":
                pytest.fail(missing)
            pytest.skip(missing)
        return path

    return find


@pytest.fixture(scope="module")
def postfix(tool):
    """A real one as the smarthost; it delivers into Maildirs."""
    program = tool("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix can be started by root only")
    with postfix_running(program) as started:
        yield started
