"""`relay db`: the store's schema, whether it is sound, and its backups."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import text

from config.schema import Settings
from relay.adapters.sqlite_binding import sqlite_version, version_floor_ok
from relay.adapters.store.archive import Unusable
from relay.adapters.store.backup import make_backup
from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.restore import InUse, NoKeyRing, Restored, Restoring
from relay.adapters.store.schema import SchemaState, check, upgrade
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_note
from relay.key_ring import KeyRing
from relay.premises import migrated_aside
from relay.supervisor import AlreadyRunning, lock

app = typer.Typer(help="The store.")


@app.command()
def init(ctx: typer.Context) -> None:
    """Make the tables of an empty store; one that is ready stays as it is."""
    print_line(_run(ctx, _migrated))


@app.command()
def migrate(ctx: typer.Context) -> None:
    """Bring an older store up to this program's schema, in one transaction; a SQLite file is copied first."""
    print_line(_run(ctx, _migrated))


@app.command("check")
def check_(ctx: typer.Context) -> None:
    """Whether the store can be reached, is of today's schema, and is sound."""
    print_line(_run(ctx, _checked))


@app.command()
def backup(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Default: a new file in data_dir/backups.")
    ] = None,
    json: Json = False,
) -> None:
    """Write one consistent moment of the store, and the files beside it, to a new file; mail goes on meanwhile.

    No keys are in it: relay keys export.
    """
    settings, now = invocation(ctx).settings, datetime.now(UTC)
    target = _target(settings, file, now)

    async def work(engine: Engine) -> None:
        if await check(engine) is not SchemaState.CURRENT:
            raise Failure("the store is not of this program's schema: relay db check", Exit.CONFIG)
        ring = KeyRing.fingerprints_in(settings.data_dir / "keys")
        try:
            await make_backup(engine, target, settings.data_dir, ring, now)
        except OSError as failure:
            raise Failure(f"{target}: {failure.strerror}", Exit.UNAVAILABLE) from None

    _run(ctx, work)
    size = target.stat().st_size
    if json:
        print_json({"file": str(target), "octets": size, "made_at": now.isoformat()})
        return
    print_line(f"{target}: {size:,} octets")
    print_note("the keys are not in it: relay keys export FILE")


def _target(settings: Settings, file: Path | None, now: datetime) -> Path:
    """A file that is not there yet; a folder that is named gets one with a name of the time."""
    name = f"relay-{now:%Y%m%dT%H%M%SZ}.backup"
    folder = settings.data_dir / "backups"
    if file is None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as failure:
            raise Failure(f"{folder}: {failure.strerror}", Exit.UNAVAILABLE) from None
        return folder / name
    target = file / name if file.is_dir() else file
    if target.exists():
        raise Failure(f"{target} is there already")
    if not target.parent.is_dir():
        raise Failure(f"{target.parent} is no folder")
    return target


@app.command()
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that relay db backup made.")],
    noes: Annotated[
        list[Path] | None,
        typer.Option("--noes", metavar="FILE", help="A noes.log of another node or kept elsewhere; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Put a backup in the store's place; what was there is kept. The relay must not run.

    Every opt-out, complaint and suppression since is said again, the queue waits for relay queue retry.
    """
    settings = invocation(ctx).settings
    _check_sqlite(settings)
    for one in (file, *(noes or ())):
        if not one.is_file():
            raise Failure(f"{one} is no file")
    try:
        with lock(settings.data_dir):
            ring = KeyRing.fingerprints_in(settings.data_dir / "keys")
            restoring = Restoring(settings.store.url, settings.data_dir, ring, datetime.now(UTC), noes or ())
            restored = asyncio.run(restoring.run(file))
    except AlreadyRunning as running:
        raise Failure(f"{running}: stop it first", Exit.UNAVAILABLE) from None
    except (Unusable, InUse) as fault:
        raise Failure(f"{file}: {fault}", Exit.REFUSED if isinstance(fault, Unusable) else Exit.UNAVAILABLE) from None
    except NoKeyRing as fault:
        where = settings.data_dir / "keys"
        what = f"{where}: {fault}; links in mail already sent need it: relay keys import FILE, then restore"
        raise Failure(what, Exit.CONFIG) from None
    except OSError as failure:
        raise Failure(f"{file}: {failure.strerror}", Exit.UNAVAILABLE) from None
    _tell(restored, json)


def _tell(restored: Restored, json: bool) -> None:
    aside = str(restored.aside) if restored.aside else None
    if json:
        told = {"made_at": restored.made_at, "aside": aside, "parked": restored.parked}
        damaged = [str(one) for one in restored.damaged]
        print_json({**told, "people": restored.people, "noes": restored.noes, "damaged_lines": damaged})
        return
    print_line(f"the store is as it was at {restored.made_at}")
    print_line(f"{restored.noes} opt-outs, complaints and suppressions made since are in force again")
    print_line(f"{restored.people} readers added since are known again to their links")
    print_line(f"{restored.parked} copies are parked: relay queue list, then relay queue retry or drop")
    if aside:
        print_line(f"what was there is kept: {aside}")
    for line in restored.damaged:
        print_note(f"{line}; it was left out")


def _run(ctx: typer.Context, work: Callable[[Engine], Awaitable[str | None]]) -> str:
    settings = invocation(ctx).settings
    _check_sqlite(settings)
    return asyncio.run(_with(settings.store.url, work)) or ""


def _check_sqlite(settings: Settings) -> None:
    if settings.store.url.startswith("sqlite") and not version_floor_ok():
        version = ".".join(map(str, sqlite_version()))
        raise Failure(f"SQLite {version} can lose committed transactions; 3.51.3 or newer is needed", Exit.CONFIG)


async def _with(url: str, work: Callable[[Engine], Awaitable[str | None]]) -> str | None:
    engine = open_store(url)
    try:
        return await work(engine)
    finally:
        await engine.close()


async def _migrated(engine: Engine) -> str:
    state = await check(engine)
    if state is SchemaState.NEWER:
        raise Failure("the store was made by a newer release, which this one does not know", Exit.CONFIG)
    if state is SchemaState.CURRENT:
        return "the store is up to date"
    if state is SchemaState.OLDER:
        return await migrated_aside(engine)
    await upgrade(engine)
    return "the store is ready"


async def _checked(engine: Engine) -> str:
    state = await check(engine)
    if state is SchemaState.EMPTY:
        raise Failure("the store is empty: relay db init")
    if state is not SchemaState.CURRENT:
        mend = "relay db migrate" if state is SchemaState.OLDER else "install the release that made it"
        raise Failure(f"the store's schema is {state} than this program: {mend}", Exit.CONFIG)
    if engine.sqlite:
        async with engine.connect() as connection:
            found = await connection.scalar(text("PRAGMA quick_check"))
        if found != "ok":
            raise Failure(f"the store is damaged: {found}")
    return "the store is up to date and sound"
