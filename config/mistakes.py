"""What is wrong with a configuration: every mistake at once, each with its key and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend. Never holds a value that may be a secret."""

    key: str
    """As relay.toml spells it, array entries by index from 0: listener.0.bind."""
    what: str
    where: str
    """file:line, the name of a variable, or 'default'."""

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.what}" if self.key else f"{self.where}: {self.what}"


class ConfigError(Exception):
    """The configuration cannot be used (exit 78)."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = list(mistakes)
        super().__init__("\n".join(str(one) for one in self.mistakes))
