"""A Maildir as smarthost, for trying out: each copy becomes a file, its envelope written on top."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import time
from pathlib import Path

from relay.ports import Delivered, InDoubt, Outcome, Outgoing, Phase, Postponed


class NotStored(Exception):
    """The file was not written; nothing was delivered."""


class Maildir:
    """`maildir:PATH`; written in tmp, synced, then renamed into new (the qmail order)."""

    def __init__(self, folder: Path) -> None:
        self.name = f"maildir:{folder}"
        self._folder = folder
        self._count = itertools.count(1)

    @property
    def healthy(self) -> bool:
        """A folder is always worth a try."""
        return True

    async def admit(self, timeout: float) -> bool:
        return True

    def reachable(self) -> bool:
        return True

    async def deliver(self, outgoing: Outgoing, timeout: float) -> Outcome:
        """The file is durable when this says Delivered."""
        body = outgoing.render(True)
        if outgoing.permit is not None:
            await outgoing.permit()
        if outgoing.before_dot is not None:
            outgoing.before_dot()
        envelope = f"Return-Path: <{outgoing.reverse_path}>\r\nDelivered-To: {outgoing.forward_path}\r\n"
        try:
            async with asyncio.timeout(timeout):
                name = await asyncio.to_thread(self._store, envelope.encode("ascii") + body)
        except TimeoutError:
            return InDoubt(self.name, "the disk did not answer in time")
        except NotStored as fault:
            return Postponed(self.name, 0, "4.3.0", str(fault), Phase.DOT)
        except OSError as fault:
            return InDoubt(self.name, fault.strerror or "the folder could not be synced")
        return Delivered(self.name, f"250 2.0.0 Stored as {name}")

    async def probe(self, timeout: float) -> bool:
        """Whether the folder can be written to."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.to_thread(self._make_folders)
        except OSError:
            return False
        return os.access(self._folder / "tmp", os.W_OK)

    def keep(self, ref: str, octets: bytes) -> None:
        """Store octets as they are, durably; NotStored where that fails. `ref` names them in the journal."""
        self._store(b"X-Relay-Ref: " + ref.encode("ascii") + b"\r\n" + octets)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _make_folders(self) -> None:
        for part in ("tmp", "new", "cur"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)

    def _store(self, octets: bytes) -> str:
        host = socket.gethostname().replace("/", "_").replace(":", "_")
        name = f"{time.time_ns() // 1000}.P{os.getpid()}Q{next(self._count)}.{host}"
        draft = self._folder / "tmp" / name
        try:
            self._make_folders()
            _write_synced(draft, octets)
            draft.rename(self._folder / "new" / name)
        except OSError as fault:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise NotStored(f"{self._folder} cannot be written: {fault.strerror}") from fault
        _sync_folder(self._folder / "new")
        return name


def _write_synced(path: Path, octets: bytes) -> None:
    with path.open("xb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
