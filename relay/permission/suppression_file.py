"""A file of addresses as another platform exports it: CSV, a bare list, or the JSON of its command line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from policies.address import Address, AddressFault
from policies.imports.mail_domain import MALFORMED
from policies.imports.row import mailbox_of
from policies.imports.suppression_export import ADDRESS_COLUMNS, Platform, Said, read_row
from relay.permission.csv_file import CsvFile, CsvRow, FileFault, open_text

MAX_JSON = 512 << 20
"""Octets of a JSON export; it is read as a whole."""


@dataclass(frozen=True, slots=True)
class ExportedRow:
    """One row of an export. `address` None: it holds none, `said.why` says what is wrong."""

    number: int
    email: str
    address: Address | None
    said: Said


def read_export(path: Path, platform: Platform) -> Iterator[ExportedRow]:
    """Rows in order; FileFault where the file as a whole cannot be read."""
    for number, cells in enumerate(_cells(path), 1):
        typed = next((cells[name] for name in ADDRESS_COLUMNS if cells.get(name)), "")
        try:
            address = Address.parse(mailbox_of(typed))
        except AddressFault as wrong:
            yield ExportedRow(number, typed, None, Said(None, None, f"{MALFORMED}: {wrong}"))
            continue
        yield ExportedRow(number, typed, address, read_row(platform, cells))


def addresses(path: Path) -> Iterator[tuple[str, Address | None]]:
    """Every address of a file, as typed and as read; None where it is none."""
    for row in read_export(path, Platform.CSV):
        yield row.email, row.address


def _cells(path: Path) -> Iterator[Mapping[str, str]]:
    file = open_text(path)
    if file.starts_with_json:
        yield from _json_rows(path)
        return
    if not any(name in ADDRESS_COLUMNS for name in file.csv.header):
        yield from _without_header(file.csv)
        return
    for row in file.csv.rows():
        yield _checked(row)


def _checked(row: CsvRow) -> Mapping[str, str]:
    return {} if row.fault else row.cells


def _without_header(file: CsvFile) -> Iterator[Mapping[str, str]]:
    """A bare list: one address a line, in the first cell."""
    first = file.header[0] if file.header else ""
    if "@" not in first:
        raise FileFault(f"{file.path}: no column is named {ADDRESS_COLUMNS[0]}, and the first cell is no address")
    with file.path.open(encoding=file.encoding, errors="replace", newline="") as text:
        for line in csv.reader(text, delimiter=file.separator):
            if line and line[0].strip():
                yield {"email": line[0].strip()}


def _json_rows(path: Path) -> Iterator[Mapping[str, str]]:
    """The objects of a JSON array, wherever it stands in the document."""
    if path.stat().st_size > MAX_JSON:
        raise FileFault(f"{path}: the JSON is larger than {MAX_JSON >> 20} MiB")
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as fault:
        raise FileFault(f"{path}: not JSON: {fault}") from None
    found = document if isinstance(document, list) else _first_list(document)
    for one in found:
        if isinstance(one, dict):
            yield {str(name).lower(): str(value).strip() for name, value in one.items() if value is not None}


def _first_list(document: object) -> list[object]:
    values = document.values() if isinstance(document, dict) else ()
    return next((value for value in values if isinstance(value, list)), [])
