"""One command's hold on the store: opened, checked, closed; what the store refuses ends the command with exit 1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TypeVar

import typer
from sqlalchemy import text

from config.schema import Settings
from policies.address import Address
from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.history import Act
from relay.adapters.store.names import NotAllowed, NotFound
from relay.adapters.store.outside import Outside
from relay.cli.invocation import invocation
from relay.cli.output import Exit, Failure
from relay.key_ring import KeyRing
from relay.ports import StoreUnavailable
from relay.tokens import Tokens

T = TypeVar("T")


def act(by: str) -> Act:
    """Something that this person does now."""
    return Act(by, datetime.now(UTC))


def recogniser(settings: Settings) -> Callable[[Address], str]:
    """The keyed hash of an address; the key ring is opened, and where there is none made, by its first use alone."""

    @cache
    def tokens() -> Tokens:
        return Tokens(KeyRing.open(settings.data_dir / "keys"))

    return lambda address: tokens().person(address)


def with_store(ctx: typer.Context, work: Callable[[Engine], Awaitable[T]]) -> T:
    """Run `work` on the configured store; an empty one is made ready first. Failure 1 where the store says no."""
    return asyncio.run(_worked(invocation(ctx).settings, work))


async def _worked(settings: Settings, work: Callable[[Engine], Awaitable[T]]) -> T:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = open_store(settings.store.url).beside(Outside.of(settings.data_dir)).recognising(recogniser(settings))
    try:
        await _made_ready(engine)
        return await work(engine)
    except (NotFound, NotAllowed) as no:
        raise Failure(str(no)) from None
    finally:
        await engine.close()


async def _made_ready(engine: Engine) -> None:
    """Only a store that is not today's costs the loading of the migrations."""
    if await _revision(engine) == _newest():
        return
    from relay.adapters.store.schema import SchemaState, check, upgrade

    state = await check(engine)
    if state is SchemaState.EMPTY:
        await upgrade(engine)
    elif state is SchemaState.OLDER:
        raise Failure("the store is older than this program: relay db migrate", Exit.CONFIG)
    elif state is SchemaState.NEWER:
        raise Failure("the store was made by a newer release, which this one does not know", Exit.CONFIG)


async def _revision(engine: Engine) -> str:
    try:
        async with engine.connect() as connection:
            found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except StoreUnavailable:
        return ""  # no such table, or no store: the check that follows tells which
    return str(found or "")


def _newest() -> str:
    """The revision that the newest migration bears in its file name."""
    names = [one.name for one in files("relay.adapters.migrations.versions").iterdir()]
    return max(name.partition("_")[0] for name in names if name[:1].isdigit())
