"""Real stores for the contract suite: every test that takes `url` runs on each store this machine has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from postgres_server import PostgresServer, running
from store_clock import SetClock

from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.adapters.store.schema import upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The [store] url of an empty store."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'relay.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    made = server.fresh(migrated="engine" in request.fixturenames)
    yield made
    server.drop(made)


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


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """For tests that stop or freeze it, and start it again."""
    with running() as server:
        yield server


@pytest.fixture
async def breakable(own_server: PostgresServer, clock: SetClock) -> AsyncIterator[MailStore]:
    """A store whose server the test may stop."""
    url = await asyncio.to_thread(lambda: own_server.fresh(migrated=True))
    store = open_mail_store(url, clock, timedelta(minutes=15))
    await store.probe()
    yield store
    await store.close()
