"""Everything a store promises of itself, asked at once (RELIABILITY.md §E10 and row 73); changes nothing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from relay.adapters.store import replay
from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.outside import Outside
from relay.adapters.store.spool_recovery import Damage
from relay.adapters.store.token_keys import Fingerprints, known_keys, ring_fault


async def verify_store(store: MailStore, data_dir: Path, ring: Fingerprints) -> list[Damage]:
    """What contradicts itself or is damaged; `ref` is empty where it is of no one message."""
    found = await _file_damage(store)
    found += await store.spool.verify()
    found += await _noes_damage(store, data_dir)
    if fault := ring_fault(await known_keys(store.engine), ring):
        found.append(Damage("", f"the key ring: {fault}"))
    return found


async def _file_damage(store: MailStore) -> list[Damage]:
    if not store.engine.sqlite:
        return []
    async with store.engine.connect() as connection:
        said = list(await connection.scalars(text("PRAGMA integrity_check(20)")))
    return [] if said == ["ok"] else [Damage("", f"the store's file: {one}") for one in said]


async def _noes_damage(store: MailStore, data_dir: Path) -> list[Damage]:
    """Every 'no' that was ever kept beside the store must be in it."""
    outside = Outside.of(data_dir)
    noes, people = replay.read(outside.noes), replay.read(outside.people)
    found = [Damage("", str(line)) for line in noes.damaged + people.damaged]
    async with store.engine.connect() as connection:
        unknown = await replay.unknown_noes(connection, noes.records)
    if unknown:
        found.append(
            Damage("", f"{len(unknown)} opt-outs, complaints or suppressions of {outside.noes.path} are not in it")
        )
    return found
