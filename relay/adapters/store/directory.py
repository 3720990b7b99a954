"""Who sends: accounts and credentials as the rules see them, at most one second old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from policies.address import Address, AddressFault
from policies.facts import Account, Confirm, FooterIdentity, MailingList, Standing, Stream
from relay.adapters.store.generation import Generation
from relay.adapters.store.hot import HotReader, KeyedQuery, Query
from relay.enforcement.standing import Standings, missing
from relay.ports import Clock, StoreUnavailable
from relay.transaction import Credential, Refuse

MAX_AGE = 1.0
"""Seconds an answer may be kept (DESIGN.md §1)."""

MAX_KEPT = 10_000
"""Answers kept at once; names that exist nowhere are answers too."""

# name, organisation, email, system, staff, why, policy, approved, a day, sealed,
# footer: organisation, address, country
AccountRow = tuple[str, str, str, str, str, str, str, int, int | None, int, str | None, str | None, str | None]
# credential_id, account_id, account name, name, hash, stream, list name, revoked at, refuse
CredentialRow = tuple[int, int, str | None, str, str, str, str | None, int | None, str]

_ACCOUNT = Query[AccountRow](
    "SELECT a.name, a.organisation, a.email, a.standing_system, a.standing_staff, a.standing_reason,"
    " a.policy_version, a.approved, a.per_day, a.sealed_mail, f.organisation, f.postal_address, f.country"
    " FROM account a"
    " LEFT JOIN footer_identity f ON f.account_id = a.account_id AND f.name = 'registered'"
    " WHERE a.account_id = ?"
)
_BRANDS = Query[tuple[str, str, str, str, str, int]](
    "SELECT organisation, postal_address, country, name, domain, list_id FROM footer_identity"
    " WHERE account_id = ? AND name <> 'registered' ORDER BY name"
)
_DOMAINS = Query[tuple[str]]("SELECT domain FROM domain WHERE account_id = ? AND verified_at IS NOT NULL")
_LISTS = Query[tuple[int, str, str, str]](
    "SELECT list_id, name, confirm, title FROM mailing_list WHERE account_id = ? ORDER BY name"
)
_NAMED = Query[tuple[int]]("SELECT account_id FROM account WHERE name = ?")
_OWNERS = KeyedQuery[tuple[int]](
    "SELECT account_id FROM domain WHERE verified_at IS NOT NULL AND domain IN ({keys})"
    " ORDER BY LENGTH(domain) DESC, verified_at, account_id LIMIT 1"
)
_CREDENTIAL = Query[CredentialRow](
    "SELECT c.credential_id, c.account_id, a.name, c.name, c.password_hash, c.stream, l.name, c.revoked_at, c.refuse"
    " FROM credential c"
    " LEFT JOIN account a ON a.account_id = c.account_id"
    " LEFT JOIN mailing_list l ON l.account_id = c.account_id AND l.list_id = c.list_id"
    " WHERE c.account_id = ? AND c.name = ?"
)

Answer = TypeVar("Answer")


class _Kept:
    """Answers of the last second, dropped as a whole when the directory's generation moves."""

    def __init__(self, clock: Clock, generation: Generation) -> None:
        self._clock = clock
        self._generation = generation
        self._number = -1
        self._answers: dict[tuple[str, str | int], tuple[float, object]] = {}

    async def fresh(self, key: tuple[str, str | int]) -> tuple[float, object] | None:
        """The answer kept for a key, with the time until which it is good."""
        number = await self._generation.number()
        if number != self._number:
            self._answers.clear()
            self._number = number
        kept = self._answers.get(key)
        return kept if kept is not None and self._clock.monotonic() < kept[0] else None

    def keep(self, key: tuple[str, str | int], answer: object) -> None:
        if len(self._answers) >= MAX_KEPT:
            self._answers.clear()
        self._answers[key] = (self._clock.monotonic() + MAX_AGE, answer)


