"""The keeper's work on what is kept: bad imports are stopped, and what was kept long enough goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from config.schema import Settings
from relay.adapters.store.batches import stop_bad_batches
from relay.adapters.store.engine import Engine
from relay.adapters.store.evidence_retention import expire_evidence
from relay.identifiers import new_ref
from relay.inspecting import terms, tolerance
from relay.ports import Clock, Event, Journal, StoreUnavailable

BATCHES_EVERY = 30.0
"""Seconds between two looks at what came of imports."""
EXPIRY_EVERY = 86_400.0
"""Seconds between two walks through all evidence."""


@dataclass(slots=True)
class Housekeeping:
    """Runs until the process ends; a store that is away is waited for."""

    settings: Settings
    engine: Engine
    journal: Journal
    clock: Clock

    def renew(self, settings: Settings) -> None:
        """After a reload."""
        self.settings = settings

    async def run(self, ending: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self.stop_batches, BATCHES_EVERY, ending))
            group.create_task(self._repeat(self.expire, EXPIRY_EVERY, ending))

    async def stop_batches(self) -> None:
        """Imports that brought too many complaints, bounces or opt-outs are worth nothing from here on."""
        imports = self.settings.imports
        await stop_bad_batches(self.engine, tolerance(imports), terms(imports), self.clock.now())

    async def expire(self) -> None:
        """Evidence of permissions that ended long ago, and mail to the intake that a person had time to read."""
        retention, max_age = self.settings.retention, self.settings.imports.max_age_days
        ended_before = self.clock.now() - timedelta(days=max_age + retention.evidence)
        await expire_evidence(self.engine, ended_before)
        older_than = timedelta(days=retention.reports)
        await asyncio.to_thread(drop_old_files, self.settings.data_dir / "intake", older_than)

    async def _repeat(self, work: Callable[[], Awaitable[None]], every: float, ending: asyncio.Event) -> None:
        while not ending.is_set():
            try:
                await work()
            except (StoreUnavailable, OSError) as trouble:
                fields: dict[str, str | int | float | None] = {"error": str(trouble)}
                event = Event("service.retention_failed", new_ref(), self.clock.now(), "warning", fields=fields)
                self.journal.write(event)
            try:
                async with asyncio.timeout(every):
                    await ending.wait()
            except TimeoutError:
                continue


def drop_old_files(folder: Path, older_than: timedelta) -> int:
    """Delete what was filed in a Maildir before then; how many files."""
    before = time.time() - older_than.total_seconds()
    old = [path for path in (*folder.glob("new/*"), *folder.glob("cur/*")) if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
