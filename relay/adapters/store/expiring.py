"""Whose permission will reach its age limit, and when (clause 3.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.facts import SubscriptionStatus
from relay.adapters.store.engine import Engine
from relay.adapters.store.lists import ListedAddress, Lists

_LIVE = frozenset(
    one.value for one in (SubscriptionStatus.CONFIRMED, SubscriptionStatus.SUBSCRIBED, SubscriptionStatus.IMPORTED)
)


@dataclass(frozen=True, slots=True)
class Expiring:
    """One permission, and when it ends."""

    email: str
    list_name: str
    expires_at: datetime


async def expiring(
    engine: Engine, account_name: str, lists: Sequence[str], max_age: timedelta, since: datetime, until: datetime
) -> AsyncIterator[Expiring]:
    """Permissions that end between those times; whoever said no has none."""
    for name in lists:
        async for one in Lists(engine).export(account_name, name):
            ends = _end(one, max_age)
            if one.status in _LIVE and ends is not None and since <= ends < until:
                yield Expiring(one.email, name, ends)


def _end(one: ListedAddress, max_age: timedelta) -> datetime | None:
    """The clock runs from the last of permission, confirmation and contact."""
    signs = [at for at in (one.consented_at, one.confirmed_at, one.last_contact_at) if at is not None]
    return max(signs) + max_age if signs else None
