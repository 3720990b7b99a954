"""The schema's version: what the store has, what this program knows, and the way from one to the other."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from relay.adapters.store.engine import Engine


class SchemaState(StrEnum):
    """What a store's schema is to this program."""

    EMPTY = "empty"
    """Nothing there yet: `relay db init`."""
    OLDER = "older"
    """`relay db migrate` brings it up to date."""
    CURRENT = "current"
    NEWER = "newer"
    """Made by a later release, which this one does not know: refuse."""


async def upgrade(engine: Engine) -> None:
    """Bring the store to this program's schema, in one transaction: killed half-way, nothing has changed."""
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)


async def check(engine: Engine) -> SchemaState:
    """Compare the store's schema version with this program's; changes nothing."""
    async with engine.connect() as connection:
        return await connection.run_sync(_check)


def knows(revision: str) -> bool:
    """Whether this program has a schema of that name, today's or an earlier one."""
    return revision in {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}


async def breaking(engine: Engine, config: Config | None = None) -> list[str]:
    """What of the way to today's schema the release before could not live with; empty: it only adds.

    A migration says so itself: ADDITIONS_ONLY = False beside its revision.
    """
    async with engine.connect() as connection:
        current = await connection.run_sync(_revision)
    scripts = ScriptDirectory.from_config(config or configuration())
    ahead = scripts.iterate_revisions("head", current or "base")
    return [script.revision for script in ahead if not getattr(script.module, "ADDITIONS_ONLY", True)]


def newest() -> str:
    """Today's revision."""
    return str(ScriptDirectory.from_config(configuration()).get_current_head())


def configuration(more: Path | None = None) -> Config:
    """Alembic's settings; the scripts come from the package, and from a folder of more where one is given."""
    config = Config()
    config.set_main_option("script_location", "relay.adapters:migrations")
    if more is not None:
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", f"{files('relay.adapters.migrations')}/versions\n{more}")
    return config


def _upgrade(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _check(connection: Connection) -> SchemaState:
    current = _revision(connection)
    scripts = ScriptDirectory.from_config(configuration())
    if current is None:
        return SchemaState.EMPTY
    if current == scripts.get_current_head():
        return SchemaState.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState.OLDER if current in known else SchemaState.NEWER
