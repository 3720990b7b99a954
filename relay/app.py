"""The composition root: the only place where adapters meet stages."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from config.load import Loaded
from config.schema import Settings
from policies.facts import SuppressionReason
from policies.registry import build
from relay.adapters.clock import SystemClock
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.journal_output import open_outputs
from relay.adapters.maildir import Maildir
from relay.adapters.store.address_books import StoreAddressBooks
from relay.adapters.store.confirmations import Confirmations
from relay.adapters.store.journal_reading import JournalReader
from relay.adapters.store.mail_store import MailStore, open_mail_store
from relay.adapters.store.notice_rows import StoreNotices
from relay.adapters.store.refusal_rows import StoreRefusals
from relay.adapters.store.retention import expire
from relay.adapters.store.suppressions import People
from relay.adapters.store.tallies import StoreTallies
from relay.counters import Counters
from relay.forwarding.answers import CONSENT_RULES, Answers
from relay.forwarding.commit import Commit
from relay.forwarding.dsn import Reports
from relay.forwarding.office import Office
from relay.forwarding.recheck import OFF, Recheck
from relay.forwarding.retry import Keeper
from relay.forwarding.smarthosts import Pool
from relay.forwarding.states import Timetable
from relay.gather import Gather
from relay.identifiers import new_ref
from relay.intake.stages import Intake
from relay.journal import LineJournal
from relay.key_ring import KeyRing
from relay.login import Login
from relay.permission.opt_out import OptOuts
from relay.platform_signature import platform_signature
from relay.ports import Event, StoreUnavailable
from relay.reading import Reader
from relay.recipes import Recipes
from relay.record import Record
from relay.refusals import Refusals
from relay.reloading import in_force
from relay.rendering import Rendering
from relay.sending import Sending
from relay.smarthost_doors import smarthosts
from relay.smtp.auth import Passwords
from relay.smtp.gate import Gate
from relay.smtp.guesses import Guesses
from relay.smtp.server import SmtpServer
from relay.stages import Stages
from relay.tokens import Tokens

if TYPE_CHECKING:
    from relay.enforcement.notices import RefusalNotices
    from relay.housekeeping import Housekeeping
    from relay.web.server import WebServer

RETENTION_SECONDS = 3600.0


@dataclass(slots=True)
class App:
    """One process's collaborators, built from Settings and closed together."""

    settings: Settings
    store: MailStore
    journal: LineJournal
    clock: SystemClock
    tokens: Tokens
    keys: KeyDirectory
    smarthosts: Pool
    reader: Reader
    passwords: Passwords
    office: Office
    commit: Commit
    stages: Stages
    servers: list[SmtpServer]

    @classmethod
    async def open(cls, loaded: Loaded) -> App:
        """Open the store and build everything; StoreUnavailable, OSError where something is missing."""
        settings, clock = loaded.settings, SystemClock()
        doubt = timedelta(seconds=settings.delivery.in_doubt_after)
        tokens = Tokens(KeyRing.open(settings.data_dir / "keys"))
        store = open_mail_store(settings.store.url, clock, doubt, settings.data_dir, tokens.person)
        journal = LineJournal(socket.gethostname(), open_outputs(settings.log, os.environ), store.journal)
        keys = KeyDirectory(settings.data_dir / "dkim")
        refusals = Refusals(settings.platform.public_url, tokens)
        record = Record(journal, clock)
        reader, passwords = Reader(settings.hostname, settings.platform.public_url), Passwords()
        pool = smarthosts(settings, clock)
        office = _office(settings, store, journal, clock, keys, pool, refusals)
        commit = Commit(office)
        rules = build(settings)
        login = Login(rules, store.directory, Gate(passwords, Guesses(clock.monotonic)), refusals, record, clock)
        recipes = Recipes(settings, tokens, Signers(settings, keys))
        sending = Sending(recipes, keys, store.permissions, commit, refusals, record, clock)
        counters = Counters(StoreTallies(store.reader, store.writer))
        books = StoreAddressBooks(store.reader, clock)
        gather = Gather(store.directory, store.permissions, reader, books, Signers(settings, keys).aligned)
        stages = Stages(settings, rules, gather, login, sending, counters, refusals, record, clock)
        return cls(settings, store, journal, clock, tokens, keys, pool, reader, passwords, office, commit, stages, [])

    async def smtp_servers(self) -> list[SmtpServer]:
        """Start every listener; intake has stages of its own, for it relays nothing."""
        takes_mail = [one for one in self.settings.listener if one.kind != "intake"]
        for_us = [one for one in self.settings.listener if one.kind == "intake"]
        for stages, listeners in ((self.stages, takes_mail), (self._intake(), for_us)):
            if listeners:
                server = SmtpServer(
                    stages,
                    hostname=self.settings.hostname,
                    limits=self.settings.limits,
                    tls=self.settings.tls,
                    data_dir=self.settings.data_dir,
                    mail_domain=self.settings.platform.mail_domain,
                    beside=self.servers[0] if self.servers else None,
                )
                await server.start(listeners)
                self.servers.append(server)
        return self.servers

    def _intake(self) -> Intake:
        filed = Maildir(self.settings.data_dir / "intake")
        return Intake(
            self.settings.platform.mail_domain,
            self.settings.limits.max_size,
            self.tokens,
            self.opt_outs(),
            filed.keep,
            self.stages.refusals,
            self.stages.record,
            self.clock,
        )

    def opt_outs(self) -> OptOuts:
        return OptOuts(self.tokens, People(self.store.engine, self.clock), self.journal, self.clock)

    def keeper(self) -> Keeper:
        """The retry queue's one process."""
        render = Rendering(self.keys, self.settings.hostname, self.settings.platform.public_url)
        return Keeper(self.office, self.store.directory, render)

    def refusal_notices(self, queued: Callable[[], None]) -> RefusalNotices:
        """Mail to owners about refusals; `queued` wakes the keeper."""
        # Here, not above: templates are the keeper's business, and workers start without them.
        from relay.enforcement.notice_letters import Letters
        from relay.enforcement.notices import OwnerPost, RefusalNotices
        from relay.permission.stationery import Stationery

        platform, page_of = self.settings.platform, self.stages.refusals.url
        stationery = Stationery(platform.mail_domain, self.office.reports.sign)
        post = OwnerPost(stationery, self.tokens, self.clock, self.settings.delivery.expire_after)
        return RefusalNotices(
            self.settings.notices,
            StoreNotices(self.store.engine, self.store.writer),
            lambda notices: Letters(platform, page_of, notices.digest_hour),
            post,
            self.journal,
            self.clock,
            queued,
        )

    def housekeeping(self) -> Housekeeping:
        """Bad imports and old evidence."""
        from relay.housekeeping import Housekeeping

        return Housekeeping(self.settings, self.store.engine, self.journal, self.clock)

    async def retention(self, ending: asyncio.Event) -> None:
        """Forget journal rows in time, and end questions nobody answered, until the process ends."""
        keep = timedelta(days=self.settings.retention.journal)
        while not ending.is_set():
            try:
                await expire(self.store.writer, self.clock.now() - keep)
                await Confirmations(self.store.engine).lapse(self.clock.now())
            except StoreUnavailable as trouble:
                self.say("service.retention_failed", "warning", {"error": str(trouble)})
            try:
                async with asyncio.timeout(RETENTION_SECONDS):
                    await ending.wait()
            except TimeoutError:
                continue

    def web_server(self) -> WebServer:
        # Here, not above: FastAPI is a quarter of what starting a process takes, and workers have no use for it.
        from relay.public_pages import permission
        from relay.web.server import WebServer
        from relay.web.site import build as build_site

        tallies, sign = StoreTallies(self.store.reader, self.store.writer), self.office.reports.sign
        site = build_site(
            self.settings,
            permission(self.settings, self.store.engine, tallies, sign, self.opt_outs()),
            self.tokens,
            StoreRefusals(JournalReader(self.store.engine)),
            self,
            self.clock,
        )
        return WebServer(site, self.settings.web.bind)

    def say(self, event: str, level: str, fields: Mapping[str, str | int | float | None]) -> None:
        """One diagnostic event."""
        self.journal.write(Event(event, new_ref(), self.clock.now(), level, fields=fields))

    async def probe_store(self) -> None:
        """StoreUnavailable where the store does not answer."""
        await self.store.probe()

    async def probe_smarthost(self) -> bool:
        """Whether a smarthost greets."""
        return await self.smarthosts.probe()

    def renew(self, loaded: Loaded) -> None:
        """After a reload: rules, token keys, log files and certificates; what is bound stays bound."""
        settings, sending = in_force(self.settings, loaded.settings), self.stages.sending
        self.stages.sending = replace(sending, recipes=replace(sending.recipes, settings=settings))
        self.stages.renew(settings, build(settings))
        self.tokens.renew(KeyRing.read(self.settings.data_dir / "keys"))
        self.journal.reopen()
        for server in self.servers:
            server.reload_certificate(settings.tls)
        self.settings = settings

    async def close(self) -> None:
        """Links, helpers and the store, in this order; what waits for the writer is written."""
        await self.smarthosts.close()
        self.reader.close()
        self.passwords.close()
        await self.store.close()
        self.journal.close()


