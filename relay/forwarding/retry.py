"""The keeper of the queue: claims what is due, tries again, gives up in time, cleans up (RELIABILITY.md §E3-E4)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from relay.forwarding.attempt import Attempt, Renderer
from relay.forwarding.office import Office
from relay.ports import Claimed, Directory, Event, Recovered, StaleLease, StoreUnavailable


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Clocks of the keeper itself. Seconds."""

    poll: float = 1.0
    """Between two looks for due messages, where nobody wakes the keeper."""
    attempt: float = 300.0
    """For one copy, from connecting to the smarthost's last reply."""
    lease: float = 900.0
    """Longer than an attempt: another keeper takes over after it."""
    housekeeping: float = 30.0
    """Between two rounds of recovery and purge."""
    messages: int = 50
    """Claimed at most at one time."""
    copies: int = 20
    """Under way at most at one time."""


class Keeper:
    """Runs in one process; several are safe, the leases keep them apart."""

    def __init__(self, office: Office, directory: Directory, render: Renderer, rhythm: Rhythm | None = None) -> None:
        self._office = office
        self._directory = directory
        self._render = render
        self._rhythm = rhythm or Rhythm()
        self._wake = asyncio.Event()
        self._stopping = False
        self._turn = asyncio.Semaphore(self._rhythm.copies)
        self._under_way = 0
        self._next_housekeeping = 0.0

    def wake(self) -> None:
        """Something was queued: look now."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Until stop()."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._wake.clear()
                await self._housekeeping()
                await self._suspects()
                claimed = await self._claim(self._rhythm.messages - self._under_way)
                for one in claimed:
                    self._under_way += 1
                    group.create_task(self._work(one))
                if not claimed:
                    await self._rest()

    async def round(self) -> int:
        """Claim once and try everything claimed; how many messages."""
        claimed = await self._claim(self._rhythm.messages)
        self._under_way += len(claimed)
        await asyncio.gather(*(self._work(one) for one in claimed))
        return len(claimed) + await self._suspects()

    async def recover(self) -> None:
        """After a crash: what nobody was promised is dropped, what may have gone is kept (§E4)."""
        found = await self._office.spool.recover(self._office.clock.now())
        if found != Recovered(0, 0, 0):
            level = "error" if found.quarantined else "warning"
            fields: dict[str, str | int | float | None] = {
                "dropped": found.dropped,
                "in_doubt": found.in_doubt,
                "resumed": found.resumed,
                "quarantined": found.quarantined,
            }
            event = Event("service.recovered", "", self._office.clock.now(), level, fields=fields)
            self._office.journal.write(event)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._rhythm.poll):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _housekeeping(self) -> None:
        """Recovery again and again: a lease of a dead process ends long after our own start."""
        clock = self._office.clock
        if clock.monotonic() < self._next_housekeeping:
            return
        self._next_housekeeping = clock.monotonic() + self._rhythm.housekeeping
        try:
            await self.recover()
            keep = timedelta(seconds=self._office.timetable.clocks.keep_final)
            await self._office.spool.purge(clock.now() - keep)
        except StoreUnavailable as fault:
            self._trouble("", f"the queue could not be tidied: {fault}")

    async def _claim(self, limit: int) -> list[Claimed]:
        if limit <= 0:
            return []
        now = self._office.clock.now()
        try:
            return await self._office.spool.claim(now, now + timedelta(seconds=self._rhythm.lease), limit)
        except StoreUnavailable as fault:
            self._trouble("", f"the queue could not be read: {fault}")
            return []

    async def _suspects(self) -> int:
        """Messages that may have broken a process, each alone; how many. Others wait so long (row 64)."""
        tried = 0
        while not self._stopping and (suspect := await self._claim_suspect()) is not None:
            while self._under_way:
                self._wake.clear()
                await self._wake.wait()
            self._under_way += 1
            await self._work(suspect)
            tried += 1
        return tried

    async def _claim_suspect(self) -> Claimed | None:
        now = self._office.clock.now()
        try:
            return await self._office.spool.claim_suspect(now, now + timedelta(seconds=self._rhythm.lease))
        except StoreUnavailable as fault:
            self._trouble("", f"the queue could not be read: {fault}")
            return None

    async def _work(self, claimed: Claimed) -> None:
        """One message; whatever happens, the queue goes on, and the lease's end brings the message back."""
        try:
            account = await self._directory.account(claimed.message.account_id)
            attempt = Attempt(self._office, claimed, self._render, account, self._turn)
            await attempt.run(self._rhythm.attempt)
        except (StoreUnavailable, StaleLease) as fault:
            self._trouble(claimed.message.ref, f"a queued message was let go: {fault or type(fault).__name__}")
        except Exception as fault:  # noqa: BLE001 - one broken row must not stop the queue
            self._trouble(claimed.message.ref, f"a queued message was let go: {type(fault).__name__}: {fault}")
        finally:
            self._under_way -= 1
            self._wake.set()

    def _trouble(self, ref: str, error: str) -> None:
        self._office.journal.write(
            Event("service.queue", ref, self._office.clock.now(), "error", fields={"error": error})
        )
