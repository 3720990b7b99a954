"""What a reader of the message sees, as facts for the rules and as places for rewriting."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.address import Address
from policies.facts import Fault, FaultFound, FooterIdentity, MessageFacts, PartFacts
from relay.message import html_source
from relay.message.decode import decoded_octets
from relay.message.displayed import displayed_parts, lacks_text, pgp_encrypted, pgp_signed
from relay.message.language import language_tag
from relay.message.mailboxes import one_mailbox
from relay.message.mime_header import decoded
from relay.message.part_reading import Readers, read_part
from relay.message.parts import DisplayedPart, Message, Part
from relay.message.postal_address import RegisteredAddress
from relay.message.restructuring import part_to_add

ON_LOOP = 256 * 1024
"""Octets of HTML up to which a part is parsed on the event loop (DESIGN.md §6)."""
_TEXT = 200
"""Characters of a header text that facts keep."""


@dataclass(slots=True)
class Reading:
    """One message read: facts for the rules, and what rewriting changes in each displayed part."""

    facts: MessageFacts
    displayed: list[DisplayedPart]


@dataclass(slots=True)
class PartsRead:
    """What the displayed parts of a message say, whatever stands in its header."""

    facts: list[PartFacts] = field(default_factory=list)
    displayed: list[DisplayedPart] = field(default_factory=list)
    faults: list[FaultFound] = field(default_factory=list)
    sealed: list[Part] = field(default_factory=list)
    """Shown, and to be left as they are."""
    opaque: str = ""


def read(
    message: Message,
    footer: FooterIdentity,
    hostname: str = "",
    public_url: str = "",
    address: RegisteredAddress | None = None,
) -> Reading:
    """Reads a scanned message; never raises, whatever is in it.

    `hostname` tells our own Received fields, `public_url` our own opt-out links, from all others; `address` is
    the footer's, where a caller has it at hand.
    """
    return read_header(message, hostname, read_parts(message, footer, public_url, address))


def read_header(message: Message, hostname: str, found: PartsRead) -> Reading:
    """The facts of a message whose parts were read."""
    author, faults = _author(message)
    sender = message.first("sender")
    received = message.values("received")
    facts = MessageFacts(
        size=len(message.raw),
        author=author,
        sender=one_mailbox(sender) if sender else None,
        faults=(*message.faults, *faults, *found.faults),
        parts=tuple(found.facts),
        opaque=found.opaque,
        received=len(received),
        own_received=sum(_is_own(value, hostname) for value in received) if hostname else 0,
        message_id=_first(message, "message-id"),
        subject=decoded(_first(message, "subject"))[:_TEXT],
        relay_list=_first(message, "x-relay-list"),
        campaign=_first(message, "x-relay-campaign"),
    )
    return Reading(facts, found.displayed)


def needs_process(message: Message) -> bool:
    """Whether reading may parse more HTML than the event loop should wait for."""
    return any(
        part.content_type == "text/html" and part.end - part.body > ON_LOOP for part in displayed_parts(message).parts
    )


def _first(message: Message, name: str) -> str:
    return message.first(name)[:998]


def _author(message: Message) -> tuple[Address | None, list[FaultFound]]:
    values = message.values("from")
    if not values:
        return None, []
    author = one_mailbox(values[0])
    if author is None or len(values) > 1:
        return None, [FaultFound(Fault.BAD_FROM, "From")]
    return author, []


def _is_own(received: str, hostname: str) -> bool:
    """Whether a Received field was written by this relay: its 'by' names our host (RFC 5321 §4.4)."""
    words = received.partition(";")[0].lower().split()
    own = hostname.lower()
    return any(words[at] == "by" and words[at + 1] == own for at in range(len(words) - 1))


def read_parts(
    message: Message, footer: FooterIdentity, public_url: str, address: RegisteredAddress | None = None
) -> PartsRead:
    """The displayed parts of a scanned message; never raises."""
    found = PartsRead()
    if any(one.fault is Fault.HEADERS_TOO_LARGE for one in message.faults):
        return found
    shown = displayed_parts(message)
    found.opaque, found.sealed = shown.opaque, shown.sealed
    if shown.opaque:
        return found
    language = language_tag(_first(message, "content-language"))
    own_links = f"{public_url.rstrip('/')}/u/" if public_url else ""
    readers = Readers(footer, address or RegisteredAddress(footer.postal_address), own_links, language)
    for part in shown.parts:
        _read_one(message, part, readers, found)
    readable = not found.opaque and not found.faults
    if readable and lacks_text(message, [one.part for one in found.displayed], found.sealed):
        facts, added = part_to_add(message, found.sealed, language)
        found.facts.append(facts)
        found.displayed.append(added)
    return found


def _read_one(message: Message, part: Part, readers: Readers, found: PartsRead) -> None:
    octets = decoded_octets(message.raw, part)
    if octets is None:
        found.faults.append(FaultFound(Fault.BROKEN_ENCODING, f"part {part.number}"))
        return
    if part.content_type == "text/html":
        if html_source.too_large(octets):
            found.faults.append(FaultFound(Fault.HTML_TOO_LARGE, f"part {part.number}"))
            return
    else:
        found.opaque = found.opaque or pgp_encrypted(octets)
        if pgp_signed(octets):
            found.sealed.append(part)
            return
    facts, displayed = read_part(part, octets, readers)
    found.facts.append(facts)
    found.displayed.append(displayed)
