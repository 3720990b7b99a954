"""Real stores for the contract suite: every test that takes `url` runs on each store this machine has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.schema import upgrade


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
