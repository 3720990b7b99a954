"""Who sends: an account, its lists, its footer identities, its standing and what its logins may send."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from policies.address import Address


class Standing(StrEnum):
    """Clauses 1.1, 1.2, 7.3: an account's standing, least strict first."""

    ACTIVE = "active"
    WARNED = "warned"
    PENDING = "pending"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"


class Stream(StrEnum):
    """What a credential may send (POLICY.md, Streams)."""

    MARKETING = "marketing"
    SERVICE = "service"
    PERSONAL = "personal"


class Confirm(StrEnum):
    """How a list takes subscribers."""

    DOUBLE = "double"
    SINGLE = "single"


@dataclass(frozen=True, slots=True)
class FooterIdentity:
    """An organisation and its registered postal address, as they stand in the footer (clause 5.1)."""

    organisation: str
    postal_address: str
    """As registered; lines separated by a newline or ', '."""
    country: str = ""
    name: str = ""
    """Empty: the account's own, as registered."""
    domain: str = ""
    """A-label From domain it is for, subdomains too; empty: any."""
    list_id: int = 0
    """List it is for; 0: any."""

    def fits(self, list_id: int, domain: str) -> int:
        """How closely it fits mail of this list and From domain: a list outweighs any domain; 0: not at all."""
        if (self.list_id and self.list_id != list_id) or not _within(domain, self.domain):
            return 0
        return 1 + len(self.domain) + (256 if self.list_id else 0)


def _within(domain: str, parent: str) -> bool:
    return not parent or domain == parent or domain.endswith(f".{parent}")


@dataclass(frozen=True, slots=True)
class MailingList:
    """One list of an account."""

    list_id: int
    name: str
    confirm: Confirm = Confirm.DOUBLE
    title: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the rules see it; cached for at most one second."""

    account_id: int
    name: str
    organisation: str
    email: Address
    standing: Standing
    """The stricter of the system's and the staff's."""
    domains: frozenset[str]
    """Verified domains, A-labels; each covers its subdomains."""
    lists: tuple[MailingList, ...]
    footer: FooterIdentity
    pending_because: str = ""
    """What is missing while standing is pending, in words for the sender."""
    warned_because: str = ""
    """Cause of the last move down, shown to the sender."""
    per_day: int | None = None
    """Copies a day; None: no cap."""
    sealed_mail: bool = False
    """Staff allowed mail that only its reader can open: it leaves with header fields of ours alone."""
    brands: tuple[FooterIdentity, ...] = ()
    """Further footer identities, each for a list, a domain or both."""

    def signing(self, list_id: int, domain: str) -> Account:
        """The account with the footer identity that fits mail of this list and From domain most closely."""
        fitting = [one for one in self.brands if one.fits(list_id, domain)]
        if not fitting:
            return self
        return replace(self, footer=max(fitting, key=lambda one: one.fits(list_id, domain)))

    def owns(self, domain: str) -> bool:
        """Whether the A-label domain or a parent of it is a verified domain of this account."""
        while domain:
            if domain in self.domains:
                return True
            domain = domain.partition(".")[2]
        return False

    def list_named(self, name: str) -> MailingList | None:
        return next((one for one in self.lists if one.name == name), None)
