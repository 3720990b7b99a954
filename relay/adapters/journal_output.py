"""Journal lines to stdout and to a file, from a thread: whoever writes an event never waits for a disk or a pipe."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from config.schema import Log
from relay.journal import LineOutput

MAX_WAITING = 50_000
"""Lines that may wait; more are dropped and counted."""

GATHER = 0.01
"""Seconds after a write during which further lines gather for the next."""

CLOSE_WAIT = 2.0
"""Seconds for the last lines."""

AT_ONCE = 4096
"""Octets of a write: a pipe shared by several processes takes as much without mixing lines (POSIX PIPE_BUF)."""


class ThreadedOutput:
    """LineOutput to a file descriptor, or to a file that is opened for appending and may be rotated."""

    def __init__(self, target: int | Path, text: bool, colour: bool, max_waiting: int = MAX_WAITING) -> None:
        self._target = target
        self._text = text
        self._colour = colour
        self._max_waiting = max_waiting
        self._descriptor = target if isinstance(target, int) else -1
        self._waiting: deque[bytes] = deque()
        self._refused = 0
        self._unwritten = 0
        self._told = 0
        self._reopen = False
        self._closing = False
        self._awake = threading.Event()
        self._pause = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="journal-output", daemon=True)
        self._thread.start()

    @property
    def text(self) -> bool:
        return self._text

    @property
    def colour(self) -> bool:
        return self._colour

    def put(self, line: bytes) -> None:
        """Take a line, or count it as lost when too many wait."""
        if len(self._waiting) >= self._max_waiting:
            self._refused += 1
            return
        self._waiting.append(line)
        if not self._awake.is_set():
            self._awake.set()

    def lost(self) -> int:
        """Lines dropped since the last call; none while there is no room to tell of it."""
        if len(self._waiting) >= self._max_waiting:
            return 0
        in_all = self._refused + self._unwritten
        lost, self._told = in_all - self._told, in_all
        return lost

    def reopen(self) -> None:
        """Open the file anew before the next line."""
        self._reopen = True

    def close(self) -> None:
        """Write what waits, then end the thread; a reader that takes nothing more is not waited for."""
        self._closing = True
        self._pause.set()
        self._awake.set()
        self._thread.join(CLOSE_WAIT)

    def _serve(self) -> None:
        while not self._closing or self._waiting:
            self._awake.wait()
            self._awake.clear()
            self._drain()
            self._pause.wait(GATHER)
        self._close_file()

    def _drain(self) -> None:
        """Write everything that waits, in pieces of whole lines."""
        piece: list[bytes] = []
        size = 0
        while self._waiting:
            line = self._waiting.popleft()
            if piece and size + len(line) > AT_ONCE:
                self._write(piece)
                piece, size = [], 0
            piece.append(line)
            size += len(line)
        if piece:
            self._write(piece)

    def _write(self, lines: Iterable[bytes]) -> None:
        piece = b"".join(lines)
        try:
            self._open_file()
            while piece:
                piece = piece[os.write(self._descriptor, piece) :]
        except OSError:
            # The disk is full or the reader is gone; the count tells, once something can be written again.
            self._unwritten += piece.count(b"\n")
            self._close_file()

    def _open_file(self) -> None:
        if not isinstance(self._target, Path):
            return
        if self._reopen:
            self._reopen = False
            self._close_file()
        if self._descriptor < 0:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _close_file(self) -> None:
        if isinstance(self._target, Path) and self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1


def open_outputs(log: Log, environ: Mapping[str, str]) -> list[LineOutput]:
    """What [log] asks for: stdout always, a file where one is named; 'auto' is text on a terminal only."""
    terminal = sys.stdout.isatty()
    text = log.format == "text" or (log.format == "auto" and terminal)
    colour = terminal and not environ.get("NO_COLOR")
    outputs: list[LineOutput] = [ThreadedOutput(sys.stdout.fileno(), text, colour)]
    if log.file is not None:
        outputs.append(ThreadedOutput(log.file, log.format == "text", colour=False))
    return outputs
