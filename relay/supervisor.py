"""`relay serve`: a small supervisor over N workers, one keeper and one web process (DESIGN.md §1).

Nothing is shared between the processes but the store. A dead child is started again with back-off; SIGTERM drains
all, SIGHUP checks the configuration and passes it on. Ports are reserved here, so that port 0 means one port for
all workers and a second `serve` cannot slip in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from config.mistakes import ConfigError
from config.schema import Settings
from relay.notify import ServiceManager
from relay.reloading import Changes, Outcome, State, in_force, write_state

DRAIN_SECONDS = 30.0
"""How long children may finish what they began after SIGTERM (RELIABILITY.md row 72)."""
READY, ALIVE, RELOADED = b"ready\n", b"alive\n", b"reloaded"
"""Lines of a child on its standard error: it does its work from now on; it still does; it took new settings over,
or `reloaded: ` and what it could not."""
RELOAD_SECONDS = 10.0
"""Within which every child has taken new settings over."""
_BACK_OFF = (0.2, 1.0, 5.0, 15.0)
_CALM_SECONDS = 60.0


class AlreadyRunning(Exception):
    """Another `serve` holds this data_dir."""


class PortTaken(Exception):
    """A configured address cannot be bound."""


def lock(data_dir: Path) -> IO[str]:
    """Hold data_dir for one `serve`; the lock ends with the process."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (data_dir / "serve.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise AlreadyRunning(f"another relay serves {data_dir}") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def reserve(bind: str) -> socket.socket:
    """Bind without listening: the port is ours, children listen on it (SO_REUSEPORT)."""
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    reserved = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe(reserved.family, host, int(port))
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((host, int(port)))
    except OSError as error:
        reserved.close()
        raise PortTaken(f"cannot listen on {bind}: {error.strerror}") from error
    return reserved


def probe(family: int, host: str, port: int) -> None:
    """Bind once without SO_REUSEPORT: OSError where anybody else listens there."""
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))


def address_of(reserved: socket.socket) -> str:
    host, port = reserved.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(slots=True, eq=False)
class Child:
    """One child process and how often it died lately."""

    role: str
    process: asyncio.subprocess.Process | None = None
    deaths: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    reloaded: asyncio.Future[str] | None = None
    """Done, with its trouble in words, once it took new settings over."""
    heard_at: float | None = None
    """Loop time of its last sign of life; None: it is not ready yet."""

    def took_over(self, trouble: str) -> None:
        if self.reloaded is not None and not self.reloaded.done():
            self.reloaded.set_result(trouble)

    def silent(self, now: float, seconds: float) -> bool:
        """Ready once, and without a sign of life for so long."""
        return self.heard_at is not None and now - self.heard_at >= seconds


