"""Customers' CSV files as they really are."""

from __future__ import annotations

import hashlib

import pytest

from relay.permission.csv_file import FileFault, open_csv


def emails(path):
    return [row.cells["email"] for row in open_csv(path).rows()]


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes, encoding: str = "utf-8"):
        path = tmp_path / "in.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_usual_separator_and_line_end_is_read(file, separator, end):
    lines = [
        separator.join(("Name", "EMAIL ", "note")),
        separator.join(('"Vries, Anne; x"', "anne@example.test", "")),
    ]

    (row,) = open_csv(file(end.join(lines) + end)).rows()

    assert row.cells == {"name": "Vries, Anne; x", "email": "anne@example.test", "note": ""}


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")]
)
def test_any_usual_encoding_is_read(file, encoding, said):
    opened = open_csv(file("email,name\nanne@example.test,Zoë Müller\n", encoding))

    assert opened.encoding == said
    assert [row.cells["name"] for row in opened.rows()] == ["Zoë Müller"]


def test_a_utf_8_file_cut_inside_a_letter_is_not_utf_8(file):
    assert open_csv(file("email\nanne@example.test\nZoë".encode()[:-1])).encoding == "cp1252"


def test_quoted_newlines_belong_to_their_cell(file):
    path = file('email,note\nanne@example.test,"two\nlines"\nbudi@example.test,x\n')

    assert emails(path) == ["anne@example.test", "budi@example.test"]


def test_blank_rows_are_not_counted_and_short_ones_are_filled(file):
    path = file("email,name,note\n\nanne@example.test\n , ,\nbudi@example.test,B\n")

    assert [(row.number, row.cells["email"], row.fault) for row in open_csv(path).rows()] == [
        (1, "anne@example.test", ""),
        (2, "budi@example.test", ""),
    ]


def test_a_row_with_more_cells_than_the_header_is_not_trusted(file):
    (row, trailing) = open_csv(file("email,name\nVries, Anne,anne@example.test\nbudi@example.test,B,\n")).rows()

    assert row.fault
    assert not trailing.fault


def test_a_cell_too_large_to_read_spoils_its_row_only(file):
    path = file(f"email,note\nanne@example.test,{'x' * 200_000}\nbudi@example.test,x\n")

    spoilt, good = open_csv(path).rows()

    assert spoilt.fault
    assert (good.number, good.cells["email"]) == (2, "budi@example.test")


def test_the_hash_is_the_files(file):
    content = b"email\nanne@example.test\n"

    assert open_csv(file(content)).sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("content", ["", "name,mail\nAnne,a@example.test\n", "email,Email\na,b\n"])
def test_a_header_without_one_email_column_is_a_fault(file, content):
    with pytest.raises(FileFault):
        open_csv(file(content))


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path):
    with pytest.raises(FileFault, match=r"nowhere\.csv"):
        open_csv(tmp_path / "nowhere.csv")
