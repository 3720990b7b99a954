"""What the service manager hears over a real datagram socket."""

import asyncio
import socket

import pytest

from relay.notify import ServiceManager
from relay.supervisor import Child


@pytest.fixture(params=["path", "abstract"])
def heard(request, tmp_path):
    """(NOTIFY_SOCKET, a function that returns the next message)."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path.name}-notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        one.settimeout(5)
        yield address, lambda: one.recv(4096).decode().split("\n")


def test_start_reload_and_stop_are_told(heard):
    address, listen = heard
    manager = ServiceManager.of({"NOTIFY_SOCKET": address}, pid=1)

    manager.ready("serving")
    manager.reloading()
    manager.stopping()

    assert listen() == ["READY=1", "STATUS=serving"]
    reloading, since = listen()
    assert reloading == "RELOADING=1"
    assert since.startswith("MONOTONIC_USEC=")
    assert since.partition("=")[2].isdecimal()
    assert listen()[0] == "STOPPING=1"


async def test_signs_of_life_come_while_all_is_well_only(heard):
    address, listen = heard
    manager = ServiceManager(address, watchdog_seconds=0.01)
    asked, enough = [], asyncio.Event()

    def healthy():
        asked.append(len(asked))
        if len(asked) == 4:
            enough.set()
        return len(asked) == 2

    watching = asyncio.create_task(manager.watch(healthy))
    await enough.wait()
    watching.cancel()
    manager.ready("over")

    assert listen() == ["WATCHDOG=1"]
    assert listen()[0] == "READY=1"


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 0.0),
        ({"NOTIFY_SOCKET": "/n"}, 0.0),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "60000000"}, 60.0),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 60.0),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "soon"}, 0.0),
        ({"WATCHDOG_USEC": "60000000"}, 0.0),
    ],
)
def test_the_watchdog_is_ours_only_where_it_is_meant_for_us(environ, seconds):
    assert ServiceManager.of(environ, pid=7).watchdog_seconds == seconds


async def test_without_a_manager_nothing_is_said_and_nothing_is_watched(tmp_path):
    ServiceManager().ready("serving")
    ServiceManager(str(tmp_path / "nobody")).stopping()

    await ServiceManager().watch(lambda: True)


def test_a_child_is_silent_once_it_was_ready_and_then_said_nothing_for_too_long():
    assert not Child("worker").silent(now=1000.0, seconds=60.0)
    assert not Child("worker", heard_at=950.0).silent(now=1000.0, seconds=60.0)
    assert Child("worker", heard_at=940.0).silent(now=1000.0, seconds=60.0)
