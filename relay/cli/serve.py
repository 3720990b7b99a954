"""`relay serve`: all listeners, web, retry queue and retention."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from config.load import load
from config.schema import Settings
from relay.adapters.journal_output import open_outputs
from relay.adapters.sqlite_binding import version_floor_ok
from relay.cli.invocation import Invocation, invocation
from relay.cli.output import Exit, Failure
from relay.identifiers import new_ref
from relay.journal import LineJournal
from relay.notify import ServiceManager
from relay.ports import Event
from relay.premises import NotServable, Premises
from relay.supervisor import AlreadyRunning, PortTaken, Supervisor, lock

app = typer.Typer()


@app.command()
def serve(
    ctx: typer.Context,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=256, help="Default: one per CPU on Linux.")
    ] = None,
) -> None:
    """Run the relay until SIGTERM or Ctrl-C. SIGHUP reads the configuration again."""
    call = invocation(ctx)
    settings = call.settings
    if settings.store.url.startswith("sqlite") and not version_floor_ok() and "RELAY_DEMO" not in os.environ:
        raise Failure("this machine's SQLite can lose commits; install the pysqlite3 package", Exit.CONFIG)
    try:
        with lock(settings.data_dir):
            code = asyncio.run(_serve(call, settings, workers or _one_per_cpu()))
    except AlreadyRunning as error:
        raise Failure(str(error), Exit.UNAVAILABLE) from None
    except (PortTaken, OSError) as error:
        raise Failure(str(error), Exit.UNAVAILABLE) from None
    except NotServable as error:
        raise Failure(str(error), Exit.CONFIG) from None
    raise typer.Exit(code)


def _one_per_cpu() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


async def _serve(call: Invocation, settings: Settings, workers: int) -> int:
    premises = Premises(settings, datetime.now(UTC))
    migrated = await premises.ready()
    await premises.end_leases()
    journal = LineJournal(socket.gethostname(), open_outputs(settings.log, os.environ), None)

    def say(event: str, level: str, fields: Mapping[str, str | int]) -> None:
        journal.write(Event(event, new_ref(), datetime.now(UTC), level, fields=dict(fields)))

    if migrated:
        say("service.migrated", "warning", {"why": migrated})

    def read() -> Settings:
        """The file as it is now, whole, or ConfigError; log files are opened anew for the reload."""
        loaded = load(call.path, call.environ)
        journal.reopen()
        return loaded.settings

    environ = dict(call.environ)
    if call.path is not None:
        environ["RELAY_CONFIG"] = str(call.path.absolute())
    try:
        manager = ServiceManager.of(os.environ, os.getpid())
        return await Supervisor(settings, workers, environ, say, read, manager).run()
    finally:
        journal.close()
