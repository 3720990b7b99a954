"""The PostgreSQL that all tests of a session share."""

from __future__ import annotations

from collections.abc import Iterator

import postgres_server
import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.PostgresServer]:
    """Started once; who stops or freezes it takes one of their own (`postgres_server.running`)."""
    with postgres_server.running() as server:
        yield server
