"""Whether the domains of a file take mail: asked of DNS once each, a few at a time, while somebody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from relay.ports import TxtAnswer

PARALLEL = 50
"""Questions under way at once."""
PATIENCE = 100
"""So many questions in a row without an answer: the resolver is away, and the rest of the file is not asked for."""
REMEMBERED = 200_000
"""Domains whose answer is kept."""


class MailResolver(Protocol):
    """The one question of DNS that matters here."""

    async def takes_mail(self, domain: str) -> TxtAnswer:
        """FOUND, ABSENT, or UNKNOWN where it could not be looked up."""


@dataclass(slots=True)
class DomainChecks:
    """Answers for one run. `resolver` None: nobody is asked ([dns] check_domains)."""

    resolver: MailResolver | None
    unknown: int = 0
    """Domains that could not be looked up; unknown is not bad."""
    _dead: dict[str, bool] = field(default_factory=dict)
    _silent: int = 0

    async def dead(self, domains: Collection[str]) -> frozenset[str]:
        """Those of the domains of which DNS says that they take no mail."""
        if self.resolver is None:
            return frozenset()
        if len(self._dead) > REMEMBERED:
            self._dead.clear()
        turns = asyncio.Semaphore(PARALLEL)
        async with asyncio.TaskGroup() as group:
            for domain in sorted({one for one in domains if one not in self._dead}):
                group.create_task(self._ask(self.resolver, domain, turns))
        return frozenset(domain for domain in domains if self._dead.get(domain))

    async def _ask(self, resolver: MailResolver, domain: str, turns: asyncio.Semaphore) -> None:
        async with turns:
            away = self._silent >= PATIENCE
            answer = TxtAnswer.UNKNOWN if away else await resolver.takes_mail(domain)
        self._dead[domain] = answer is TxtAnswer.ABSENT
        if answer is TxtAnswer.UNKNOWN:
            self.unknown += 1
            self._silent += 1
        else:
            self._silent = 0
