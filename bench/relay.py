"""The relay under test: one worker on one core, every rule on, its journal on, a list of real size."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.load import SERVER_CORE, free_port, wait_for
from config.load import load
from policies.address import Address
from policies.facts import Confirm
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.domains import Domains
from relay.adapters.store.engine import Engine, open_store, to_us
from relay.adapters.store.history import Act
from relay.adapters.store.lists import Lists
from relay.adapters.tables import contact, subscription
from relay.premises import Premises

DOMAIN, ACCOUNT = "acme.test", "acme"
SENDER = f"news@{DOMAIN}"
RECIPIENT = "person7@example.test"
_CHUNK = 20_000


def _toml(sink: int, ports: tuple[int, int], both_signatures: bool) -> str:
    bulk, web = ports
    return f"""data_dir = "var"
[platform]
public_url = "http://127.0.0.1:{web}"
[store]
url = "sqlite:///var/relay.db"
[[smarthost]]
url = "smtp://127.0.0.1:{sink}"
[web]
bind = "127.0.0.1:{web}"
[log]
format = "json"
[dkim]
platform_signature = {str(both_signatures).lower()}
[[listener]]
kind = "bulk"
bind = "127.0.0.1:{bulk}"
tls = "none"
trusted = ["127.0.0.0/8"]
"""


@contextlib.contextmanager
def relay(sink: int, subscriptions: int, *, both_signatures: bool = False) -> Iterator[tuple[int, int]]:
    """A relay with so many subscriptions: (its bulk port, the pid of `relay serve`)."""
    home = Path(tempfile.mkdtemp(prefix="bench-relay-"))
    bulk, web = free_port(), free_port()
    config = home / "relay.toml"
    config.write_text(_toml(sink, (bulk, web), both_signatures))
    asyncio.run(_fill(config, subscriptions))
    environ = {**os.environ, "RELAY_CONFIG": str(config)}
    command = ["taskset", "-c", SERVER_CORE, sys.executable, "-m", "relay.cli.main", "serve", "--workers", "1"]
    with (home / "journal.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(bulk)
            yield bulk, process.pid
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(home, ignore_errors=True)


async def _fill(config: Path, subscriptions: int) -> None:
    settings, now = load(config, {}).settings, datetime.now(UTC)
    act = Act("bench", now)
    await Premises(settings, now).ready()
    engine = open_store(settings.store.url)
    try:
        owner = Address.parse(f"owner@{DOMAIN}")
        address = "1 Example Street, Example Town"
        account = await Accounts(engine).add(
            NewAccount(ACCOUNT, "Acme", owner, "US", "retail", address, "on paper"), act
        )
        await Domains(engine).add(ACCOUNT, DOMAIN, act)
        await Domains(engine).verify(ACCOUNT, DOMAIN, "bench", act)
        made = await Lists(engine).add(ACCOUNT, "news", Confirm.DOUBLE, "News", act)
        KeyDirectory(settings.data_dir / "dkim").generate(DOMAIN, now)
        await _subscribe(engine, account.account_id, made.list_id, subscriptions, now)
    finally:
        await engine.close()


async def _subscribe(engine: Engine, account_id: int, list_id: int, count: int, now: datetime) -> None:
    at = to_us(now - timedelta(days=30))
    for start in range(1, count + 1, _CHUNK):
        numbers = range(start, min(start + _CHUNK, count + 1))
        people = [
            {"account_id": account_id, "contact_id": n, "address_key": f"person{n}@example.test", "created_at": at}
            | {"address": f"person{n}@example.test", "name": ""}
            for n in numbers
        ]
        rows = [
            {"account_id": account_id, "contact_id": n, "list_id": list_id, "status": "confirmed", "created_at": at}
            | {"confirmed_at": at, "consented_at": at}
            for n in numbers
        ]
        async with engine.begin() as connection:
            await connection.execute(contact.insert(), people)
            await connection.execute(subscription.insert(), rows)
