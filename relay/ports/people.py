"""Who sends, who may be mailed, and whether a password is right. Hot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from policies.address import Address
from policies.facts import Account, RecipientFacts, Stream, SuppressionReason
from relay.message.address_book import AddressBook
from relay.transaction import Credential


class Directory(Protocol):
    """Accounts and credentials; answers may be up to one second old. Hot."""

    async def account(self, account_id: int) -> Account | None: ...

    async def account_named(self, name: str) -> Account | None: ...

    async def owner_of(self, domain: str) -> Account | None:
        """The account that verified this A-label domain or one of its parents."""

    async def credential(self, account_name: str, name: str) -> Credential | None:
        """A login by its two names; account_name '' is a platform credential. Revoked ones come marked."""


class Permissions(Protocol):
    """Permission and suppression; never cached. Hot."""

    async def recipients(
        self, account: Account, list_id: int, list_name: str, stream: Stream, addresses: Sequence[Address]
    ) -> list[RecipientFacts]:
        """Facts of each address, in order. list_id 0: no list named, all of the account's lists."""

    async def suppressed(self, account_id: int, list_id: int, address: Address) -> SuppressionReason | None:
        """The 'no' that stands right now, asked again right before a queued copy's dot."""

    async def contact(self, account_id: int, address: Address) -> int:
        """The contact id of an address under an account, made where there is none (own test addresses)."""

    async def sent_since(self, account_id: int, since: datetime) -> int:
        """Copies of an account that a smarthost took since then."""


class AddressBooks(Protocol):
    """The registered postal addresses of all accounts; answers may be up to a minute old. Hot."""

    async def book(self) -> AddressBook: ...


class PasswordsBusy(Exception):
    """Too many checks wait already: 454 4.7.0."""


class PasswordVerifier(Protocol):
    """Stored hashes checked off the loop, and guessing slowed (RELIABILITY.md rows 32-34)."""

    async def verify(self, stored: str | None, password: bytes) -> bool:
        """None (no such login) takes as long as a wrong password; PasswordsBusy where too many wait."""

    def blocked(self, login: str, client: str) -> bool:
        """Whether this login was guessed at too often from there lately."""

    def failed(self, login: str, client: str) -> None: ...

    def succeeded(self, login: str, client: str) -> None: ...
