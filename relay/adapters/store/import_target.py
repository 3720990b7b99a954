"""The list an import goes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from policies.facts import Confirm
from policies.imports.batch import Ramp


@dataclass(frozen=True, slots=True)
class Target:
    """A list by its ids and names, and what its account owns."""

    account_id: int
    account_name: str
    list_id: int
    list_name: str
    confirm: Confirm
    domains: frozenset[str]
    """The account's verified domains."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How an import is let in."""

    min_rows: int = 1000
    """From which size the ramp applies."""
    max_age: timedelta = timedelta(days=730)
    """Permission older than this is not usable (clause 3.4)."""
    ramp: Ramp = field(default_factory=lambda: Ramp(10.0, 10_000))
