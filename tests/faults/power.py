"""Power cuts without a power switch: what a relay wrote, synced and said is recorded, and replayed up to any moment.

strace notes every write, sync and reply of a running relay. A disk that loses power keeps what was synced and any
part of the rest; so for a moment right behind a 250 the files are put together again from the synced writes and a
random part of the others, opened by SQLite as after a restart, and asked for every message promised so far.
"""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROMISE = re.compile(rb"250 2\.0\.0 ([0-9A-Z]{26}) (?:queued|accepted for)")
"""Replies that rest on the store; one copy that the smarthost took rests on nothing of ours."""
_TRACED = "pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync,ftruncate"
_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(r"(\w+)\((\d+)<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a process did. `begun` and `ended` are positions in the record."""

    call: str
    target: str
    octets: bytes
    offset: int
    begun: int
    ended: int


@dataclass
class Disk:
    """One file: what is safe, and what was written since the last sync."""

    safe: bytearray
    unsafe: list[Step] = field(default_factory=list)

    def sync(self, begun: int) -> None:
        """Everything written before the sync began is safe from here on."""
        for step in self.unsafe:
            if step.ended <= begun:
                _apply(self.safe, step)
        self.unsafe = [step for step in self.unsafe if step.ended > begun]

    def after_a_cut(self, chance: random.Random) -> bytes:
        """What may be found: nothing, anything or everything of what was not synced, the last of it torn."""
        left = bytearray(self.safe)
        share = chance.choice((0.0, 0.0, 0.5, 1.0))
        for step in self.unsafe:
            if chance.random() < share:
                _apply(left, step)
        return bytes(left)


def _apply(file: bytearray, step: Step) -> None:
    if step.call == "ftruncate":
        del file[step.offset :]
        return
    end = step.offset + len(step.octets)
    file.extend(b"\0" * (end - len(file)))
    file[step.offset : end] = step.octets


@contextlib.contextmanager
def recording(pids: list[int], record: Path) -> Iterator[None]:
    """Everything these processes and their threads write, sync and say; RuntimeError where nobody may look on."""
    attach = [word for pid in pids for word in ("-p", str(pid))]
    command = ["strace", "-f", "-yy", "-xx", "-s", "1000000", "-e", f"trace={_TRACED}", "-e", "signal=none"]
    with subprocess.Popen([*command, "-o", str(record), *attach], stderr=subprocess.PIPE) as tracer:
        assert tracer.stderr is not None
        for _ in pids:
            line = tracer.stderr.readline()
            if b"attached" not in line:
                raise RuntimeError(line.decode())
        try:
            yield
        finally:
            tracer.terminate()
            tracer.stderr.read()


def steps(record: Path) -> Iterator[Step]:
    """The record as steps, in the order in which they ended."""
    begun: dict[str, tuple[int, str]] = {}
    for place, line in enumerate(record.read_text().splitlines()):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        pid, text = match[1], match[2]
        start = place
        if text.endswith("<unfinished ...>"):
            begun[pid] = place, text.removesuffix("<unfinished ...>")
            continue
        if (resumed := _RESUMED.match(text)) is not None:
            start, head = begun.pop(pid, (place, ""))
            text = head + resumed[1]
        step = _step(text, start, place)
        if step is not None:
            yield step


def _step(text: str, begun: int, ended: int) -> Step | None:
    call = _CALL.match(text)
    if call is None or " = -1 " in text or text.endswith("= ?"):
        return None
    octets = b"".join(bytes.fromhex(one.replace("\\x", "")) for one in _TEXT.findall(text[call.end() :]))
    numbers = re.findall(r"(\d+) *\) += ", text)
    offset = int(numbers[-1]) if numbers and call[1] in ("pwrite64", "ftruncate") else 0
    return Step(call[1], _path(call[3]), octets, offset, begun, ended)


def _path(shown: str) -> str:
    """A descriptor's file or peer; -xx writes it in hexadecimal as well."""
    if "\\x" not in shown:
        return shown
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), shown)


def at_rest(store: Path) -> dict[str, bytes]:
    """The store's files once nobody writes to them."""
    for _ in range(50):
        first = _files(store)
        time.sleep(0.3)
        if first == _files(store):
            return first
    raise AssertionError("the store does not come to rest")


def _files(store: Path) -> dict[str, bytes]:
    names = (store.name, f"{store.name}-wal")
    return {name: (store.with_name(name)).read_bytes() for name in names if store.with_name(name).exists()}


@dataclass
class Cuts:
    """What a replay found."""

    promises: int = 0
    cuts: int = 0
    lost: list[str] = field(default_factory=list)
    """`REF, cut after …`: promised, and not there after the cut."""
    broken: list[str] = field(default_factory=list)
    """Cuts after which SQLite called its file damaged."""


def replay(base: dict[str, bytes], record: Path, folder: Path, wanted: int, seed: int, ways: int = 1) -> Cuts:
    """Cut the power behind `wanted` promises, evenly spread, each in so many ways that chance chooses."""
    chance, found = random.Random(seed), Cuts()
    disks = {name: Disk(bytearray(octets)) for name, octets in base.items()}
    promised: list[str] = []
    done = list(steps(record))
    total = sum(len(PROMISE.findall(step.octets)) for step in done if _said(step))
    every = max(1, -(-total // wanted))
    for step in done:
        name = step.target.rpartition("/")[2]
        if name in disks and step.call in ("pwrite64", "ftruncate"):
            disks[name].unsafe.append(step)
        elif name in disks and step.call in ("fsync", "fdatasync"):
            disks[name].sync(step.begun)
        elif _said(step):
            for ref in PROMISE.findall(step.octets):
                promised.append(ref.decode())
                found.promises += 1
                for _ in range(ways if found.promises % every == 0 else 0):
                    _cut(disks, promised, folder, chance, found)
    return found


def _said(step: Step) -> bool:
    return step.call in ("write", "writev", "sendto", "sendmsg") and step.target.startswith("TCP")


def _cut(disks: dict[str, Disk], promised: list[str], folder: Path, chance: random.Random, found: Cuts) -> None:
    """Restart on what is left, and ask for everything promised."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, disk in disks.items():
        (folder / name).write_bytes(disk.after_a_cut(chance))
    found.cuts += 1
    (file,) = [folder / name for name in disks if not name.endswith("-wal")]
    try:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            sound = connection.execute("PRAGMA quick_check").fetchone()[0]
            sql = "SELECT ref FROM spool_message WHERE promised = 1 AND (answer <> '' OR purpose <> 'relay')"
            kept = {row[0] for row in connection.execute(sql)}
    except sqlite3.DatabaseError as damage:
        sound, kept = str(damage), set()
    if sound != "ok":
        found.broken.append(f"cut {found.cuts}: {sound}")
    found.lost += [f"{ref}, cut after {promised[-1]}" for ref in promised if ref not in kept]
