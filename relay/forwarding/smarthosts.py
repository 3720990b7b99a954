"""All smarthosts behind one door: weights, failover while nothing of the body was sent, and who is reachable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.forwarding.links import unavailable
from relay.ports import Outcome, Outgoing, Phase, Postponed


class Door(Protocol):
    """One smarthost: its links and breaker, or a Maildir."""

    name: str

    @property
    def healthy(self) -> bool:
        """Nothing speaks against trying it."""

    async def admit(self, timeout: float) -> bool:
        """Whether a copy may be tried after all; waits so long for one that tries just now."""

    def reachable(self) -> bool: ...

    async def deliver(self, outgoing: Outgoing, timeout: float) -> Outcome: ...

    async def probe(self, timeout: float) -> bool: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Weighted:
    """A smarthost and its share."""

    door: Door
    weight: int = 1


class Pool:
    """The port `Smarthosts`: one call delivers one copy wherever it can go."""

    def __init__(
        self, smarthosts: Sequence[Weighted], random: Callable[[], float], probe_timeout: float = 5.0
    ) -> None:
        """`random` gives numbers in [0, 1)."""
        self._smarthosts = tuple(smarthosts)
        self._only = self._smarthosts[0].door if len(self._smarthosts) == 1 else None
        self._random = random
        self._probe_timeout = probe_timeout

    async def deliver(self, outgoing: Outgoing, timeout: float) -> Outcome:
        """The first outcome that is not mere unavailability; else the last smarthost's."""
        only = self._only
        if only is None:
            return await self._failover(outgoing, timeout)
        if only.healthy:
            return await only.deliver(outgoing, timeout)
        deadline = asyncio.get_running_loop().time() + timeout
        if not await only.admit(timeout):
            return self._none_left()
        return await only.deliver(outgoing, deadline - asyncio.get_running_loop().time())

    async def _failover(self, outgoing: Outgoing, timeout: float) -> Outcome:
        """First round: whoever can be tried at once; second, where there was nobody: wait for a breaker's pause."""
        deadline = asyncio.get_running_loop().time() + timeout
        outcome: Outcome | None = None
        doors = self._order()
        for door, may_wait in [*((one, False) for one in doors), *((one, True) for one in doors)]:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or (may_wait and outcome is not None):
                break
            if not (door.healthy or await door.admit(left if may_wait else 0)):
                continue
            outcome = await door.deliver(outgoing, deadline - asyncio.get_running_loop().time())
            if not unavailable(outcome):
                break
        return outcome or self._none_left()

    def reachable(self) -> bool:
        return any(one.door.reachable() for one in self._smarthosts)

    async def probe(self) -> bool:
        for one in self._smarthosts:
            if await one.door.probe(self._probe_timeout):
                return True
        return False

    async def close(self) -> None:
        for one in self._smarthosts:
            await one.door.close()

    def _order(self) -> list[Door]:
        """Every smarthost once, heavier ones earlier more often."""
        drawn = [(self._random() ** (1 / one.weight), place, one.door) for place, one in enumerate(self._smarthosts)]
        return [door for _, _, door in sorted(drawn, key=lambda entry: (-entry[0], entry[1]))]

    def _none_left(self) -> Postponed:
        names = ", ".join(one.door.name for one in self._smarthosts)
        return Postponed(names, 0, "4.4.1", "it keeps failing; another copy tried it just now", Phase.CONNECT)
