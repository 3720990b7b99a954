"""Clauses 5.4 to 5.6: opt-outs carried out by the platform itself, whichever way they come in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from policies.address import Address
from policies.facts import SuppressionReason
from relay.identifiers import new_ref
from relay.ports import Clock, Event, Journal
from relay.tokens import Claim, Purpose, Tokens

MAX_LINKS = 20
"""Of a quoting text that are tried."""
_LINKS = re.compile(r"/u/([A-Za-z0-9_-]{59})(?![A-Za-z0-9_-])")


class Scope(StrEnum):
    """What a person no longer wants."""

    LIST = "list"
    SENDER = "sender"
    EVERYONE = "everyone"


class Way(StrEnum):
    """How they said so."""

    ONE_CLICK = "one-click"
    PAGE = "page"
    MAILTO = "mailto"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token speaks of, as the store knows them now."""

    claim: Claim
    address: Address
    account_name: str
    organisation: str
    list_name: str
    """Empty: no list was named."""
    list_title: str = ""
    """What recipients know the list by."""


class People(Protocol):
    """The store's side of an opt-out; every call is one durable transaction."""

    async def subject(
        self, account_id: int, contact_id: int, list_id: int
    ) -> tuple[Address, str, str, str, str] | None:
        """(address, account name, organisation, list name, its title) or None where the contact is gone."""

    async def suppress(
        self,
        account_id: int,
        address: Address,
        list_id: int,
        reason: SuppressionReason,
        way: str,
        client: str,
        token: str,
    ) -> bool:
        """Record one 'no' (account_id 0: every account); whether it is new. Committed on return."""


@dataclass(frozen=True, slots=True)
class OptOuts:
    """Reads opt-out tokens and carries the wish out, effective for the very next RCPT on every node."""

    tokens: Tokens
    people: People
    journal: Journal
    clock: Clock

    async def by_link(self, token: str) -> Subject | None:
        """The subject of a link's token; None for anything forged, mutated or of another purpose."""
        return await self._subject(self.tokens.read_url(token, Purpose.OPT_OUT))

    async def by_local_part(self, local: str) -> Subject | None:
        """The subject of a mailto opt-out address."""
        return await self._subject(self.tokens.read_local_part(local, Purpose.OPT_OUT_MAIL))

    async def by_reverse_path(self, local: str) -> Subject | None:
        """The subject of the address a copy was sent from, to which mail programs may answer."""
        return await self._subject(self.tokens.read_local_part(local, Purpose.BOUNCE))

    async def by_quoted_link(self, text: str) -> Subject | None:
        """The subject of the first opt-out link of ours that a text quotes."""
        for token in _LINKS.findall(text)[:MAX_LINKS]:
            subject = await self.by_link(token)
            if subject is not None:
                return subject
        return None

    async def _subject(self, claim: Claim | None) -> Subject | None:
        if claim is None:
            return None
        found = await self.people.subject(claim.account_id, claim.contact_id, claim.list_id)
        if found is None:
            return None
        address, account, organisation, list_name, title = found
        # A restored store must not opt out somebody else whose row bears the id (RELIABILITY.md row 73).
        if self.tokens.check_bits(address) != claim.check:
            return None
        return Subject(claim, address, account, organisation, list_name, title or list_name)

    async def carry_out(self, subject: Subject, scope: Scope, way: Way, client: str) -> None:
        """Durable on return; repeating it changes nothing. StoreUnavailable where it could not be kept."""
        await self._suppress(subject, scope, SuppressionReason.OPT_OUT, way, client, "unsubscribe")

    async def complain(self, subject: Subject, client: str) -> None:
        """'This is spam' on our own page: nothing more from this sender; never suspends alone (POLICY.md, Ladder)."""
        await self._suppress(subject, Scope.SENDER, SuppressionReason.COMPLAINT, Way.PAGE, client, "complaint")

    async def _suppress(
        self, subject: Subject, scope: Scope, reason: SuppressionReason, way: Way, client: str, event: str
    ) -> None:
        claim = subject.claim
        account_id = 0 if scope is Scope.EVERYONE else claim.account_id
        list_id = claim.list_id if scope is Scope.LIST else 0
        token = f"{claim.message:016x}"
        new = await self.people.suppress(account_id, subject.address, list_id, reason, way.value, client, token)
        if not new:
            return
        fields: dict[str, str | int | float | None] = {"recipient": str(subject.address), "client": client}
        fields |= {"way": way.value, "scope": scope.value}
        if subject.list_name:
            fields["list"] = subject.list_name
        self.journal.write(
            Event(event, new_ref(), self.clock.now(), "info", claim.account_id, subject.account_name, fields)
        )
