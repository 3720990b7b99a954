"""A backup while the store is written to, and what a restore brings back, says again and parks, on each store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from store_clock import MARCH_1, SetClock
from test_spool import copies, message

from policies.address import Address
from policies.facts import SuppressionReason
from relay.adapters.store.archive import Unusable
from relay.adapters.store.backup import make_backup
from relay.adapters.store.contacts import contact_id_of, made_contact
from relay.adapters.store.engine import open_store
from relay.adapters.store.history import Act
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.adapters.store.noes import Wish, keep
from relay.adapters.store.outside import Outside
from relay.adapters.store.restore import NoKeyRing, Restored, Restoring
from relay.adapters.store.schema import upgrade
from relay.adapters.store.spool_state import spool_state
from relay.adapters.store.verification import verify_store
from relay.identifiers import new_ref
from relay.ports import CopyState

RING = {1: "a fingerprint"}
ACME = 7
ANNE, BUDI = Address.parse("anne@example.test"), Address.parse("budi@example.test")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def opened(url: str, data_dir: Path) -> MailStore:
    """The store with its files beside it, and an account that contacts may belong to."""
    engine = open_store(url)
    await upgrade(engine)
    async with engine.begin() as connection:
        sql = "INSERT INTO account (account_id, name, created_at) VALUES (7, 'acme', 1)"
        await connection.execute(text(sql))
    await engine.close()
    await asyncio.to_thread(data_dir.mkdir, exist_ok=True)
    return open_mail_store(url, SetClock(), timedelta(minutes=15), data_dir)


async def say_no(store: MailStore, address: Address, at: datetime) -> int:
    """The address as a contact who opted out of everything; the contact's id."""
    async with store.engine.begin() as connection:
        contact_id = await made_contact(connection, ACME, address, "", at)
        await keep(connection, Wish(ACME, address, 0, SuppressionReason.OPT_OUT, "page", Act("recipient", at)))
    return contact_id


async def noes(store: MailStore) -> set[str]:
    async with store.engine.connect() as connection:
        return set(await connection.scalars(text("SELECT address_key FROM suppression WHERE lifted_at IS NULL")))


async def restored(url: str, tmp_path: Path, backup: Path) -> tuple[Restored, MailStore]:
    done = await Restoring(url, tmp_path / "var", RING, NOW).run(backup)
    return done, open_mail_store(url, SetClock(), timedelta(minutes=15), tmp_path / "var")


async def test_a_restore_is_the_backup_with_every_no_since_and_its_queue_parked(url: str, tmp_path: Path) -> None:
    store = await opened(url, tmp_path / "var")
    waits, sent = new_ref(), new_ref()
    await store.spool.commit(message(waits), copies(waits), None)
    done = [replace(one, state=CopyState.SENT, next_attempt_at=None) for one in copies(sent)]
    await store.spool.commit(message(sent), done, None)
    await say_no(store, ANNE, MARCH_1)
    backup = tmp_path / "one.backup"
    await make_backup(store.engine, backup, tmp_path / "var", RING, NOW)
    later = new_ref()
    await store.spool.commit(message(later), copies(later), None)
    budi = await say_no(store, BUDI, MARCH_1 + timedelta(hours=1))
    await store.close()

    told, store = await restored(url, tmp_path, backup)

    assert (told.parked, told.people, told.noes, told.damaged) == (1, 1, 1, ())
    assert await noes(store) == {ANNE.key, BUDI.key}
    async with store.engine.connect() as connection:
        assert await contact_id_of(connection, ACME, BUDI) == budi, "the link of a reader added since finds them"
    assert await spool_state(store.engine, later) is None
    state = await spool_state(store.engine, waits)
    assert state is not None
    assert [one.state for one in state.copies] == [CopyState.QUARANTINED]
    assert await store.spool.claim(NOW + timedelta(days=9), NOW + timedelta(days=10), 10) == []
    assert (await spool_state(store.engine, sent)).copies[0].state is CopyState.SENT  # type: ignore[union-attr]
    await store.close()


async def test_a_restore_of_a_restore_forgets_nobody(url: str, tmp_path: Path) -> None:
    store = await opened(url, tmp_path / "var")
    first, second = tmp_path / "first.backup", tmp_path / "second.backup"
    await make_backup(store.engine, first, tmp_path / "var", RING, NOW)
    await say_no(store, ANNE, MARCH_1)
    await make_backup(store.engine, second, tmp_path / "var", RING, NOW)
    await store.close()
    for file in (Outside.of(tmp_path / "var").noes, Outside.of(tmp_path / "var").people):
        file.path.unlink()  # a new machine: the files come back with the backup

    _, store = await restored(url, tmp_path, second)
    await store.close()
    _, store = await restored(url, tmp_path, first)

    assert await noes(store) == {ANNE.key}
    assert not [one for one in await verify_store(store, tmp_path / "var", {}) if "key ring" not in one.what]
    await store.close()


async def test_what_another_node_kept_is_said_again_too(url: str, tmp_path: Path) -> None:
    store = await opened(url, tmp_path / "var")
    backup = tmp_path / "one.backup"
    await make_backup(store.engine, backup, tmp_path / "var", RING, NOW)
    await say_no(store, ANNE, MARCH_1)
    await store.close()
    other = tmp_path / "other.log"
    Outside.of(tmp_path / "var").noes.path.rename(other)

    told = await Restoring(url, tmp_path / "var", RING, NOW, [other]).run(backup)

    assert told.noes == 1
    assert other.read_bytes() == Outside.of(tmp_path / "var").noes.path.read_bytes()


@pytest.mark.parametrize("ring", [{}, {1: "another fingerprint"}], ids=["no keys", "other keys"])
async def test_without_its_key_ring_nothing_is_touched(url: str, tmp_path: Path, ring: dict[int, str]) -> None:
    store = await opened(url, tmp_path / "var")
    backup = tmp_path / "one.backup"
    await make_backup(store.engine, backup, tmp_path / "var", RING, NOW)
    await say_no(store, ANNE, MARCH_1)

    with pytest.raises(NoKeyRing, match="key 001"):
        await Restoring(url, tmp_path / "var", ring, NOW).run(backup)

    assert await noes(store) == {ANNE.key}
    await store.close()


@pytest.mark.parametrize("damage", ["cut", "bit", "nothing of ours"])
async def test_a_backup_that_is_not_whole_is_refused(url: str, tmp_path: Path, damage: str) -> None:
    store = await opened(url, tmp_path / "var")
    await say_no(store, ANNE, MARCH_1)
    backup = tmp_path / "one.backup"
    await make_backup(store.engine, backup, tmp_path / "var", RING, NOW)
    await store.close()
    whole = bytearray(backup.read_bytes())
    if damage == "cut":
        del whole[len(whole) // 2 :]
    else:
        place = whole.index(b'"page"')  # within noes.log
        whole[place + 1] ^= 1
    backup.write_bytes(b"no backup at all" if damage == "nothing of ours" else bytes(whole))

    with pytest.raises(Unusable):
        await Restoring(url, tmp_path / "var", RING, NOW).run(backup)
