"""Customers' CSV files as they really are: any of the usual encodings and separators, read row by row."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SEPARATORS = ",;\t|"
MAX_CELL = 1000
"""Characters kept of a cell."""
_BLOCK = 1 << 20
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class FileFault(Exception):
    """The file as a whole cannot be imported; the text says why."""


@dataclass(slots=True)
class CsvRow:
    """One data row. `fault` says why its cells cannot be trusted; empty: they can."""

    number: int
    """From 1, the header not counted."""
    cells: dict[str, str]
    """By column name, lower case; cut at MAX_CELL, outer blanks gone."""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file that can be read: what it is written in, and its hash as evidence."""

    path: Path
    encoding: str
    separator: str
    header: tuple[str, ...]
    sha256: str
    lines: int = 0
    """Line ends in it: about as many rows, fewer where cells hold some."""

    def rows(self) -> Iterator[CsvRow]:
        """Data rows in order; blank ones are not counted."""
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as text:
            reader = csv.reader(text, delimiter=self.separator)
            next(reader, None)
            number = 0
            while True:
                try:
                    values = next(reader)
                except StopIteration:
                    return
                except csv.Error as fault:
                    number += 1
                    yield CsvRow(number, {}, f"the row cannot be read: {fault}")
                    continue
                if not any(value.strip() for value in values):
                    continue
                number += 1
                yield self._row(number, values)

    def _row(self, number: int, values: list[str]) -> CsvRow:
        extra = len(values) > len(self.header) and any(value.strip() for value in values[len(self.header) :])
        cells = {name: value.strip()[:MAX_CELL] for name, value in zip(self.header, values, strict=False)}
        return CsvRow(number, cells, "the row has more cells than the header" if extra else "")


@dataclass(frozen=True, slots=True)
class OpenedText:
    """A text file, whatever is in it."""

    csv: CsvFile
    starts_with_json: bool


def open_text(path: Path) -> OpenedText:
    """Look a file over; FileFault where it cannot be read or names a column twice."""
    try:
        encoding, digest, ends = _encoding(path)
        with path.open(encoding=encoding, errors="replace", newline="") as text:
            first = text.readline(_BLOCK)
    except OSError as fault:
        raise FileFault(f"{path}: {fault.strerror}") from None
    except UnicodeError:
        raise FileFault(f"{path}: the file is not text") from None
    separator = max(SEPARATORS, key=first.count)
    header = tuple(
        name.strip().strip("\ufeff").lower() for name in next(csv.reader([first], delimiter=separator), [])
    )
    json = first.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")
    if len(set(header)) != len(header) and not json:
        raise FileFault(f"{path}: the header names a column twice")
    return OpenedText(CsvFile(path, encoding, separator, header, digest, ends), json)


def open_csv(path: Path) -> CsvFile:
    """Look a customer's file over; FileFault where it has no `email` column or cannot be read."""
    file = open_text(path).csv
    if "email" not in file.header:
        raise FileFault(f"{path}: the header has no column named email")
    return file


def _encoding(path: Path) -> tuple[str, str, int]:
    """By byte order mark, else UTF-8 where all of it is, else windows-1252; the file's SHA-256; its line ends."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        utf8, ends = True, 0
        while block := file.read(_BLOCK):
            digest.update(block)
            ends += block.count(b"\n")
            utf8 = utf8 and _decodes(decoder, block)
    utf8 = utf8 and not decoder.getstate()[0]
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), "")
    return marked or ("utf-8" if utf8 else "cp1252"), digest.hexdigest(), ends


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes) -> bool:
    try:
        decoder.decode(block)
    except UnicodeDecodeError:
        return False
    return True
