"""Domains that hand out mailboxes for minutes, as a public list keeps them."""

from __future__ import annotations

from disposable_email_domains import blocklist


def disposable_domains() -> frozenset[str]:
    """Lower-case A-labels."""
    return frozenset(blocklist)
