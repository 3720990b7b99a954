"""What a data_dir must hold before the relay serves: a store of today's schema, its keys, a certificate."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update

from config.schema import Settings
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.engine import Engine, open_store, sqlite_path
from relay.adapters.store.schema import SchemaState, breaking, check, newest, upgrade
from relay.adapters.store.sqlite_copy import copy_store
from relay.adapters.store.token_keys import known_keys, remember_keys, ring_fault
from relay.adapters.tables import spool_message
from relay.key_ring import KeyRing, fingerprint
from relay.smtp import certificate


class NotServable(Exception):
    """The store is not one this release can serve; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Premises:
    """One data_dir and its store; `ready` may be called as often as one likes."""

    settings: Settings
    now: datetime

    @property
    def dkim(self) -> KeyDirectory:
        return KeyDirectory(self.settings.data_dir / "dkim")

    @property
    def keys(self) -> KeyRing:
        return KeyRing.open(self.settings.data_dir / "keys")

    async def ready(self) -> str:
        """Make what is missing, once, before any process serves. NotServable, StoreUnavailable, OSError.

        What was done to an older store, in words; empty: nothing.
        """
        self.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        migrated = await self._store()
        self.platform_key()
        if self.settings.tls.certificate is None and any(one.tls != "none" for one in self.settings.listener):
            certificate.self_signed(self.settings.data_dir, self.settings.hostname)
        return migrated

    async def end_leases(self) -> None:
        """Whoever held messages before is dead: data_dir has one `serve`, and a SQLite store one data_dir (§E4).

        On a server other nodes may hold leases of their own; there they end by time.
        """
        engine = open_store(self.settings.store.url)
        try:
            if engine.sqlite:
                held = spool_message.c.lease_until.is_not(None)
                async with engine.begin() as connection:
                    await connection.execute(update(spool_message).where(held).values(lease_until=0))
        finally:
            await engine.close()

    def platform_key(self) -> None:
        """The key of the platform's own signature, made where there is none."""
        domain = self.settings.platform.mail_domain
        if self.settings.dkim.platform_signature and self.dkim.for_author(domain) is None:
            self.dkim.generate(domain, self.now)

    async def _store(self) -> str:
        engine = open_store(self.settings.store.url)
        try:
            migrated = await _up_to_date(engine)
            await self._ring(engine)
            return migrated
        finally:
            await engine.close()

    async def _ring(self, engine: Engine) -> None:
        """A ring is made for a new store only: another's links would all be dead."""
        known = await known_keys(engine)
        if fault := ring_fault(known, KeyRing.fingerprints_in(self.settings.data_dir / "keys")):
            where = self.settings.data_dir / "keys"
            raise NotServable(f"{where}: {fault}; links in mail already sent need it: relay keys import FILE")
        ring = {number: fingerprint(key) for number, key in self.keys.keys.items()}
        if ring != known:
            await remember_keys(engine, ring, self.now)


async def _up_to_date(engine: Engine) -> str:
    state = await check(engine)
    if state is SchemaState.NEWER:
        raise NotServable("the store was written by a newer relay; install that release or restore a backup")
    if state is SchemaState.EMPTY:
        await upgrade(engine)
    if state is not SchemaState.OLDER:
        return ""
    if await breaking(engine):
        way_back = "its copy" if engine.sqlite else "a backup (relay db backup)"
        raise NotServable(
            "the store is older, and what this release changes is no mere addition: stop every node, then"
            f" relay db migrate; the way back is {way_back} and the release before"
        )
    return await migrated_aside(engine)


async def migrated_aside(engine: Engine) -> str:
    """Bring an older store up to date; a SQLite file is copied first. What was done, and the way back."""
    path = sqlite_path(engine.url)
    if path is None:
        await upgrade(engine)
        return "the store was brought up to date"
    aside = path.with_name(f"{path.name}.before-{newest()}")
    await asyncio.to_thread(copy_store, path, aside)
    await upgrade(engine)
    return f"the store was brought up to date; the way back: {aside} and the release before"
