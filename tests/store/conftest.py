"""Real stores for the contract suite: every test that takes `url` runs on each store this machine has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from store_clock import SetClock

from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.adapters.store.schema import upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The [store] url of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'relay.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.fresh(migrated="engine" in request.fixturenames)


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Engine]:
    """A store with this program's schema, for arranging and looking."""
    store = open_store(url)
    await upgrade(store)
    yield store
    await store.close()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def store(engine: Engine, url: str, clock: SetClock) -> AsyncIterator[MailStore]:
    """The store as a process that handles mail opens it."""
    opened = open_mail_store(url, clock, timedelta(minutes=15))
    yield opened
    await opened.close()
