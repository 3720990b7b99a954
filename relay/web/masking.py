"""Addresses on pages are masked: whoever holds the link knows them, whoever looks over a shoulder does not."""

from __future__ import annotations


def masked(address: str) -> str:
    """'anne@example.com' as 'a•••@e••••••.com': first letters and the last label stay."""
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    hidden = [_hide(label) for label in labels[:-1]]
    return f"{_hide(local)}@{'.'.join([*hidden, labels[-1]])}"


def _hide(word: str) -> str:
    return word[:1] + "•" * max(2, min(6, len(word) - 1))
