"""A body as a row of chunks: octets as they came, and stretches written anew for each copy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from relay.message.dkim import ended, relaxed_lines
from relay.message.recipe import CopyRecipe
from relay.message.transfer import QUOTED_LINE, encoded_base64, quoted

Slot = Callable[[CopyRecipe], bytes]
"""Writes decoded octets for one copy."""
Piece = bytes | Slot


@dataclass(slots=True)
class PlainStretch:
    """Part of a 7bit, 8bit or binary body; fixed pieces are raw octets."""

    pieces: tuple[Piece, ...]

    def octets(self, copy: CopyRecipe) -> bytes:
        return b"".join([one if isinstance(one, bytes) else one(copy) for one in self.pieces])


@dataclass(slots=True)
class QuotedStretch:
    """Whole lines of a quoted-printable body; fixed pieces are encoded octets as received."""

    pieces: tuple[Piece, ...]
    ends_message: bool = False
    """The last line then ends with a soft break at least: UTF-16 has no line end that is CRLF."""

    def octets(self, copy: CopyRecipe) -> bytes:
        out: list[bytes] = []
        column = 0
        for one in self.pieces:
            if isinstance(one, bytes):
                if one.startswith(b"\r\n"):
                    _encode_blank_end(out, column)
                column = _kept(out, one, column)
            else:
                octets = one(copy)
                if octets.startswith(b"\r\n"):
                    _encode_blank_end(out, column)
                encoded, column = quoted(octets, column)
                out.append(encoded)
        if self.ends_message and column:
            out.append(b"=\r\n")
        return b"".join(out)


def _encode_blank_end(out: list[bytes], column: int) -> None:
    """A blank that now stands before a hard break is encoded, else readers drop it (RFC 2045 §6.7 (3))."""
    if out and out[-1].endswith((b" ", b"\t")):
        soft = b"=\r\n" if column + 2 > QUOTED_LINE else b""
        out[-1] = out[-1][:-1] + soft + b"=%02X" % out[-1][-1]


def _kept(out: list[bytes], piece: bytes, column: int) -> int:
    """Adds received octets, after a soft break where their first line would grow too long; the new column."""
    first = piece.find(b"\r\n")
    length = len(piece) if first < 0 else first
    if column and column + length > QUOTED_LINE - (first < 0):
        out.append(b"=\r\n")
        column = 0
    out.append(piece)
    last = piece.rfind(b"\r\n")
    return column + len(piece) if last < 0 else len(piece) - last - 2


@dataclass(slots=True)
class Base64Stretch:
    """The end of a base64 body from the first changed line on; fixed pieces are decoded octets."""

    pieces: tuple[Piece, ...]
    width: int
    after: bytes
    """Line ends and blanks behind the code."""

    def octets(self, copy: CopyRecipe) -> bytes:
        decoded = b"".join([one if isinstance(one, bytes) else one(copy) for one in self.pieces])
        return encoded_base64(decoded, self.width) + self.after


Stretch = PlainStretch | QuotedStretch | Base64Stretch


@dataclass(slots=True)
class Replacement:
    """Raw octets [start, end) of the received message give way; whole lines where the new ones vary."""

    start: int
    end: int
    by: bytes | Stretch


@dataclass(slots=True)
class _Fixed:
    octets: bytes
    canonical: bytes


class Body:
    """Everything after the header, canonicalised and hashed as far as all copies share it.

    A stretch that varies covers whole lines, so that relaxed canonicalisation (RFC 6376 §3.4.4) of the chunks,
    one by one, gives that of the whole.
    """

    def __init__(self, raw: bytes, start: int, replacements: Sequence[Replacement]) -> None:
        self._chunks: list[_Fixed | Stretch] = [
            _Fixed(one, relaxed_lines(one)) if isinstance(one, bytes) else one
            for one in _chunks(raw, start, replacements)
        ]
        self._last = self._end()
        self._shared = hashlib.sha256()
        self._hashed = 0
        for one in self._chunks:
            if not isinstance(one, _Fixed):
                break
            self._shared.update(one.canonical)
            self._hashed += 1

    def _end(self) -> int:
        """The chunk that holds the last line that counts; fixed chunks are cut there, empty lines do not count."""
        for at in range(len(self._chunks) - 1, -1, -1):
            chunk = self._chunks[at]
            if not isinstance(chunk, _Fixed):
                return at
            self._chunks[at] = _Fixed(chunk.octets, ended(chunk.canonical))
            if self._chunks[at] != _Fixed(chunk.octets, b""):
                return at
        return -1

    def render(self, copy: CopyRecipe) -> tuple[bytes, bytes]:
        """The body of one copy, and its hash as bh= has it."""
        state = self._shared.copy()
        written: list[bytes] = []
        for at, chunk in enumerate(self._chunks):
            if isinstance(chunk, _Fixed):
                written.append(chunk.octets)
                if at >= self._hashed:
                    state.update(chunk.canonical)
                continue
            octets = chunk.octets(copy)
            canonical = relaxed_lines(octets)
            state.update(ended(canonical) if at == self._last else canonical)
            written.append(octets)
        return b"".join(written), base64.b64encode(state.digest())


def replaced(raw: bytes, replacements: Sequence[Replacement]) -> bytes:
    """The octets with fixed replacements made."""
    return b"".join([one for one in _chunks(raw, 0, replacements) if isinstance(one, bytes)])


def _chunks(raw: bytes, start: int, replacements: Sequence[Replacement]) -> Iterator[bytes | Stretch]:
    """Fixed octets between the stretches that vary, as few as can be."""
    fixed: list[bytes] = []
    at = start
    for one in sorted(replacements, key=lambda each: (each.start, each.end)):
        fixed.append(raw[at : one.start])
        at = one.end
        if isinstance(one.by, bytes):
            fixed.append(one.by)
            continue
        if joined := b"".join(fixed):
            yield joined
        fixed = []
        yield one.by
    fixed.append(raw[at:])
    if joined := b"".join(fixed):
        yield joined
