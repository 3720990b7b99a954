"""The whole examination, in the order in which one would mend things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from config.load import Loaded
from relay.adapters.dns import DnsResolver
from relay.adapters.store.engine import parse_url, sqlite_path
from relay.doctor import data_dir, encryption, smarthosts, store
from relay.doctor.domains import Domains
from relay.doctor.finding import Finding, info, ok


async def examine(loaded: Loaded, now: datetime, *, offline: bool) -> AsyncIterator[Finding]:
    """Changes nothing. `offline`: only what this machine itself can tell."""
    settings = loaded.settings
    yield ok("config", f"{loaded.path or 'the defaults'} can be used")
    for finding in (*encryption.examine(settings, now), *data_dir.examine(settings, now)):
        yield finding
    ask_store = not offline or sqlite_path(parse_url(settings.store.url)) is not None
    if ask_store:
        async for finding in store.examine(settings):
            yield finding
    domains = Domains(settings, await store.verified_domains(settings) if ask_store else ())
    for finding in domains.key_findings():
        yield finding
    if offline:
        yield info("offline", "smarthosts, DNS and a store on a server were not asked")
        return
    async for finding in smarthosts.examine(settings):
        yield finding
    async for finding in domains.dns_findings(DnsResolver(settings.dns.servers, settings.dns.timeout)):
        yield finding
