"""MAIL and RCPT: paths and parameters (RFC 5321 §4.1.1, RFC 1870, RFC 3461 §4, RFC 4954 §5, RFC 6152)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from policies.address import Address, AddressFault, AddressProblem
from policies.verdict import Reply, clean
from relay.smtp.xtext import decode_xtext
from relay.transaction import MailCommand, RcptCommand

MAX_ENVID = 100
MAX_ORCPT = 500
"""Octets (RFC 3461 §4.4, §4.2)."""

_MAIL_SYNTAX = "syntax: MAIL FROM:<reverse-path> [parameters]"
_RCPT_SYNTAX = "syntax: RCPT TO:<forward-path> [parameters]"


class CommandFault(Exception):
    """The command is not one we take; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Offer:
    """Extensions of a listener that bring parameters (INTERFACE.md §3)."""

    dsn: bool = True
    auth: bool = True
    xlist: bool = True
    postmaster: str = ""
    """Domain of the mailbox that a bare <postmaster> means (RFC 5321 §4.5.1); empty: it means nothing here."""


@dataclass(slots=True)
class _MailParameters:
    size: int | None = None
    body: Literal["7BIT", "8BITMIME"] = "7BIT"
    list_name: str = ""
    ret: Literal["", "FULL", "HDRS"] = ""
    envid: str = ""


@dataclass(slots=True)
class _RcptParameters:
    notify: frozenset[str] = field(default_factory=frozenset)
    orcpt: str = ""


def parse_mail(argument: str, offer: Offer, esmtp: bool) -> MailCommand:
    """What follows the verb MAIL; CommandFault with the reply where it is wrong."""
    path, parameters = _split(argument, "FROM:", _MAIL_SYNTAX)
    reverse_path = _address(path, "1.7") if path else None
    if not parameters:
        return MailCommand(reverse_path)
    found = _MailParameters()
    for keyword, value in _parameters(parameters, esmtp):
        _mail_reader(keyword, offer)(found, value)
    return MailCommand(reverse_path, found.size, found.body, found.list_name, found.ret, found.envid)


def parse_rcpt(argument: str, offer: Offer, esmtp: bool) -> RcptCommand:
    """What follows the verb RCPT; CommandFault with the reply where it is wrong."""
    path, parameters = _split(argument, "TO:", _RCPT_SYNTAX)
    if offer.postmaster and path.lower() == "postmaster":
        path = f"{path}@{offer.postmaster}"
    forward_path = _address(path, "1.3")
    if not parameters:
        return RcptCommand(forward_path)
    found = _RcptParameters()
    for keyword, value in _parameters(parameters, esmtp):
        _rcpt_reader(keyword, offer)(found, value)
    return RcptCommand(forward_path, found.notify, found.orcpt)


def _split(argument: str, keyword: str, syntax: str) -> tuple[str, str]:
    """The path between its brackets, and the parameters after it."""
    start = len(keyword)
    if argument[:start].upper() != keyword:
        raise _wrong(syntax)
    rest = argument[start:].lstrip(" ")
    if rest[:1] != "<":
        raise _wrong(syntax)
    end = rest.find(">") if rest[1:2] != '"' else _end_after_quotes(rest)
    if end < 0 or rest[end + 1 : end + 2] not in ("", " "):
        raise _wrong(syntax)
    return rest[1:end], rest[end + 1 :].strip(" ")


def _end_after_quotes(rest: str) -> int:
    """Index of the closing bracket, one inside a quoted string not counted; -1: there is none."""
    at = 2
    while at < len(rest) and rest[at] != '"':
        at += 2 if rest[at] == "\\" else 1
    return rest.find(">", at)


def _address(path: str, detail: str) -> Address:
    """`detail`: 1.7 for a reverse-path, 1.3 for a forward-path (RFC 3463 §3.2)."""
    try:
        return Address.parse(path)
    except AddressFault as fault:
        if fault.kind is AddressProblem.NON_ASCII_LOCAL:
            detail = "6.7"
        raise CommandFault(Reply(553, f"5.{detail}", f"bad address: {fault}")) from None


