"""What tests of the relay's parts share."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from relay.adapters.store.engine import open_store
from relay.adapters.store.schema import upgrade


@pytest.fixture(scope="session")
def ready_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store of today's schema, made once."""
    path = tmp_path_factory.mktemp("store") / "relay.db"

    async def make() -> None:
        engine = open_store(f"sqlite:///{path}")
        await upgrade(engine)
        await engine.close()

    asyncio.run(make())
    return path
