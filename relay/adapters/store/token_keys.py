"""The key ring a store belongs to: without it every link in mail already sent would be dead (row 73)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from relay.adapters.key_tables import token_key
from relay.adapters.store.engine import Engine, to_us
from relay.adapters.store.names import insert_missing

Fingerprints = Mapping[int, str]
"""By key id."""


async def known_keys(engine: Engine) -> dict[int, str]:
    """Every key this store was ever served with."""
    async with engine.connect() as connection:
        rows = await connection.execute(select(token_key.c.key_id, token_key.c.fingerprint))
        return {row.key_id: row.fingerprint for row in rows}


async def remember_keys(engine: Engine, ring: Fingerprints, at: datetime) -> None:
    """Keys that are new are known from now on."""
    rows = [{"key_id": key, "fingerprint": print_, "first_seen_at": to_us(at)} for key, print_ in ring.items()]
    async with engine.begin() as connection:
        await connection.execute(insert_missing(connection, token_key), rows)


def ring_fault(known: Fingerprints, ring: Fingerprints) -> str:
    """Why a store with these keys cannot be served with this ring; empty: it can."""
    missing = sorted(key for key in known if key not in ring)
    other = sorted(key for key in known if key in ring and ring[key] != known[key])
    faults = [f"key {key:03} is missing" for key in missing] + [f"key {key:03} is another key" for key in other]
    return ", ".join(faults)
