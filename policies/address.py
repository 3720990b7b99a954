"""Mailboxes: one strict grammar and one comparison key for SMTP, permission, tokens and the smarthost."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

import idna

MAX_LOCAL = 64
MAX_DOMAIN = 255
MAX_ADDRESS = 254
"""Octets (RFC 5321 §4.5.3.1.1, §4.5.3.1.2; a path is 256 with its angle brackets)."""

_ATEXT = r"[A-Za-z0-9#$&'*+/=?^_`{|}~-]"
"""RFC 5321 §4.1.2 atext without '%' and '!', which some mail systems read as routes."""

_LOCAL = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*", re.ASCII)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", re.ASCII)
_PLAIN = re.compile(
    rf"({_ATEXT}+(?:\.{_ATEXT}+)*)@((?:(?!-)[A-Za-z0-9-]{{1,63}}(?<!-)\.)+[A-Za-z][A-Za-z0-9]{{1,62}})",
    re.ASCII,
)
"""The mailboxes nearly everybody has; everything else goes the careful way, with the same outcome."""


class AddressProblem(StrEnum):
    """Why a text is not a mailbox we take."""

    EMPTY = "empty"
    CONTROL = "control"
    """C0 or DEL (RELIABILITY.md row 8)."""
    SYNTAX = "syntax"
    NON_ASCII_LOCAL = "non-ascii-local"
    """Needs SMTPUTF8: 553 5.6.7."""
    NO_DOMAIN = "no-domain"
    LITERAL = "literal"
    SOURCE_ROUTE = "source-route"
    PERCENT_HACK = "percent-hack"
    BANG_PATH = "bang-path"
    QUOTED = "quoted"
    COMMENT = "comment"
    DOMAIN = "domain"
    TOO_LONG = "too-long"


class AddressFault(ValueError):
    """The text is not a mailbox we take: `kind` for the reply code, the message for people."""

    def __init__(self, kind: AddressProblem, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox, equal when keys are: ASCII-lowercase local part and A-label domain, no Unicode folding."""

    local: str = field(compare=False)
    """As typed, ASCII; a quoted string that needs no quotes has lost them."""
    domain: str = field(compare=False)
    """A-label, lower case, at least two labels."""
    key: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.local.isascii() or not self.domain.isascii():
            raise AddressFault(AddressProblem.SYNTAX, "an address is kept in ASCII")
        object.__setattr__(self, "key", f"{self.local.lower()}@{self.domain}")

    @classmethod
    def parse(cls, text: str) -> Address:
        """The mailbox written in `text`, no brackets or spaces around; AddressFault where it is none."""
        plain = _PLAIN.fullmatch(text)
        if plain is None:
            return cls(*_read(text))
        local, domain = plain.groups()
        if len(local) > MAX_LOCAL or len(text) > MAX_ADDRESS or "--" in domain:
            return cls(*_read(text))
        return cls(local, domain.lower())

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def _fault(kind: AddressProblem, message: str) -> AddressFault:
    return AddressFault(kind, message)


def _read(text: str) -> tuple[str, str]:
    """Local part and A-label domain of any mailbox, or the fault that names what is wrong."""
    if not text:
        raise _fault(AddressProblem.EMPTY, "the address is empty")
    if any(c < " " or c == "\x7f" for c in text):
        raise _fault(AddressProblem.CONTROL, "the address has a control character")
    if text.startswith("@"):
        raise _fault(AddressProblem.SOURCE_ROUTE, "source routes are not taken")
    typed_local, typed_domain = _split(text)
    domain = _domain(typed_domain)
    local = _local(typed_local)
    if len(local) + 1 + len(domain) > MAX_ADDRESS:
        raise _fault(AddressProblem.TOO_LONG, f"the address is longer than {MAX_ADDRESS} octets")
    return local, domain


