"""What one HTML part shows: its opt-out links, its address, and where a footer goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.message.html_source import Href
from relay.message.postal_address import AddressFound


@dataclass(frozen=True, slots=True)
class HtmlLink:
    """One opt-out link a reader sees, and its href in the source."""

    text: str
    tag: int
    """Offset of its start tag."""
    href: Href


@dataclass(slots=True)
class HtmlReading:
    """What one HTML part shows; offsets are in the octets read."""

    bottom: list[HtmlLink] = field(default_factory=list)
    """Opt-out links at the bottom, last first."""
    above: list[HtmlLink] = field(default_factory=list)
    """Opt-out links further up: rewritten too, but no answer to clause 5.4."""
    address: AddressFound | None = None
    footer_text: str = ""
    """The last displayed lines, as far as they were read."""
    pale: bool = False
    """All links at the bottom are of little contrast."""
    end: int = -1
    """Where a footer goes; -1: nowhere."""
    lang: str = ""
    rtl: bool = False
    lower: bytes = b""
    """The octets in lower case."""
    doubt: str = ""
    """Why links were left alone; empty: there was no doubt."""
