"""What the domain of an address says by its name alone: not a mail domain, a slip, or a mailbox for ten minutes."""

from __future__ import annotations

from dataclasses import dataclass, field

from email_validator.exceptions import EmailSyntaxError
from email_validator.syntax import validate_email_domain_name

from policies.imports.typo import Typos

MALFORMED, TYPO, DISPOSABLE = "address.malformed", "address.typo", "address.disposable"
_REMEMBERED = 50_000
"""Domains whose verdict is kept; a file has few that come again and again, and many that come once."""

_FINE = ("", "")
_LOCALHOST = ".localhost"


@dataclass(frozen=True, slots=True)
class MailDomains:
    """Judges domains by name; `takes none` of DNS is another question."""

    disposable: frozenset[str]
    typos: Typos
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)

    def judge(self, domain: str) -> tuple[str, str]:
        """(reason, the domain that was meant or why) of a lower-case A-label domain; ('', '') where it is fine."""
        found = self._known.get(domain)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[domain] = self._judged(domain)
        return found

    def _judged(self, domain: str) -> tuple[str, str]:
        if fault := _syntax_fault(domain):
            return MALFORMED, fault
        # A slip first: the list of disposable domains has gmial.com, where somebody waits for slips.
        if meant := self.typos.meant(domain):
            return TYPO, meant
        if self._is_disposable(domain):
            return DISPOSABLE, "mailboxes there live for minutes; ask for a lasting address"
        return _FINE

    def _is_disposable(self, domain: str) -> bool:
        """Whether the domain or one above it is on the list."""
        labels = domain.split(".")
        return any(".".join(labels[at:]) in self.disposable for at in range(len(labels) - 1))


def _syntax_fault(domain: str) -> str:
    if domain.endswith(_LOCALHOST):
        return ""
    try:
        validate_email_domain_name(domain, test_environment=True, globally_deliverable=False)
    except EmailSyntaxError as fault:
        return str(fault)
    return ""
