"""`relay db`: the store's schema, and whether it is sound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import typer
from sqlalchemy import text

from relay.adapters.sqlite_binding import sqlite_version, version_floor_ok
from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.schema import SchemaState, check, upgrade
from relay.cli.invocation import invocation
from relay.cli.output import Exit, Failure, print_line

app = typer.Typer(help="The store.")


@app.command()
def init(ctx: typer.Context) -> None:
    """Make the tables of an empty store; one that is ready stays as it is."""
    _run(ctx, _migrated)


@app.command()
def migrate(ctx: typer.Context) -> None:
    """Bring an older store up to this program's schema, in one transaction."""
    _run(ctx, _migrated)


@app.command("check")
def check_(ctx: typer.Context) -> None:
    """Whether the store can be reached, is of today's schema, and is sound."""
    _run(ctx, _checked)


def _run(ctx: typer.Context, work: Callable[[Engine], Awaitable[str]]) -> None:
    settings = invocation(ctx).settings
    if settings.store.url.startswith("sqlite") and not version_floor_ok():
        version = ".".join(map(str, sqlite_version()))
        raise Failure(f"SQLite {version} can lose committed transactions; 3.51.3 or newer is needed", Exit.CONFIG)
    print_line(asyncio.run(_with(settings.store.url, work)))


async def _with(url: str, work: Callable[[Engine], Awaitable[str]]) -> str:
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
    await upgrade(engine)
    return "the store is ready" if state is SchemaState.EMPTY else "the store was brought up to date"


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
