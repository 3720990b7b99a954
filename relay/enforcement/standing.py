"""Clauses 1.1, 1.2, 7.3 and 7.4: which way an account's standing may move, and by whose hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from policies.facts import Standing

POLICY_VERSION = "1"
"""The version of the policy an account accepts today."""

_STRICTNESS = {standing: rank for rank, standing in enumerate(Standing)}


class Side(StrEnum):
    """Standing is kept twice; the stricter one counts."""

    SYSTEM = "system"
    STAFF = "staff"


class Move(StrEnum):
    """What a person may do to an account's standing."""

    WARN = "warn"
    SUSPEND = "suspend"
    DEACTIVATE = "deactivate"
    REINSTATE = "reinstate"


_TARGET = {
    Move.WARN: Standing.WARNED,
    Move.SUSPEND: Standing.SUSPENDED,
    Move.DEACTIVATE: Standing.DEACTIVATED,
}


class MoveRefused(Exception):
    """The move is not open to whoever asked for it; the text says why."""


@dataclass(frozen=True, slots=True)
class Standings:
    """What the system and what the staff say of an account."""

    system: Standing
    staff: Standing

    @property
    def effective(self) -> Standing:
        """The stricter of the two: what the rules go by."""
        return max(self.system, self.staff, key=_STRICTNESS.__getitem__)


def missing(policy_version: str, postal_address: str) -> str:
    """What an account still owes before it may leave the sandbox, in words for the sender; empty: nothing."""
    owed = []
    if not policy_version:
        owed.append("the policy is not accepted")
    if not postal_address.strip():
        owed.append("no postal address is registered")
    return " and ".join(owed)


def settled(now: Standings, owed: str) -> Standings:
    """A pending account that owes nothing any more becomes active by itself; nothing else moves up so."""
    if now.system is Standing.PENDING and not owed:
        return replace(now, system=Standing.ACTIVE)
    return now


def by_staff(now: Standings, move: Move, owed: str) -> Standings:
    """Where a person's move leads. Reinstating sets both to active, or to the sandbox while something is owed."""
    if move is Move.REINSTATE:
        return _reinstated(now, owed)
    target = _TARGET[move]
    if _STRICTNESS[now.staff] > _STRICTNESS[target]:
        raise MoveRefused(f"it is {now.staff} already; reinstate it first")
    return replace(now, staff=target)


def _reinstated(now: Standings, owed: str) -> Standings:
    after = Standings(Standing.PENDING if owed else Standing.ACTIVE, Standing.ACTIVE)
    if after == now:
        raise MoveRefused(f"it is {now.effective}: there is nothing to reinstate" + (f" ({owed})" if owed else ""))
    return after


def by_system(now: Standings, to: Standing) -> Standings:
    """The system moves an account down, and as far as suspended (clause 7.4: the rest is a person's)."""
    if _STRICTNESS[to] > _STRICTNESS[Standing.SUSPENDED]:
        raise MoveRefused("only a person deactivates an account")
    if _STRICTNESS[to] <= _STRICTNESS[now.system]:
        raise MoveRefused(f"only a person moves an account up from {now.system}")
    return replace(now, system=to)
