"""The one writer of a process: a thread that puts everything that waits into one transaction, synced once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar, cast

from relay.adapters.store.hot import Connect, Statements, StoreBroken, WriteConnection
from relay.ports import StoreUnavailable

LAG = 0.1
"""Seconds the journal may lag behind when nothing else is written."""

Answer = TypeVar("Answer")


class Lagging(Protocol):
    """Rows that may wait for the next transaction; a failure of theirs harms nobody else."""

    def waiting(self) -> bool: ...

    def write(self, statements: Statements) -> None:
        """Write what waits, what an earlier transaction could not keep included."""

    def written(self) -> None:
        """It is committed: forget it."""

    def failed(self, failure: Exception) -> None:
        """The transaction goes on without it: count it and forget it."""


@dataclass(slots=True)
class _Waiting:
    """A job and whoever awaits it; the answer reaches them only once it is committed."""

    job: Callable[[Statements], object]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[object]
    answer: object = None
    failure: Exception | None = None

    def attempt(self, statements: Statements) -> None:
        """Do the job inside a savepoint of its own."""
        statements.execute("SAVEPOINT job")
        try:
            self.answer = self.job(statements)
        except Exception as failure:  # noqa: BLE001  (whatever it is, it belongs to who awaits the job)
            self.failure = failure

    def settle(self) -> None:
        """In the loop: hand over the outcome, unless nobody awaits it any more."""
        if self.future.done():
            return
        if self.failure is not None:
            self.future.set_exception(self.failure)
        else:
            self.future.set_result(self.answer)


class Writer:
    """Group commit: jobs fail alone, succeed together, and are never stopped half-way."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: WriteConnection | None = None
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._lagging: list[Lagging] = []
        self._broken: StoreUnavailable | None = None
        self._closing = False
        self._gate = threading.Lock()
        self.transactions = 0
        """Committed so far."""
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def broken(self) -> bool:
        """Whether a commit or sync failed for good: only a new process may write again (RELIABILITY.md row 61)."""
        return self._broken is not None

    def attach(self, lagging: Lagging) -> None:
        """Let these rows ride along with other transactions."""
        self._lagging.append(lagging)

    async def run(self, job: Callable[[Statements], Answer]) -> Answer:
        """Do the job in the next transaction; returns once it is durable, raises with nothing of it kept.

        A caller that is cancelled stops waiting, no more: the job is done or fails as a whole.
        """
        if self._broken is not None:
            raise self._broken
        loop = asyncio.get_running_loop()
        waiting = _Waiting(job, loop, loop.create_future())
        with self._gate:
            if self._closing:
                raise StoreUnavailable("store: closing")
            self._queue.put(waiting)
        return cast(Answer, await waiting.future)

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._gate:
            self._closing = True
            self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        """The thread: one round after another until closed and empty."""
        while True:
            jobs = self._next()
            if jobs or any(one.waiting() for one in self._lagging):
                self._round(jobs)
            if self._closing and self._queue.empty():
                break
        if self._connection is not None:
            self._connection.close()

    def _next(self) -> list[_Waiting]:
        """Everything that waits, after at most LAG seconds of waiting for the first."""
        jobs: list[_Waiting | None] = []
        with contextlib.suppress(Empty):
            jobs.append(self._queue.get(timeout=LAG))
            while True:
                jobs.append(self._queue.get_nowait())
        return [job for job in jobs if job is not None]

    def _round(self, jobs: list[_Waiting]) -> None:
        """One transaction and what everyone is told of it."""
        try:
            self._transaction(jobs)
        except Exception as failure:  # noqa: BLE001  (the thread must live on to answer whoever waits)
            self._undo(jobs, failure)
        _settle(jobs)

    def _transaction(self, jobs: list[_Waiting]) -> None:
        if self._broken is not None:
            raise self._broken
        connection = self._connection = self._connection or self._connect()
        statements = connection.begin()
        for job in jobs:
            job.attempt(statements)
            _end_savepoint(connection, statements, job.failure)
        rode = [one for one in self._lagging if one.waiting() and _rides(connection, statements, one)]
        connection.commit()
        self.transactions += 1
        for one in rode:
            one.written()

    def _undo(self, jobs: list[_Waiting], failure: Exception) -> None:
        """Nothing was kept: every job fails with the reason, and after a broken write no other is tried."""
        if self._connection is not None:
            self._connection.rollback()
        if not isinstance(failure, StoreUnavailable):
            failure = StoreBroken(f"store: the writer failed: {failure!r}")
        if isinstance(failure, StoreBroken):
            self._broken = failure
        for job in jobs:
            job.failure = failure


def _end_savepoint(connection: WriteConnection, statements: Statements, failure: Exception | None) -> None:
    """Keep or undo one part; when the whole transaction is gone with it, say so."""
    if failure is not None:
        if not connection.open() or isinstance(failure, StoreBroken):
            raise failure
        statements.execute("ROLLBACK TO job")
    statements.execute("RELEASE job")


def _rides(connection: WriteConnection, statements: Statements, lagging: Lagging) -> bool:
    """Whether the lagging rows are part of this transaction."""
    statements.execute("SAVEPOINT job")
    failure: Exception | None = None
    try:
        lagging.write(statements)
    except Exception as raised:  # noqa: BLE001  (rows of the journal must not undo a promise)
        failure = raised
    _end_savepoint(connection, statements, failure)
    if failure is not None:
        lagging.failed(failure)
    return failure is None


def _settle(jobs: list[_Waiting]) -> None:
    """Wake each loop once for all its jobs; a loop that has ended meanwhile awaits nothing."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, theirs in by_loop.items():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_hand_over, theirs)


def _hand_over(jobs: list[_Waiting]) -> None:
    for job in jobs:
        job.settle()