class StoreDirectory:
    """Accounts and credentials out of the store."""

    def __init__(self, reader: HotReader, clock: Clock, generation: Generation) -> None:
        self._reader = reader
        self._kept = _Kept(clock, generation)

    async def account(self, account_id: int) -> Account | None:
        """An account by its id."""
        kept = await self._kept.fresh(("account", account_id))
        if kept is not None:
            return _account_or_none(kept[1])
        found = await self._account(account_id)
        self._kept.keep(("account", account_id), found)
        return found

    async def account_named(self, name: str) -> Account | None:
        """An account by its name."""
        account_id = await self._id(("name", name), lambda: self._reader.fetch(_NAMED, (name,)))
        return await self.account(account_id) if account_id else None

    async def owner_of(self, domain: str) -> Account | None:
        """The account that verified this A-label domain, or the nearest of its parents, first."""
        parents = _with_parents(domain)
        account_id = await self._id(("domain", domain), lambda: _OWNERS.fetch(self._reader, (), parents))
        return await self.account(account_id) if account_id else None

    async def credential(self, account_name: str, name: str) -> Credential | None:
        """A login by its two names; '' names the platform."""
        key = ("credential", f"{account_name}/{name}")
        kept = await self._kept.fresh(key)
        if kept is not None:
            return kept[1] if isinstance(kept[1], Credential) else None
        found = await self._credential(account_name, name)
        self._kept.keep(key, found)
        return found

    async def _id(self, key: tuple[str, str], look: Callable[[], Awaitable[list[tuple[int]]]]) -> int:
        """An account id by some key; 0: nobody's."""
        kept = await self._kept.fresh(key)
        if kept is not None:
            return kept[1] if isinstance(kept[1], int) else 0
        rows = await look()
        found = rows[0][0] if rows else 0
        self._kept.keep(key, found)
        return found

    async def _account(self, account_id: int) -> Account | None:
        rows = await self._reader.fetch(_ACCOUNT, (account_id,))
        if not rows:
            return None
        domains = await self._reader.fetch(_DOMAINS, (account_id,))
        lists = await self._reader.fetch(_LISTS, (account_id,))
        brands = await self._reader.fetch(_BRANDS, (account_id,))
        return _account(
            account_id,
            rows[0],
            frozenset(domain for (domain,) in domains),
            tuple(MailingList(number, name, Confirm(confirm), title) for number, name, confirm, title in lists),
            tuple(FooterIdentity(*brand) for brand in brands),
        )

    async def _credential(self, account_name: str, name: str) -> Credential | None:
        account_id = 0
        if account_name:
            account_id = await self._id(("name", account_name), lambda: self._reader.fetch(_NAMED, (account_name,)))
            if not account_id:
                return None
        rows = await self._reader.fetch(_CREDENTIAL, (account_id, name))
        return _credential(rows[0]) if rows else None


def _account_or_none(kept: object) -> Account | None:
    return kept if isinstance(kept, Account) else None


def _with_parents(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _account(
    account_id: int,
    row: AccountRow,
    domains: frozenset[str],
    lists: tuple[MailingList, ...],
    brands: tuple[FooterIdentity, ...],
) -> Account:
    name, organisation, email, system, staff, reason, policy, approved, per_day, sealed, *footer = row
    standing = Standings(Standing(system), Standing(staff)).effective
    identity = FooterIdentity(footer[0] or organisation, footer[1] or "", footer[2] or "")
    pending = standing is Standing.PENDING
    return Account(
        account_id=account_id,
        name=name,
        organisation=organisation,
        email=_email(name, email),
        standing=standing,
        domains=domains,
        lists=lists,
        footer=identity,
        pending_because=_pending_because(policy, identity.postal_address, bool(approved)) if pending else "",
        warned_because="" if pending else reason,
        per_day=per_day,
        sealed_mail=bool(sealed),
        brands=brands,
    )


def _pending_because(policy: str, postal_address: str, approved: bool) -> str:
    """Clauses 1.1, 7.6: what has to happen before the account leaves the sandbox."""
    owed = missing(policy, postal_address)
    if owed:
        return owed
    return "staff must reinstate the account" if approved else "the account is not approved yet"


def _email(name: str, email: str) -> Address:
    try:
        return Address.parse(email)
    except AddressFault as fault:
        raise StoreUnavailable(f"store: the e-mail of account {name} cannot be read: {fault}") from fault


def how_refused(stream: Stream, refuse: str) -> Refuse:
    """As staff said, else as the stream has it: mail programs show people a DSN, but hide what RCPT was told."""
    if refuse:
        return "report" if refuse == "report" else "at-once"
    return "report" if stream is Stream.PERSONAL else "at-once"


def _credential(row: CredentialRow) -> Credential:
    credential_id, account_id, account_name, name, password_hash, stream, list_name, revoked_at, refuse = row
    return Credential(
        credential_id=credential_id,
        account_id=account_id,
        account_name=account_name or "",
        name=name,
        password_hash=password_hash,
        stream=Stream(stream),
        list_name=list_name or "",
        revoked=revoked_at is not None,
        refuse=how_refused(Stream(stream), refuse),
    )
