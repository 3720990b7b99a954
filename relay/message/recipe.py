"""Everything that makes rendering a copy deterministic, apart from the received bytes (RELIABILITY.md §E3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(slots=True)
class Recipe:
    """Per message: what rewriting writes. Stored beside the bytes, so a retry renders the same octets.

    >>> one message, received once, prepared with one Recipe, rendered once per CopyRecipe
    """

    ref: str
    hostname: str
    platform_name: str
    mail_domain: str
    organisation: str
    postal_address: str
    account_name: str
    list_name: str
    """Empty: account-wide List-Id."""
    list_id_domain: str
    """The right part of List-Id: LIST.ACCOUNT.mail_domain or ACCOUNT.mail_domain, a valid domain."""
    campaign: str
    received_from: str
    """The 'from … by … with … id …' text of our Received field, unfolded, without the date."""
    date: int
    """Seconds since the epoch: Received, a missing Date, DKIM t=."""
    nonce: str
    """Hex; boundaries of added parts and a missing Message-ID come from it."""
    signers: tuple[tuple[str, str], ...]
    """(domain, selector) of each DKIM signature, in order; keys are looked up at rendering."""
    list_headers: bool = True
    footer: bool = True
    inject_address: bool = True
    """Write the registered address where it is missing."""
    language: str = "en"
    """Where the message names none of its own."""
    footer_form: Literal["full", "line"] = "full"
    """full: address, reason and link; line: address and link."""
    list_phrase: str = ""
    """What List-Id calls the list to people; empty: its name."""
    feedback_loop: bool = True
    """CFBL-Address and CFBL-Feedback-ID (RFC 9477): needs the platform's signature."""


@dataclass(slots=True)
class CopyRecipe:
    """Per recipient: addresses and links with the recipient's own tokens."""

    recipient: str
    """Forward-path as typed."""
    contact_id: int
    reverse_path: str
    opt_out_url: str
    opt_out_mailto: str
    """mailto: URL without angle brackets."""
    feedback_id: str
    """Value of CFBL-Feedback-ID: a token."""
    why: str = ""
    """Why the recipient gets this, one sentence; empty: the default for the list."""


def for_message(recipe: Recipe, opaque: str) -> Recipe:
    """The recipe for one message: what only its reader can open gets header fields and nothing else."""
    return replace(recipe, footer=False) if opaque else recipe
