"""A file that only ever grows: each line is synced before its writer goes on, and says itself whether it is whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

Value = str | int
Record = Mapping[str, Value]

_SUM = 16
"""Hexadecimal digits of a line's SHA-256, in front of it."""
_TORN = b" torn\n"
"""Ends what a crash left of a line: nobody was told that it was kept."""
_NEWLINE = 10


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line that is not what was written."""

    path: Path
    number: int

    def __str__(self) -> str:
        return f"{self.path.name}: line {self.number} is damaged"


@dataclass(frozen=True, slots=True)
class AppendOnly:
    """Lines `SUM JSON`, 0600. Several processes append; a lock keeps their lines apart."""

    path: Path

    def append(self, records: Sequence[Record]) -> None:
        """Durable on return; OSError where it could not be kept, and then nothing was promised."""
        if not records:
            return
        lines = b"".join([_line(record) for record in records])
        fresh = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _write(descriptor, _closing(descriptor) + lines)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            _sync_folder(self.path.parent)

    def read(self) -> Iterator[dict[str, Value] | DamagedLine]:
        """Every record in the order of writing; none where there is no file."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(_TORN) or not line.endswith(b"\n"):
                    continue
                yield _record(line) or DamagedLine(self.path, number)

    def erase(self, meant: Callable[[Record], bool]) -> int:
        """Overwrite the lines of these records in their place, as if a crash had torn them; how many. OSError."""
        if not self.path.exists():
            return 0
        erased = 0
        with self.path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            start = 0
            for line in iter(file.readline, b""):
                end = file.tell()
                record = None if line.endswith(_TORN) or not line.endswith(b"\n") else _record(line)
                if record is not None and meant(record):
                    file.seek(start)
                    file.write(b"-" * (len(line) - len(_TORN)) + _TORN)
                    file.seek(end)
                    erased += 1
                start = end
            file.flush()
            os.fsync(file.fileno())
        return erased


def _line(record: Record) -> bytes:
    text = orjson.dumps(dict(record))
    return _sum(text) + b" " + text + b"\n"


def _sum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:_SUM].encode()


def _record(line: bytes) -> dict[str, Value] | None:
    """What the line says; None where its sum is another."""
    text = line[_SUM + 1 : -1]
    if line[: _SUM + 1] != _sum(text) + b" ":
        return None
    read: dict[str, Value] = orjson.loads(text)
    return read


def _closing(descriptor: int) -> bytes:
    """What must come first: the mark of a torn line, where a crash left one at the end."""
    size = os.fstat(descriptor).st_size
    return _TORN if size and os.pread(descriptor, 1, size - 1)[0] != _NEWLINE else b""


def _write(descriptor: int, octets: bytes) -> None:
    """All of it: a full disk may take a part and say so at the next try."""
    while octets:
        octets = octets[os.write(descriptor, octets) :]


def _sync_folder(folder: Path) -> None:
    """The new name is durable too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
