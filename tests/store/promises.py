"""Run by test_durability in a process of its own: commits messages for ever, names each once it is promised."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from relay.adapters.clock import SystemClock
from relay.adapters.store.mail_store import open_mail_store
from relay.identifiers import new_ref
from relay.ports import SpooledCopy, SpooledMessage

NOW = datetime.now(UTC)


async def promise(url: str) -> None:
    store = open_mail_store(url, SystemClock(), timedelta(minutes=15))

    async def one() -> None:
        while True:
            ref = new_ref()
            message = SpooledMessage(ref, 7, ref.encode() * 500, "", "", NOW, NOW + timedelta(days=4), "")
            await store.spool.commit(message, [SpooledCopy(ref, 0, "bob@example.org", "", "")], None)
            sys.stdout.write(f"{ref}\n")
            sys.stdout.flush()

    await asyncio.gather(*(one() for _ in range(8)))


asyncio.run(promise(sys.argv[1]))
