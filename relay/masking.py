"""Addresses on pages are masked: whoever holds the link knows them, whoever looks over a shoulder does not."""

from __future__ import annotations

import re

_MAILBOX = re.compile(r"""("[^"]*"|[^\s<>()\[\],;:"']+)@([^\s<>()\[\],;:"']+)""")


def masked(address: str) -> str:
    """'anne@example.com' as 'a•••@e••••••.com': first letters and the last label stay."""
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    hidden = [_hide(label) for label in labels[:-1]]
    return f"{_hide(local)}@{'.'.join([*hidden, labels[-1]])}"


def masked_text(text: str) -> str:
    """A text with everything masked that reads like an address, also one that was cut."""
    return _MAILBOX.sub(lambda found: masked(found[0]), text)


def _hide(word: str) -> str:
    return word[:1] + "•" * max(2, min(6, len(word) - 1))
