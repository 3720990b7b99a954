"""What a data_dir must hold before the relay serves: keys, certificate, a store of today's schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update

from config.schema import Settings
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.engine import open_store
from relay.adapters.store.schema import SchemaState, check, upgrade
from relay.adapters.tables import spool_message
from relay.smtp import certificate
from relay.tokens import KeyRing


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

    async def ready(self) -> None:
        """Make what is missing, once, before any process serves. NotServable, StoreUnavailable, OSError."""
        self.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _ = self.keys
        self._platform_key()
        if self.settings.tls.certificate is None and any(one.tls != "none" for one in self.settings.listener):
            certificate.self_signed(self.settings.data_dir, self.settings.hostname)
        await self._store()

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

    def _platform_key(self) -> None:
        domain = self.settings.platform.mail_domain
        if self.settings.dkim.platform_signature and self.dkim.for_author(domain) is None:
            self.dkim.generate(domain, self.now)

    async def _store(self) -> None:
        engine = open_store(self.settings.store.url)
        try:
            state = await check(engine)
            if state is SchemaState.NEWER:
                raise NotServable("the store was written by a newer relay; install that release or restore a backup")
            if state is not SchemaState.CURRENT:
                await upgrade(engine)
        finally:
            await engine.close()
