"""/me: whoever has an address sees every sender who knows it, and stops them all with one button (clause 5.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from policies.address import Address
from relay.identifiers import new_ref, ref_prefix
from relay.permission.my_mail_letter import my_mail_letter
from relay.permission.opt_out import OptOuts, Scope, Subject, Way
from relay.permission.questions import Visitor
from relay.permission.stationery import Stationery
from relay.ports import Clock, Event, Journal, OwnMail, Tallies, Tally
from relay.tokens import Claim, Purpose, Tokens

LINK_LIVES = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Sender:
    """One account that knows an address."""

    account_id: int
    account_name: str
    organisation: str
    contact_id: int
    lists: tuple[str, ...]
    """Those that may write to it, as recipients know them."""
    open: bool
    """Whether it has not been stopped for everything it sends."""


class Acquaintances(Protocol):
    """The store's side: who knows an address, over all accounts."""

    async def senders(self, address: Address) -> Sequence[Sender]:
        """Every account with this address on a list, by organisation."""

    async def address(self, account_id: int, contact_id: int) -> Address | None:
        """Whose contact that is."""

    async def queue(self, mail: OwnMail) -> None:
        """Durable on return."""


@dataclass(frozen=True, slots=True)
class MyMail:
    """Mails the link and obeys its page."""

    tokens: Tokens
    acquaintances: Acquaintances
    tallies: Tallies
    opt_outs: OptOuts
    stationery: Stationery
    journal: Journal
    clock: Clock
    public_url: str
    platform: str
    contact: str
    """The platform's; answers to the letter go there where it is mailto:."""
    per_person: int
    expire_after: float
    """Seconds after which a letter that cannot be delivered is given up."""

    async def ask(self, address: Address, visitor: Visitor, language: str) -> None:
        """Mail the link, where anybody here knows the address and not too often."""
        now = self.clock.now()
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        [today] = await self.tallies.add([Tally(0, f"me:{self.tokens.person(address)}", day, 1)])
        known = await self.acquaintances.senders(address)
        ref = new_ref(int(now.timestamp() * 1000))  # its time is the link's age
        outcome = "unknown" if not known else "limited" if today > self.per_person else "sent"
        if outcome == "sent":
            await self.acquaintances.queue(self._mail(ref, address, known[0], language, now))
        fields: dict[str, str | int | float | None] = {"recipient": str(address), "client": visitor.client}
        fields["outcome"] = outcome
        self.journal.write(Event("service.my_mail", ref, now, fields=fields))

    def _mail(self, ref: str, address: Address, known: Sender, language: str, now: datetime) -> OwnMail:
        check = self.tokens.check_bits(address)
        ids = (known.account_id, 0, known.contact_id, ref_prefix(ref), check)
        link = f"{self.public_url.rstrip('/')}/me/{self.tokens.url(Claim(Purpose.MY_MAIL, *ids))}?l={language}"
        bounces = self.tokens.local_part(Claim(Purpose.OWN_BOUNCE, *ids))
        reply_to = self.contact.removeprefix("mailto:") if self.contact.startswith("mailto:") else ""
        letter = my_mail_letter(address, self.platform, reply_to, link, language)
        expires_at = now + timedelta(seconds=self.expire_after)
        octets = self.stationery.octets(letter, ref, now)
        path = f"{bounces}@{self.stationery.mail_domain}"
        return OwnMail(ref, 0, "my-mail", path, str(address), octets, now, expires_at)

    async def by_link(self, token: str) -> tuple[Claim, Address] | None:
        """Whose page a link leads to; None for anything forged, mutated or of another purpose."""
        claim = self.tokens.read_url(token, Purpose.MY_MAIL)
        if claim is None:
            return None
        address = await self.acquaintances.address(claim.account_id, claim.contact_id)
        if address is None or self.tokens.check_bits(address) != claim.check:
            return None
        return claim, address

    def lapsed(self, claim: Claim) -> bool:
        """Whether the link is too old: the first 48 bits of its REF are milliseconds."""
        return self.clock.now() - datetime.fromtimestamp((claim.message >> 16) / 1000, UTC) > LINK_LIVES

    async def senders(self, address: Address) -> Sequence[Sender]:
        """Every sender who knows the address."""
        return await self.acquaintances.senders(address)

    async def stop(self, claim: Claim, address: Address, sender: Sender, scope: Scope, client: str) -> None:
        """Stop this sender, or every sender here; durable on return."""
        of = Claim(claim.purpose, sender.account_id, 0, sender.contact_id, claim.message, claim.check)
        subject = Subject(of, address, sender.account_name, sender.organisation, "")
        await self.opt_outs.carry_out(subject, scope, Way.PAGE, client)
