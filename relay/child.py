"""One process of `relay serve`: a worker, the keeper or the web server, as the supervisor starts it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

import relay.adapters.sqlite_binding  # noqa: F401  (first: one SQLite library in this process)
from config.load import Loaded, load
from config.mistakes import ConfigError
from policies.verdict import clean
from relay.app import App
from relay.smtp.certificate import CertificateFault

Role = Callable[[App, "Life"], Awaitable[None]]

_COLLECT_EVERY = 20_000
"""Objects made before the collector looks for cycles: a message makes hundreds, and none of them in a circle."""
BEAT_SECONDS = 5.0
"""Between two signs of life; a service manager's watchdog must wait longer."""


class Life:
    """When this process is ready, must read its settings again, and must end."""

    def __init__(self, read: Callable[[], Loaded]) -> None:
        self.read = read
        self.ending = asyncio.Event()
        self.reloads: list[Callable[[Loaded], None]] = []
        self.broken: Callable[[], bool] = bool
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.ending.set)
        loop.add_signal_handler(signal.SIGINT, self.ending.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        if os.environ.get("RELAY_SUPERVISED"):
            loop.add_reader(sys.stdin.fileno(), self._supervisor_gone)

    def ready(self) -> None:
        """Tell the supervisor that this process does its work from now on."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_EVERY, 20, 20)
        if os.environ.get("RELAY_SUPERVISED"):
            os.write(2, b"ready\n")
            asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        """The loop turns; a blocked one says nothing. A writer broken for good ends the process for a new one."""
        if self.broken():
            self.ending.set()
            return
        with contextlib.suppress(OSError):
            os.write(2, b"alive\n")
        asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)

    def _supervisor_gone(self) -> None:
        if not os.read(sys.stdin.fileno(), 1):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.ending.set()

    def _reload(self) -> None:
        """The supervisor checked the file; one that broke since leaves the old settings in force."""
        trouble = []
        try:
            loaded = self.read()
            for renew in self.reloads:
                renew(loaded)
        except ConfigError as error:
            trouble = [str(one) for one in error.mistakes]
        except (CertificateFault, OSError) as error:
            trouble = [str(error)]
        if os.environ.get("RELAY_SUPERVISED"):
            os.write(2, f"reloaded: {clean('; '.join(trouble))}\n".encode())


async def _worker(app: App, life: Life) -> None:
    servers = await app.smtp_servers()
    life.reloads.append(app.renew)
    life.ready()
    await life.ending.wait()
    async with asyncio.TaskGroup() as group:
        for server in servers:
            group.create_task(server.drain())
    await app.commit.drain()


async def _keeper(app: App, life: Life) -> None:
    keeper = app.keeper()
    notices = app.refusal_notices(keeper.wake)
    house = app.housekeeping()
    life.reloads.append(lambda loaded: house.renew(loaded.settings))
    life.reloads += [app.renew, lambda loaded: notices.renew(loaded.settings.notices)]
    async with asyncio.TaskGroup() as group:
        group.create_task(keeper.run())
        group.create_task(app.retention(life.ending))
        group.create_task(notices.run(life.ending))
        group.create_task(house.run(life.ending))
        life.ready()
        await life.ending.wait()
        keeper.stop()


async def _web(app: App, life: Life) -> None:
    server = app.web_server()
    life.reloads.append(app.renew)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve())
        await server.until_started()
        life.ready()
        await life.ending.wait()
        server.stop()
        await serving


ROLES: dict[str, Role] = {"worker": _worker, "keeper": _keeper, "web": _web}


async def _live(role: Role, read: Callable[[], Loaded]) -> None:
    life = Life(read)
    app = await App.open(read())
    life.broken = lambda: app.store.writer.broken
    try:
        await role(app, life)
    finally:
        await app.close()


def main() -> int:
    """`python -m relay.child ROLE`, with the supervisor's environment."""
    role = ROLES[sys.argv[1]]
    named = os.environ.get("RELAY_CONFIG")
    path = Path(named) if named else None
    try:
        uvloop.run(_live(role, lambda: load(path, os.environ)))
    except ConfigError as error:
        print("\n".join(str(mistake) for mistake in error.mistakes), file=sys.stderr)
        return 78
    return 0


if __name__ == "__main__":
    sys.exit(main())
