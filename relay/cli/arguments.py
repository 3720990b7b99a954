"""Arguments several nouns take: names, addresses and domains, refused with exit 2 where their form is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from policies.address import Address, AddressFault
from relay.identifiers import is_name

MAX_TEXT = 500
"""Characters of a text that a person gives: organisation, postal address, reason."""


def name(text: str) -> str:
    """The name of an account, list or credential."""
    if not is_name(text):
        raise typer.BadParameter(f"{text!r} is no name: 2 to 32 of a-z, 0-9 and '-'")
    return text


def mailbox(text: str) -> Address:
    """An e-mail address."""
    try:
        return Address.parse(text.strip())
    except AddressFault as fault:
        raise typer.BadParameter(f"{text!r}: {fault}") from None


def domain_name(text: str) -> str:
    """A domain, in A-labels whatever way it was typed."""
    try:
        return Address.parse(f"postmaster@{text.strip().rstrip('.')}").domain
    except AddressFault as fault:
        raise typer.BadParameter(f"{text!r}: {fault}") from None


def one_line(text: str) -> str:
    """A text of one line, not empty."""
    text = text.strip()
    if not text or not text.isprintable() or len(text) > MAX_TEXT:
        raise typer.BadParameter(f"must be one line of 1 to {MAX_TEXT} printable characters")
    return text


def several_lines(text: str) -> str:
    """A text whose lines are separated by a newline; not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    joined = "\n".join(lines)
    if not lines or len(joined) > MAX_TEXT or not all(line.isprintable() for line in lines):
        raise typer.BadParameter(f"must be 1 to {MAX_TEXT} printable characters")
    return joined


def country(text: str) -> str:
    """An ISO 3166-1 alpha-2 code."""
    if not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise typer.BadParameter(f"{text!r} is no country: two letters, such as ID")
    return text.upper()


Account = Annotated[str, typer.Argument(metavar="ACCOUNT", parser=name)]
List = Annotated[str, typer.Argument(metavar="LIST", parser=name)]
Mailbox = Annotated[Address, typer.Argument(metavar="ADDR", parser=mailbox)]
Domain = Annotated[str, typer.Argument(metavar="DOMAIN", parser=domain_name)]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the change.", parser=one_line, metavar="TEXT")]
AnyReason = Annotated[
    str | None, typer.Option("--reason", help="Why; kept with the change.", parser=one_line, metavar="TEXT")
]
