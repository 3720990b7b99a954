"""The schema's version: what the store has, what this program knows, and the way from one to the other."""

from __future__ import annotations

from enum import StrEnum

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


def configuration() -> Config:
    """Alembic's settings; the scripts come from the package, so no file outside it is read."""
    config = Config()
    config.set_main_option("script_location", "relay.adapters:migrations")
    return config


def _upgrade(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _check(connection: Connection) -> SchemaState:
    current = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(configuration())
    if current is None:
        return SchemaState.EMPTY
    if current == scripts.get_current_head():
        return SchemaState.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState.OLDER if current in known else SchemaState.NEWER
