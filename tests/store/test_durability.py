from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stores import ON_SQLITE

from relay.adapters.clock import SystemClock
from relay.adapters.store.engine import Engine
from relay.adapters.store.mail_store import open_mail_store
from relay.ports import StoreUnavailable

HERE = Path(__file__).parent


async def promised_before_kill(url: str, count: int) -> set[str]:
    """Refs a process named before it was killed in the middle of its work."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "promises.py"), url, stdout=asyncio.subprocess.PIPE, cwd=HERE.parent.parent
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(count)]
    process.send_signal(signal.SIGKILL)
    lines += (await process.stdout.read()).splitlines(keepends=True)
    assert await process.wait() == -signal.SIGKILL
    return {line.decode().strip() for line in lines if line.endswith(b"\n")}


@pytest.mark.faults
@pytest.mark.parametrize("count", [1, 17, 120])
async def test_everything_promised_survives_a_kill_and_nothing_is_half_there(
    engine: Engine, url: str, count: int
) -> None:
    promised = await promised_before_kill(url, count)
    store = open_mail_store(url, SystemClock(), timedelta(minutes=15))
    now = datetime.now(UTC)
    claimed = await store.spool.claim(now, now + timedelta(minutes=1), 100_000)
    assert await store.spool.verify() == []
    await store.close()
    found = {one.message.ref for one in claimed}
    assert promised <= found
    # In flight at the kill: at most one message of each of the eight.
    assert len(found - promised) <= 8
    assert all(one.message.raw == one.message.ref.encode() * 500 for one in claimed)


@ON_SQLITE
@pytest.mark.faults
async def test_a_lock_held_by_another_process_is_waited_for_two_seconds(engine: Engine, url: str) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import relay.adapters.sqlite_binding, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()",
        engine.url.database or "",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert await holder.stdout.readline() == b"held\n"
    store = open_mail_store(url, SystemClock(), timedelta(minutes=15))
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.spool.insert_own([])
    holder.stdin.close()
    await holder.wait()
    await store.spool.insert_own([])
    await store.close()