def _split(text: str) -> tuple[str, str]:
    """Around the one '@' that is not inside a quoted string."""
    end = _end_of_quotes(text) if text.startswith('"') else 0
    local, at, domain = text[end:].partition("@")
    local = text[:end] + local
    if not at:
        _refuse_routes(local)
        raise _fault(AddressProblem.NO_DOMAIN, "the address has no domain")
    if "@" in domain:
        raise _fault(AddressProblem.SYNTAX, "the address has more than one @")
    return local, domain


def _end_of_quotes(text: str) -> int:
    """Index after the closing quote of the quoted string that `text` starts with."""
    at = 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise _fault(AddressProblem.SYNTAX, "the address has an unclosed quote")
    return at + 1


def _local(typed: str) -> str:
    local = _unquoted(typed) if typed.startswith('"') else typed
    if not local.isascii():
        raise _fault(AddressProblem.NON_ASCII_LOCAL, "the part before the @ must be ASCII; SMTPUTF8 is not offered")
    _refuse_routes(local)
    if len(local) > MAX_LOCAL:
        raise _fault(AddressProblem.TOO_LONG, f"the part before the @ is longer than {MAX_LOCAL} octets")
    if _LOCAL.fullmatch(local) is None:
        raise _fault(AddressProblem.SYNTAX, "the part before the @ is not a dot-atom (RFC 5321 section 4.1.2)")
    return local


def _refuse_routes(local: str) -> None:
    """Characters by which other systems relay onwards or drop a part of what we judged."""
    if "%" in local:
        raise _fault(AddressProblem.PERCENT_HACK, "percent routes are not taken")
    if "!" in local:
        raise _fault(AddressProblem.BANG_PATH, "bang paths are not taken")
    if "(" in local or ")" in local:
        raise _fault(AddressProblem.COMMENT, "comments in an address are not taken")


def _unquoted(typed: str) -> str:
    """A quoted string that needs no quotes is the same without them (RFC 5321 §4.1.2); others are refused."""
    inner = typed[1:-1]
    if not typed.endswith('"') or len(typed) < 3 or _LOCAL.fullmatch(inner) is None:
        raise _fault(AddressProblem.QUOTED, "a quoted part before the @ is not taken")
    return inner


def _domain(typed: str) -> str:
    if not typed:
        raise _fault(AddressProblem.NO_DOMAIN, "the address has no domain")
    if "[" in typed or "]" in typed:
        raise _fault(AddressProblem.LITERAL, "address literals are not taken")
    if "(" in typed or ")" in typed:
        raise _fault(AddressProblem.COMMENT, "comments in an address are not taken")
    if len(typed) > MAX_DOMAIN:
        raise _fault(AddressProblem.TOO_LONG, f"the domain is longer than {MAX_DOMAIN} octets")
    labels = [_a_label(label) for label in typed.split(".")]
    if len(labels) < 2:
        raise _fault(AddressProblem.DOMAIN, "the domain is not fully qualified")
    if labels[-1].isdigit():
        raise _fault(AddressProblem.LITERAL, "an IP address is not a domain")
    return ".".join(labels)


def _a_label(label: str) -> str:
    """One label as an A-label in lower case."""
    if label.isascii() and _LABEL.fullmatch(label) is None:
        raise _fault(AddressProblem.DOMAIN, "the domain has a bad label")
    lower = label.lower() if label.isascii() else _lower(label)
    if label.isascii() and not lower.startswith("xn--"):
        return lower
    try:
        # IDNA 2008 without UTS46 mapping, which would turn U+017F and U+212A into s and k.
        return idna.alabel(lower).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise _fault(AddressProblem.DOMAIN, "the domain is not valid under IDNA 2008") from None


def _lower(label: str) -> str:
    """Letter by letter; none outside ASCII becomes one inside (U+212A is not k, U+0130 is not i)."""
    lowered = []
    for letter in label:
        low = letter.lower()
        if not letter.isascii() and any(c.isascii() for c in low):
            raise _fault(AddressProblem.DOMAIN, "the domain has a letter that imitates an ASCII one")
        lowered.append(low)
    return "".join(lowered)