@dataclass(frozen=True, slots=True)
class Signers:
    """Which signatures a message gets: its From domain's, as soon as that has a key, and the platform's."""

    settings: Settings
    keys: KeyDirectory

    def __call__(self, author_domain: str) -> tuple[tuple[str, str], ...]:
        found = self.keys.for_author(author_domain) if author_domain else None
        platform = self.platform()
        return tuple(one for one in (found, platform) if one is not None)

    def aligned(self, author_domain: str) -> bool:
        """Whether mail of this From domain is signed for it."""
        return self.keys.for_author(author_domain) is not None

    def platform(self) -> tuple[str, str] | None:
        wanted = self.settings.dkim.platform_signature
        return self.keys.for_author(self.settings.platform.mail_domain) if wanted else None


def _office(
    settings: Settings,
    store: MailStore,
    journal: LineJournal,
    clock: SystemClock,
    keys: KeyDirectory,
    pool: Pool,
    refusals: Refusals,
) -> Office:
    enforced = frozenset(
        reason for reason in SuppressionReason if settings.rule(CONSENT_RULES[reason][0]).mode == "enforce"
    )
    off = frozenset(one for one in OFF if settings.rule(f"standing.{one.value}").mode == "enforce")
    return Office(
        pool,
        store.spool,
        journal,
        clock,
        Timetable(settings.delivery, random.random),
        Recheck(store.directory, store.permissions, enforced, off),
        reports(settings, clock, keys),
        Answers(refusals.url),
        lambda: None,
    )


def reports(settings: Settings, clock: SystemClock, keys: KeyDirectory) -> Reports:
    platform, sign = settings.platform, platform_signature(settings, keys, clock)
    return Reports(
        settings.hostname, platform.mail_domain, platform.language, sign, clock, settings.delivery.expire_after
    )