class Supervisor:
    """Starts, watches, reloads and ends the children; `say` writes one diagnostic event."""

    def __init__(
        self,
        settings: Settings,
        workers: int,
        environ: Mapping[str, str],
        say: Callable[[str, str, Mapping[str, str | int]], None],
        read: Callable[[], Settings],
        manager: ServiceManager,
    ) -> None:
        self._manager = manager
        self._settings = settings
        self._environ = environ
        self._say = say
        self._read = read
        self._reloads = 0
        self._reload_asked = asyncio.Event()
        self._children = [*(Child("worker") for _ in range(workers)), Child("keeper"), Child("web")]
        self._stopping = asyncio.Event()
        self._reserved: dict[str, socket.socket] = {}

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; 0, or 69 where the children never came up."""
        self._reserve()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        try:
            async with asyncio.TaskGroup() as group:
                watchers = [group.create_task(self._watch(child)) for child in self._children]
                announced = group.create_task(self._announce())
                watched = group.create_task(self._manager.watch(self._healthy))
                reloads = group.create_task(self._reload_when_asked())
                await self._stopping.wait()
                self._manager.stopping()
                announced.cancel()
                await self._drain()
                for task in (*watchers, watched, reloads):
                    task.cancel()
        finally:
            for reserved in self._reserved.values():
                reserved.close()
        self._say("service.stopped", "info", {})
        return 0

    def _reserve(self) -> None:
        for index, listener in enumerate(self._settings.listener):
            self._reserved[f"RELAY__LISTENER__{index}__BIND"] = reserve(listener.bind)
        self._reserved["RELAY__WEB__BIND"] = reserve(self._settings.web.bind)

    def addresses(self) -> dict[str, str]:
        """Variable name -> host:port actually taken."""
        return {name: address_of(reserved) for name, reserved in self._reserved.items()}

    async def _announce(self) -> None:
        for child in self._children:
            await child.ready.wait()
        where: dict[str, str | int] = {"pid": os.getpid(), "web": self.addresses()["RELAY__WEB__BIND"]}
        for index, listener in enumerate(self._settings.listener):
            where[f"{listener.kind}_{index}"] = self.addresses()[f"RELAY__LISTENER__{index}__BIND"]
        self._say("service.started", "info", where)
        self._manager.ready("serving")

    def _healthy(self) -> bool:
        """No child that is ready has been silent for as long as the service manager waits."""
        now = asyncio.get_running_loop().time()
        return not any(one.silent(now, self._manager.watchdog_seconds) for one in self._children)

    async def _watch(self, child: Child) -> None:
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            code = await self._run_once(child)
            if self._stopping.is_set():
                return
            lived = asyncio.get_running_loop().time() - began
            child.deaths = 0 if lived > _CALM_SECONDS else child.deaths + 1
            self._say("service.child_died", "error", {"role": child.role, "code": code, "deaths": child.deaths})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BACK_OFF[min(child.deaths, len(_BACK_OFF) - 1)]):
                    await self._stopping.wait()

    async def _run_once(self, child: Child) -> int:
        """One life of a child. It knows of our end by EOF on its standard input, we of its start by a line."""
        child.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "relay.child",
            child.role,
            env={**self._environ, **self.addresses(), "RELAY_SUPERVISED": "1"},
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert child.process.stderr is not None
        async for line in child.process.stderr:
            if line in (READY, ALIVE):
                child.ready.set()
                child.heard_at = asyncio.get_running_loop().time()
            elif line.startswith(RELOADED):
                child.took_over(line.removeprefix(RELOADED).decode(errors="replace").strip(": \n"))
            else:
                sys.stderr.buffer.write(line)
                sys.stderr.flush()
        child.heard_at = None
        child.took_over("it ended")
        return await child.process.wait()

    async def _reload_when_asked(self) -> None:
        """One reload at a time; what is asked for meanwhile is one more."""
        write_state(self._settings.data_dir, State(0, Outcome()))
        while True:
            await self._reload_asked.wait()
            self._reload_asked.clear()
            self._manager.reloading()
            outcome = await self._reload()
            self._reloads += 1
            with contextlib.suppress(OSError):
                write_state(self._settings.data_dir, State(self._reloads, outcome))
            old = "serving; the settings in the file are refused, the old ones are in force"
            self._manager.ready(old if outcome.refused else "serving")

    async def _reload(self) -> Outcome:
        """Check the whole, pass it on, wait for every process; a bad file changes nothing."""
        try:
            settings = self._read()
        except ConfigError as error:
            mistakes = "; ".join(str(one) for one in error.mistakes)
            self._say("service.reload_refused", "error", {"error": mistakes})
            return Outcome(refused=mistakes)
        changes = Changes.between(self._settings, settings)
        outcome = await self._passed_on(changes)
        fields: dict[str, str | int] = {"processes": outcome.processes}
        fields |= {"changed": " ".join(key for key, _, _ in changes.live)} if changes.live else {}
        fields |= {"needs_restart": " ".join(key for key, _, _ in changes.restart)} if changes.restart else {}
        fields |= {"error": "; ".join(outcome.trouble)} if outcome.trouble else {}
        self._say("service.reloaded", "error" if outcome.trouble else "info", fields)
        # What needs a restart is not in force: it is told again at the next reload.
        self._settings = in_force(self._settings, settings)
        return outcome

    async def _passed_on(self, changes: Changes) -> Outcome:
        loop = asyncio.get_running_loop()
        asked = [one for one in self._children if one.heard_at is not None]
        for one in asked:
            one.reloaded = loop.create_future()
        self._signal(signal.SIGHUP)
        futures = [one.reloaded for one in asked if one.reloaded is not None]
        if futures:
            await asyncio.wait(futures, timeout=RELOAD_SECONDS)
        said = {one: one.reloaded.result() if one.reloaded and one.reloaded.done() else "no answer" for one in asked}
        trouble = tuple(f"{one.role}: {words}" for one, words in said.items() if words)
        return Outcome(changes.live, changes.restart, len(asked) - len(trouble), trouble)

    def _signal(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.process is not None and child.process.returncode is None:
                child.process.send_signal(number)

    async def _drain(self) -> None:
        self._signal(signal.SIGTERM)
        alive = [c.process.wait() for c in self._children if c.process is not None]
        try:
            async with asyncio.timeout(DRAIN_SECONDS + 5):
                await asyncio.gather(*alive)
        except TimeoutError:
            self._signal(signal.SIGKILL)
