"""Clauses 3.1, 3.4 and 6.3 at import: what one row of a customer's file claims, and whether it may be mailed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from email_validator.exceptions import EmailSyntaxError
from email_validator.syntax import validate_email_local_part

from policies.address import Address, AddressFault
from policies.facts import SuppressionReason
from policies.imports.mail_domain import DISPOSABLE, MALFORMED, TYPO, MailDomains
from policies.recipient.role_address import is_role

COLUMNS = frozenset(
    {"email", "name", "consented_at", "consent_source", "consent_ip", "last_contacted_at", "basis", "status"}
)
"""Columns with a meaning to us (INTERFACE.md §1); others are kept as they are."""

ROLE, DUPLICATE, NO_MAIL = "address.role", "duplicate", "address.no_mail"
MISSING, FUTURE, EXPIRED = "consent.missing", "consent.future", "consent.expired"

SIGNAL_OF = {
    ROLE: "roles",
    NO_MAIL: "dead domains",
    DISPOSABLE: "disposable",
    DUPLICATE: "duplicates",
    TYPO: "typos",
}
"""What a refused row says of its whole batch (policies/imports/batch.py)."""

NO_RULE = {
    SuppressionReason.OPT_OUT: "consent.withdrawn",
    SuppressionReason.COMPLAINT: "consent.complained",
    SuppressionReason.UNREACHABLE: "consent.unreachable",
}
"""The rule that will say no at RCPT."""

SAYS_NO = {
    **dict.fromkeys(
        ("unsubscribed", "optedout", "optout", "withdrawn", "suppressed", "unsubscribe"), SuppressionReason.OPT_OUT
    ),
    **dict.fromkeys(("complained", "complaint", "spam", "spamreport", "abuse"), SuppressionReason.COMPLAINT),
    **dict.fromkeys(
        ("bounced", "bounce", "hardbounced", "hardbounce", "cleaned", "unreachable", "invalid"),
        SuppressionReason.UNREACHABLE,
    ),
}
"""What a status may say, as `word_of` spells it."""
_CLAIMS = frozenset({"", "subscribed", "active", "confirmed", "imported", "optedin", "optin"})
"""Words that lower nothing; kept as a claim, none counts as double opt-in."""

_NO_WORD = re.compile(r"[\s_-]+")
_NAMED = re.compile(r"(?P<name>.*?)<(?P<address>[^<>]+)>")
_SLASHED = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})")


@dataclass(slots=True)
class Row:
    """What a row claims and what was made of it. `reason` empty: accepted. Not frozen: a file has a million."""

    number: int
    email: str
    """As it stood in the file."""
    address: Address | None
    name: str = ""
    consented_at: datetime | None = None
    last_contact_at: datetime | None = None
    source: str = ""
    consent_ip: str = ""
    basis: str = ""
    claimed_status: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    """Columns that mean nothing to us, with their cells."""
    says_no: SuppressionReason | None = None
    """The file itself says that this address must not be mailed."""
    reason: str = ""
    suggestion: str = ""
    """How to mend it, for whoever sent the file."""
    marks: tuple[str, ...] = ()
    """What it says of its batch besides (policies/imports/patterns.py)."""

    @property
    def refused_rule(self) -> str:
        """The rule id kept with a refused row: what a later RCPT is told."""
        return MISSING if self.reason == FUTURE else self.reason

    def refused(self, reason: str, suggestion: str) -> Row:
        return replace(self, reason=reason, suggestion=suggestion)

    def accepted(self) -> Row:
        return self if not self.reason else replace(self, reason="", suggestion="")

    def marked(self, marks: tuple[str, ...]) -> Row:
        return replace(self, marks=marks) if marks else self


@dataclass(frozen=True, slots=True)
class RowJudge:
    """Judges the rows of one file."""

    source: str
    """Where the file's permission comes from, for rows that say nothing of their own."""
    at: datetime
    """When the import began: no claimed date lies after it."""
    max_age: timedelta
    role_names: frozenset[str]
    own_domains: frozenset[str]
    """The account's verified domains: its own addresses may be what they like."""
    domains: MailDomains

    def judge(self, number: int, cells: Mapping[str, str], fault: str = "") -> Row:
        """One row; `fault` says why its cells cannot be trusted."""
        typed = cells.get("email", "")
        if fault:
            return Row(number, typed, None).refused(MALFORMED, fault)
        name, mailbox = _split(typed)
        try:
            address = Address.parse(mailbox)
            validate_email_local_part(address.local, allow_smtputf8=False)
        except (AddressFault, EmailSyntaxError) as wrong:
            return Row(number, typed, None).refused(MALFORMED, str(wrong))
        row = Row(
            number,
            typed,
            address,
            name=cells.get("name", "") or name,
            consented_at=date_of(cells.get("consented_at", "")),
            last_contact_at=self._past(date_of(cells.get("last_contacted_at", ""))),
            source=cells.get("consent_source", "") or self.source,
            consent_ip=cells.get("consent_ip", ""),
            basis=cells.get("basis", ""),
            claimed_status=cells.get("status", ""),
            extra=tuple((column, cell) for column, cell in cells.items() if cell and column not in COLUMNS),
        )
        return self._status(row, address, cells)

    def _past(self, claimed: datetime | None) -> datetime | None:
        """A contact that is still to come was none."""
        return claimed if claimed is not None and claimed <= self.at else None

    def _status(self, row: Row, address: Address, cells: Mapping[str, str]) -> Row:
        """A status may lower, never raise; a word we do not know lowers too."""
        word = word_of(row.claimed_status) if row.claimed_status else ""
        no = SAYS_NO.get(word)
        if no is not None:
            return replace(row, says_no=no).refused(NO_RULE[no], f"the file says {row.claimed_status}")
        if word not in _CLAIMS:
            known = "unsubscribed, complained, bounced, subscribed or nothing"
            return row.refused(MISSING, f"the status {row.claimed_status!r} is not known; use {known}")
        if address.domain not in self.own_domains:
            reason, how = self.address_fault(address)
            if reason:
                return row.refused(reason, how)
        return self._dates(row, cells.get("consented_at", ""))

    def address_fault(self, address: Address) -> tuple[str, str]:
        """(reason, how to mend it) of what the address itself says; ('', '') where it may be a person's."""
        reason, how = self.domains.judge(address.domain)
        if reason == TYPO:
            return reason, f"{address.local}@{how}"
        if not reason and is_role(address.local, self.role_names):
            return ROLE, "ask a person there to confirm by double opt-in"
        return reason, how

    def _dates(self, row: Row, typed: str) -> Row:
        """Clause 3.4: no consent date is not usable, one to come is none, and the last sign must be fresh."""
        given = row.consented_at
        if given is None:
            how = f"{typed!r} is no date; write 2026-01-31" if typed else "give the date of consent in consented_at"
            return row.refused(MISSING, how)
        if given > self.at:
            return row.refused(FUTURE, "the consent date lies in the future")
        last = max(given, row.last_contact_at or given)
        if self.at - last >= self.max_age:
            return row.refused(EXPIRED, f"the last permission or contact is over {self.max_age.days} days old")
        return row


def word_of(status: str) -> str:
    """A status as it is compared: small letters, nothing between them."""
    return _NO_WORD.sub("", status.lower())


def mailbox_of(cell: str) -> str:
    """The mailbox in a cell of a file, whatever stands around it."""
    return _split(cell)[1]


def _split(cell: str) -> tuple[str, str]:
    """Name and mailbox of a cell: `a@b`, `Name <a@b>` or `mailto:a@b`."""
    named = _NAMED.fullmatch(cell) if "<" in cell else None
    name, mailbox = (named["name"], named["address"]) if named else ("", cell)
    return name.strip().strip('"').strip(), mailbox.strip().removeprefix("mailto:")


def date_of(text: str) -> datetime | None:
    """ISO 8601 or 2026/1/31, UTC where no offset is given; None where it is no date."""
    if not text:
        return None
    slashed = _SLASHED.match(text) if "/" in text else None
    if slashed:
        text = f"{slashed[1]}-{slashed[2]:0>2}-{slashed[3]:0>2}{text[slashed.end() :]}"
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
