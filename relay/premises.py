"""What a data_dir must hold before the relay serves: keys, certificate, a store of today's schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from config.schema import Settings
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.engine import open_store
from relay.adapters.store.schema import SchemaState, check, upgrade
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
