"""A public site on a real server and loopback port, its store in memory, and what a reader's browser would check."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
from bs4 import BeautifulSoup
from fakes import (
    FakeClock,
    ListJournal,
    MemoryDirectory,
    MemoryPeople,
    MemoryPermissions,
    MemoryRefusals,
    MemoryTallies,
    NobodyAsked,
    NobodyKnown,
    Reachable,
)

from config.schema import Platform, Settings
from policies.address import Address
from policies.facts import Account, FooterIdentity, MailingList, Standing
from relay.key_ring import KeyRing
from relay.permission.double_opt_in import DoubleOptIn
from relay.permission.my_mail import Acquaintances, MyMail
from relay.permission.opt_out import OptOuts
from relay.permission.questions import Questions
from relay.permission.stationery import Stationery
from relay.ports import Resolver
from relay.tokens import Claim, Purpose, Tokens
from relay.web.server import WebServer
from relay.web.site import Permission, build

NEWS = MailingList(3, "news")
ACME = Account(
    7,
    "acme",
    "Acme & Söhne <Shop>",
    Address.parse("owner@acme.test"),
    Standing.ACTIVE,
    frozenset({"acme.test"}),
    (NEWS,),
    FooterIdentity("Acme", "1 High Street, Leeds"),
)
ANNE = Address.parse("anne.reader@example.com")
SETTINGS = Settings(platform=Platform(name="Pos & Surat", public_url="http://127.0.0.1:8580"))
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@dataclass
class World:
    """What stands behind the site: everything a test may look at or break."""

    clock: FakeClock = field(default_factory=FakeClock)
    directory: MemoryDirectory = field(default_factory=MemoryDirectory)
    journal: ListJournal = field(default_factory=ListJournal)
    refusals: MemoryRefusals = field(default_factory=MemoryRefusals)
    reachable: Reachable = field(default_factory=Reachable)
    tokens: Tokens = field(default_factory=lambda: Tokens(KeyRing({1: b"1" * 32})))
    questions: Questions = field(default_factory=NobodyAsked)  # type: ignore[assignment]
    acquaintances: Acquaintances = field(default_factory=NobodyKnown)  # type: ignore[assignment]
    resolver: Resolver | None = None
    answer_after: float = 0.0

    def __post_init__(self) -> None:
        self.directory.add(ACME)
        self.permissions = MemoryPermissions(self.clock)
        self.people = MemoryPeople(self.directory, self.permissions)
        self.contact_id = self.permissions.person(ACME.account_id, ANNE).contact_id

    def claim(self, list_id: int = NEWS.list_id, purpose: Purpose = Purpose.OPT_OUT) -> Claim:
        return Claim(purpose, ACME.account_id, list_id, self.contact_id, 0x1234, self.tokens.check_bits(ANNE))

    def link(self, list_id: int = NEWS.list_id, purpose: Purpose = Purpose.OPT_OUT) -> str:
        return f"/u/{self.tokens.url(self.claim(list_id, purpose))}"

    def opt_outs(self) -> OptOuts:
        return OptOuts(self.tokens, self.people, self.journal, self.clock)

    def permission(self) -> Permission:
        """What the pages of permission stand on."""
        opt_outs, post = self.opt_outs(), Stationery(SETTINGS.platform.mail_domain, bytes)
        url, name, often = SETTINGS.platform.public_url, SETTINGS.platform.name, SETTINGS.sign_up.per_person
        asking = DoubleOptIn(self.tokens, self.questions, post, self.journal, self.clock, url, name, often, 3600.0)
        mine = MyMail(
            self.tokens,
            self.acquaintances,
            MemoryTallies(),
            opt_outs,
            post,
            self.journal,
            self.clock,
            url,
            name,
            SETTINGS.platform.contact,
            often,
            3600.0,
        )
        return Permission(opt_outs, asking, mine, self.resolver, self.answer_after)


@asynccontextmanager
async def visited(
    world: World, settings: Settings = SETTINGS, header_seconds: float = 10.0
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the site while it serves."""
    site = build(settings, world.permission(), world.tokens, world.refusals, world.reachable, world.clock)
    server = WebServer(site, "127.0.0.1:0", header_seconds)
    serving = asyncio.create_task(server.serve())
    await server.until_started()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            yield client
    finally:
        server.stop()
        await serving


def trusting(*networks: str) -> Settings:
    return replace(SETTINGS, web=replace(SETTINGS.web, trusted_proxies=networks))


def check_page(answer: httpx.Response, language: str = "en") -> BeautifulSoup:
    """Every page of ours: one heading, one language, nothing fetched, nothing run, no address in clear."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-language"] == language
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert "set-cookie" not in answer.headers
    assert not [one for one in ("anne", "reader@", "owner@acme") if one in _without_own_typing(answer.text)]
    page = BeautifulSoup(answer.text, "lxml")
    assert page.html is not None
    assert page.html["lang"] == language
    assert answer.text.startswith("<!doctype html>")
    assert len(page.find_all("h1")) == 1
    assert page.title is not None
    assert page.title.get_text(strip=True)
    assert not page.find_all(["script", "img", "link", "iframe", "object", "video", "audio", "base"])
    assert not [tag for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")]
    _check_controls(page)
    return page


def _without_own_typing(text: str) -> str:
    """The page but for what the visitor typed into its field a moment ago."""
    return re.sub(r'(<input id="email"[^>]* value=")[^"]*"', r'\1"', text)


def _check_controls(page: BeautifulSoup) -> None:
    for button in page.find_all("button"):
        assert button.get_text(strip=True)
        assert button["type"] == "submit"
    for control in page.find_all(["input", "select", "textarea"]):
        if control.get("type") == "hidden":
            continue
        assert page.find("label", attrs={"for": control["id"]}), control
    for link in page.find_all("a"):
        assert link.get_text(strip=True)
        assert not link["href"].startswith(("http:", "https:", "//", "javascript:")), link


def choices(page: BeautifulSoup) -> list[str]:
    """What the page's buttons would send, in order."""
    return [str(button["value"]) for button in page.find_all("button", attrs={"name": "choice"})]
