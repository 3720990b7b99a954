"""What other platforms' suppression exports say: an opt-out, a complaint, a dead mailbox, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from policies.facts import SuppressionReason
from policies.imports.row import SAYS_NO, date_of, word_of

OPT_OUT, COMPLAINT, UNREACHABLE = (
    SuppressionReason.OPT_OUT,
    SuppressionReason.COMPLAINT,
    SuppressionReason.UNREACHABLE,
)


class Platform(StrEnum):
    """Whose export it is."""

    CSV = "csv"
    MAILCHIMP = "mailchimp"
    SENDGRID = "sendgrid"
    SES = "ses"
    MAILGUN = "mailgun"
    POSTAL = "postal"


ADDRESS_COLUMNS = ("email", "email address", "e-mail", "emailaddress", "email_address", "address", "recipient")
"""Where an address may stand, by column name in small letters."""

_DATES = (
    "unsub_time",
    "clean_time",
    "created",
    "created_at",
    "lastupdatetime",
    "last updated",
    "timestamp",
    "at",
    "date",
    "unsubscribed_at",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One row: `reason` None where it says nothing that stops mail, and `why` not."""

    reason: SuppressionReason | None
    at: datetime | None
    why: str = ""


def read_row(platform: Platform, cells: Mapping[str, str]) -> Said:
    """What a row says; columns by name in small letters."""
    at = next((found for name in _DATES if (found := _moment(cells.get(name, ""))) is not None), None)
    reason, why = _READ[platform](cells)
    return Said(reason, at, why)


Meaning = tuple[SuppressionReason | None, str]


def _csv(cells: Mapping[str, str]) -> Meaning:
    word = next((cells[name] for name in ("reason", "status", "type") if cells.get(name)), "")
    no = SAYS_NO.get(word_of(word)) if word else OPT_OUT
    return no, "" if no else f"{word!r} is not known; use unsubscribed, complained or bounced"


def _mailchimp(cells: Mapping[str, str]) -> Meaning:
    if "clean_time" in cells:
        return UNREACHABLE, ""
    if "unsub_time" not in cells:
        return None, "this is the export of subscribers: use relay list import"
    complained = any(word in cells.get("unsub_reason", "").lower() for word in ("spam", "abuse", "complain"))
    return (COMPLAINT if complained else OPT_OUT), ""


def _sendgrid(cells: Mapping[str, str]) -> Meaning:
    if "ip" in cells:
        return COMPLAINT, ""
    if "status" in cells or "reason" in cells:
        return _bounce(cells.get("status", ""), cells.get("reason", ""))
    return OPT_OUT, ""


def _ses(cells: Mapping[str, str]) -> Meaning:
    word = cells.get("reason", "").lower()
    found = {"bounce": UNREACHABLE, "complaint": COMPLAINT}.get(word)
    return found, "" if found else f"{word!r} is neither BOUNCE nor COMPLAINT"


def _mailgun(cells: Mapping[str, str]) -> Meaning:
    if "code" in cells or "error" in cells:
        return _bounce(cells.get("code", ""), cells.get("error", ""))
    if "tags" in cells or "tag" in cells:
        return OPT_OUT, ""
    return COMPLAINT, ""


def _postal(cells: Mapping[str, str]) -> Meaning:
    if cells.get("type", "recipient").lower() != "recipient":
        return None, "it does not speak of a recipient"
    if "soft" in cells.get("reason", "").lower():
        return None, "soft failures suppress nobody here"
    return UNREACHABLE, ""


_NO_SUCH = ("5.1.", "does not exist", "user unknown", "unknown user", "no such", "invalid", "not found", "no mailbox")
_BLOCKED = ("5.7.", "4.", "block", "spam", "policy", "quota", "full", "rate", "reputation", "denied")


def _bounce(status: str, words: str) -> Meaning:
    """Only a mailbox that is not there counts: blocks and full mailboxes suppress nobody (STANDARDS.md §4.7)."""
    text = f"{status} {words}".lower()
    if any(sign in text for sign in _NO_SUCH):
        return UNREACHABLE, ""
    if status.strip().startswith("4") or any(sign in text for sign in _BLOCKED):
        return None, "blocks and passing failures suppress nobody here"
    return UNREACHABLE, ""


def _moment(text: str) -> datetime | None:
    """A date, or seconds since 1970; None where it is neither."""
    text = text.strip().removesuffix(" UTC")
    if text.isascii() and text.isdecimal() and 9 <= len(text) <= 10:
        return datetime.fromtimestamp(int(text), UTC)
    if text[:3].isalpha() and "," in text:
        return _http_date(text)
    return date_of(text)


def _http_date(text: str) -> datetime | None:
    """Fri, 21 Oct 2011 11:02:55 GMT."""
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S %Z"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


_READ = {
    Platform.CSV: _csv,
    Platform.MAILCHIMP: _mailchimp,
    Platform.SENDGRID: _sendgrid,
    Platform.SES: _ses,
    Platform.MAILGUN: _mailgun,
    Platform.POSTAL: _postal,
}