def _parameters(text: str, esmtp: bool) -> list[tuple[str, str | None]]:
    """KEYWORD and value (None: none given) of each esmtp-param, every keyword once (RFC 5321 §4.1.1.11)."""
    if not esmtp:
        raise CommandFault(Reply(555, "5.5.4", "parameters need EHLO"))
    found: dict[str, str | None] = {}
    for word in text.split():
        keyword, equals, value = word.partition("=")
        keyword = keyword.upper()
        if keyword in found:
            raise _wrong(f"{keyword} was given twice")
        found[keyword] = value if equals else None
    return list(found.items())


def _wrong(text: str) -> CommandFault:
    return CommandFault(Reply(501, "5.5.4", clean(text, 200)))


def _not_offered(keyword: str) -> CommandFault:
    return CommandFault(Reply(555, "5.5.4", clean(f"parameter {keyword} is not offered", 200)))


def _mail_reader(keyword: str, offer: Offer) -> Callable[[_MailParameters, str | None], None]:
    reader = _MAIL_READERS.get(keyword)
    if reader is None or not _offers(offer, keyword):
        raise _not_offered(keyword)
    return reader


def _offers(offer: Offer, keyword: str) -> bool:
    match keyword:
        case "RET" | "ENVID":
            return offer.dsn
        case "AUTH":
            return offer.auth
        case "XLIST":
            return offer.xlist
        case _:
            return True


def _rcpt_reader(keyword: str, offer: Offer) -> Callable[[_RcptParameters, str | None], None]:
    reader = _RCPT_READERS.get(keyword)
    if reader is None or not offer.dsn:
        raise _not_offered(keyword)
    return reader


def _size(found: _MailParameters, value: str | None) -> None:
    if not value or not value.isascii() or not value.isdigit() or len(value) > 20:
        raise _wrong("SIZE takes a number of octets")
    found.size = int(value)


def _body(found: _MailParameters, value: str | None) -> None:
    match (value or "").upper():
        case "7BIT":
            found.body = "7BIT"
        case "8BITMIME":
            found.body = "8BITMIME"
        case _:
            raise _wrong("BODY is 7BIT or 8BITMIME")


def _auth(found: _MailParameters, value: str | None) -> None:
    """Taken and not passed on: we trust no submitter named by a client (RFC 4954 §5)."""
    if value != "<>" and not decode_xtext(value or ""):
        raise _wrong("AUTH takes <> or an xtext mailbox")


def _xlist(found: _MailParameters, value: str | None) -> None:
    if not value or len(value) > 64 or not value.isascii():
        raise _wrong("XLIST takes the name of a list")
    found.list_name = value


def _ret(found: _MailParameters, value: str | None) -> None:
    match (value or "").upper():
        case "FULL":
            found.ret = "FULL"
        case "HDRS":
            found.ret = "HDRS"
        case _:
            raise _wrong("RET is FULL or HDRS")


def _envid(found: _MailParameters, value: str | None) -> None:
    if len(value or "") > MAX_ENVID:
        raise _wrong(f"ENVID is longer than {MAX_ENVID} octets")
    envid = decode_xtext(value or "")
    if not envid:
        raise _wrong("ENVID takes xtext of printable characters")
    found.envid = envid


def _notify(found: _RcptParameters, value: str | None) -> None:
    wishes = frozenset((value or "").upper().split(","))
    if wishes != {"NEVER"} and not wishes <= {"SUCCESS", "FAILURE", "DELAY"}:
        raise _wrong("NOTIFY is NEVER, or any of SUCCESS, FAILURE, DELAY")
    found.notify = wishes


def _orcpt(found: _RcptParameters, value: str | None) -> None:
    kind, semicolon, encoded = (value or "").partition(";")
    address = decode_xtext(encoded)
    if len(value or "") > MAX_ORCPT or not semicolon or not _is_atom(kind) or not address:
        raise _wrong("ORCPT takes an address type, a semicolon and an xtext address")
    found.orcpt = f"{kind};{address}"


def _is_atom(text: str) -> bool:
    return bool(text) and text.isascii() and all(c.isalnum() or c == "-" for c in text)


_MAIL_READERS: dict[str, Callable[[_MailParameters, str | None], None]] = {
    "SIZE": _size,
    "BODY": _body,
    "AUTH": _auth,
    "XLIST": _xlist,
    "RET": _ret,
    "ENVID": _envid,
}
_RCPT_READERS: dict[str, Callable[[_RcptParameters, str | None], None]] = {
    "NOTIFY": _notify,
    "ORCPT": _orcpt,
}
