"""Real stores for the contract suite: every test that takes `url` runs on each store this machine has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.adapters.store.schema import upgrade

MARCH_1 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = MARCH_1
        self.seconds = 100.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds


@pytest.fixture(params=["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The [store] url of an empty store."""
    return f"sqlite:///{tmp_path / 'relay.db'}"


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
