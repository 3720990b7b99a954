"""The message after DATA: where it ends, whether its lines are sound, and where its octets wait (RFC 5321 §4.1.1.4).

Only CR LF . CR LF ends it. A bare CR, a bare LF or a NUL makes the whole message unfit, since another system may
see an end there (CVE-2023-51764 and its kin; RELIABILITY.md rows 1 and 2).
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import BinaryIO

from relay.smtp.memory import MemoryBudget

END = b"\r\n.\r\n"
GRACE = 1_048_576
"""Octets read beyond the limit in the hope of the end, so that the client can read its reply (row 43)."""

_LINE_DOT = b"\r\n."
"""The end, or a dot that the client put before a line that begins with one (RFC 5321 §4.5.2)."""

_TAIL = len(END) - 1
"""Octets kept back while the end has not come: they may be the beginning of it."""


class DataReader:
    """Takes chunks as they come; what it keeps is unstuffed, in memory or in an unlinked file."""

    __slots__ = (
        "_budget",
        "_file",
        "_held",
        "_limit",
        "_line_start",
        "_pieces",
        "_spool_dir",
        "_threshold",
        "failed",
        "fault",
        "received",
    )

    def __init__(self, limit: int, threshold: int, budget: MemoryBudget, spool_dir: Path) -> None:
        self._limit = limit
        self._threshold = threshold
        self._budget = budget
        self._spool_dir = spool_dir
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self._held = 0
        self._line_start = True
        self.received = 0
        """Octets of the message so far, as they came."""
        self.fault = ""
        """What makes the message malformed; empty: nothing."""
        self.failed = False
        """The octets could not be kept: no space."""

    @property
    def too_large(self) -> bool:
        return self.received > self._limit

    @property
    def endless(self) -> bool:
        """It is so far over the limit that its end is not worth waiting for."""
        return self.received > self._limit + GRACE

    def feed(self, buffer: bytes, at: int) -> tuple[bool, int]:
        """Read `buffer` from `at`: whether the end was there, and the index of what was not read."""
        if not self.received and buffer.startswith(b".\r\n", at):
            return True, at + 3
        dot = buffer.find(_LINE_DOT, at)
        end = dot if buffer.startswith(b"\r\n", dot + 3) or dot < 0 else buffer.find(END, dot)
        if end >= 0:
            self._keep(buffer[at : end + 2], stuffed=end != dot)
            return True, end + len(END)
        cut = len(buffer) - _TAIL
        if cut > at and buffer[cut - 1] == 13:
            cut -= 1
        if cut <= at:
            return False, at
        self._keep(buffer[at:cut], stuffed=dot >= 0)
        return False, cut

    async def whole(self) -> bytes:
        """The message. One that waited in a file comes into memory when there is room for it."""
        if self._file is None:
            return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        size = self._file.tell()
        await self._budget.wait_for(size)
        self._held += size
        self._file.seek(0)
        return await asyncio.to_thread(self._file.read)

    def release(self) -> None:
        """Forget the octets and give their memory back."""
        self._pieces = []
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._held:
            self._budget.give_back(self._held)
            self._held = 0

    def _keep(self, piece: bytes, stuffed: bool) -> None:
        """`piece` never begins or ends inside a CR LF; `stuffed`: some line in it may begin with a dot."""
        self.received += len(piece)
        if self.fault or self.failed:
            return
        self.fault = _fault(piece)
        if self.fault or self.received > self._limit:
            self.release()
            return
        starts_line, self._line_start = self._line_start, piece.endswith(b"\r\n")
        if starts_line and piece.startswith(b"."):
            piece = piece[1:]
        self._store(piece.replace(_LINE_DOT, b"\r\n") if stuffed else piece)

    def _store(self, piece: bytes) -> None:
        try:
            if self._file is None:
                if self._held + len(piece) <= self._threshold and self._budget.take(len(piece)):
                    self._held += len(piece)
                    self._pieces.append(piece)
                    return
                self._spill()
            if self._file is not None:
                self._file.write(piece)
        except OSError:
            self.failed = True
            self.release()

    def _spill(self) -> None:
        """Out of memory into a file that has no name, so that a crash leaves nothing behind."""
        self._file = tempfile.TemporaryFile(dir=self._spool_dir)  # noqa: SIM115 - closed by release()
        self._file.write(b"".join(self._pieces))
        self._pieces = []
        self._budget.give_back(self._held)
        self._held = 0


def _fault(piece: bytes) -> str:
    """Every CR and LF belongs to a CR LF, and there is no NUL, exactly when the numbers of octets agree."""
    lines = piece.count(b"\r\n")
    if len(piece.translate(None, b"\r\n\0")) + 2 * lines == len(piece):
        return ""
    if piece.count(b"\n") != lines:
        return "a bare LF"
    return "a bare CR" if piece.count(b"\r") != lines else "a NUL"
