"""The demo's accounts, lists and people, put into a fresh store by the same calls the commands use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.address import Address
from policies.facts import Confirm
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.credentials import Credentials
from relay.adapters.store.domains import Domains
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import Act
from relay.adapters.store.lists import Lists
from relay.adapters.store.standings import AccountStandings
from relay.adapters.store.subscribers import Confirmation, Request, Subscribers
from relay.enforcement.standing import Move
from relay.smtp.auth import Passwords

PASSWORD = "demo-password"
DOMAIN = "acme.test"
POSTAL_ADDRESS = "Jl. Jenderal Sudirman No. 12, RT 3/RW 4, Jakarta 10220"


@dataclass(frozen=True, slots=True)
class World:
    """Writes the demo's data; every name in it is invented, every domain reserved for tests (RFC 6761)."""

    engine: Engine
    keys: KeyDirectory
    passwords: Passwords
    now: datetime

    async def build(self) -> None:
        """acme in good standing with a double opt-in list, closed suspended, fresh still pending."""
        await self._account("acme", "Acme Coffee", DOMAIN, accepted=True)
        await self._account("closed", "Closed Shop", "closed.test", accepted=True)
        await self._account("fresh", "Fresh Start", "fresh.test", accepted=False)
        await Lists(self.engine).add("acme", "news", Confirm.DOUBLE, "Acme News", self._act)
        self.keys.generate(DOMAIN, self.now)
        for name in ("anne", "budi", "chen", "dewi"):
            await self._person(name, self.now - timedelta(days=30), confirmed=True)
        await self._person("old", self.now - timedelta(days=900), confirmed=True)
        for name in ("unsure", "info"):
            await self._person(name, self.now - timedelta(days=1), confirmed=False)
        reason = "two complaints after the warning"
        await AccountStandings(self.engine).move("closed", Move.SUSPEND, reason, self._act)

    @property
    def _act(self) -> Act:
        return Act("demo", self.now)

    async def _account(self, name: str, organisation: str, domain: str, *, accepted: bool) -> None:
        acceptance = "on paper" if accepted else ""
        owner = Address.parse(f"owner@{domain}")
        new = NewAccount(name, organisation, owner, "ID", "retail", POSTAL_ADDRESS, acceptance)
        await Accounts(self.engine).add(new, self._act)
        domains = Domains(self.engine)
        await domains.add(name, domain, self._act)
        await domains.verify(name, domain, "demo data", self._act)
        await Credentials(self.engine).add(name, "mail", self.passwords.hash(PASSWORD.encode()), "", self._act)

    async def _person(self, local: str, at: datetime, *, confirmed: bool) -> None:
        address = Address.parse(f"{local}@example.test")
        people = Subscribers(self.engine)
        await people.add("acme", "news", Request(address, consented_at=at, source="demo form"), Act("demo", at))
        if confirmed:
            how = Confirmation("double opt-in", ip="127.0.0.1", agent="demo")
            await people.confirm_named("acme", "news", address, how, at)
