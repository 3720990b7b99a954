"""Reading a message, and the DNS. The first is hot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from policies.facts import FooterIdentity, MessageFacts
from relay.message.known_bodies import KnownBody
from relay.message.parts import DisplayedPart, Message


@dataclass(slots=True)
class Readable:
    """A message scanned and read: structure, facts for the rules, places to rewrite."""

    message: Message
    facts: MessageFacts
    displayed: list[DisplayedPart]
    body: KnownBody | None = None
    """What other messages with the same body share; None: the body is not kept."""


class MessageReader(Protocol):
    """Scans and reads received octets; large HTML leaves the event loop. Hot."""

    async def read(self, raw: bytes, footer: FooterIdentity) -> Readable: ...


class TxtAnswer(StrEnum):
    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Resolver(Protocol):
    async def txt(self, name: str) -> tuple[TxtAnswer, tuple[str, ...]]:
        """TXT strings; UNKNOWN is 'could not look it up', never 'absent'."""

    async def takes_mail(self, domain: str) -> TxtAnswer:
        """MX or A/AAAA present (FOUND), none or null MX (ABSENT), or UNKNOWN."""
