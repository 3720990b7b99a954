"""What commands print: tables for people and pipes, JSON, notes, and failures with their exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Literal

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text


class Exit(IntEnum):
    """Exit codes (INTERFACE.md §1)."""

    DONE = 0
    REFUSED = 1
    """Refused by policy, or not found."""
    USAGE = 2
    HELD = 3
    UNAVAILABLE = 69
    """Store or service unreachable."""
    INTERNAL = 70
    CONFIG = 78
    INTERRUPTED = 130


class Failure(Exception):
    """A command ends here: one line for the person, and the exit code."""

    def __init__(self, message: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


Cell = str | int | float | None
"""None prints as '-'."""


def print_json(value: object) -> None:
    """One JSON document, indented; times as ISO 8601."""
    _write(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())


def print_json_line(value: object) -> None:
    """One JSON object a line, for streams of rows."""
    _write(orjson.dumps(value, default=str).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Fitted to the terminal; piped: aligned plain text, whole cells, two blanks between columns."""
    cells = [[visible("-" if cell is None else str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(Text(column), overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        console().print(table)
        return
    lines = [list(columns), *cells]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        _write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_line(text: str, style: str = "") -> None:
    """One line of text, styled on a terminal only; what is not printable is shown, not sent there."""
    if sys.stdout.isatty():
        console().print(Text(visible(text), style), soft_wrap=True)
    else:
        _write(visible(text))


def print_note(text: str) -> None:
    """A remark or an error for the person, on standard error."""
    print(visible(text), file=sys.stderr, flush=True)


def visible(text: str) -> str:
    """Text from mail or from outside without anything a terminal would obey: escapes are spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def console() -> Console:
    """Rich on standard output, which honours TERM; with NO_COLOR nothing is styled, bold and dim neither."""
    system: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(highlight=False, markup=False, emoji=False, color_system=system)


def _write(text: str) -> None:
    print(text, flush=True)
