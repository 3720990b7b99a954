"""One thing the doctor has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is, least first."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    """Works, but not well, or not for long."""
    ERROR = "error"
    """Does not work, or is not safe."""

    @property
    def weight(self) -> int:
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """`id` never changes, so that scripts may look for it."""

    id: str
    level: Level
    what: str
    mend: str = ""
    """Empty where there is nothing to mend."""
    unreachable: bool = False
    """The store or a service did not answer: exit 69."""


def ok(name: str, what: str) -> Finding:
    return Finding(name, Level.OK, what)


def info(name: str, what: str, mend: str = "") -> Finding:
    return Finding(name, Level.INFO, what, mend)


def warning(name: str, what: str, mend: str) -> Finding:
    return Finding(name, Level.WARNING, what, mend)


def error(name: str, what: str, mend: str, *, unreachable: bool = False) -> Finding:
    return Finding(name, Level.ERROR, what, mend, unreachable)
