"""Another account's registered address is found in a footer, one's own never."""

from __future__ import annotations

from dataclasses import replace

import pytest
from relaying import ACME, RAW

from policies.facts import FooterIdentity, Found
from relay.message.address_book import AddressBook
from relay.reading import read_now

HARBOUR = "9 Harbour Road\nHull 12345"
BOOK = AddressBook([(7, "1 High Street, Leeds LS1 1AA"), (7, "2 Low Road, York 54321"), (8, HARBOUR), (9, "…")])
HEAD = RAW.partition(b"\r\n\r\n")[0] + b"\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


def found(octets: bytes, book: AddressBook = BOOK) -> Found | None:
    readable = read_now(octets, ACME.footer, "relay.localhost", "http://127.0.0.1:8580")
    return book.foreign(ACME, readable.displayed)


def test_an_address_of_another_account_is_found_with_its_place() -> None:
    assert found(RAW + b"\r\nOther Ltd, 9 Harbour Rd, Hull 12345\r\n") == Found("1", 3, "9 Harbour Rd, Hull 12345")


def test_it_is_found_in_html() -> None:
    page = b"<p>Hello</p><div>9&nbsp;Harbour&nbsp;Road<br>Hull <b>12345</b></div>\r\n"

    assert found(HEAD + page) is not None


@pytest.mark.parametrize(
    "text",
    [
        "nothing of the kind",
        "1 High Street, Leeds LS1 1AA",
        "2 Low Road, York 54321",
        "order 12345 is on its way from the harbour",
        "9 Harbour Road, Hull 12345" + " and more" * 1000,
    ],
)
def test_other_texts_and_the_accounts_own_addresses_are_not(text: str) -> None:
    assert found(RAW + f"\r\n{text}\r\n".encode()) is None


def test_an_address_that_two_accounts_share_is_foreign_to_neither() -> None:
    shared = AddressBook([(7, HARBOUR), (8, HARBOUR)])

    assert found(RAW + b"\r\n9 Harbour Road, Hull 12345\r\n", shared) is None


def test_an_identity_that_signs_is_ones_own_before_the_book_knows_it() -> None:
    signing = replace(ACME, footer=FooterIdentity("Brand", HARBOUR))
    octets = RAW + b"\r\n9 Harbour Road, Hull 12345\r\n"
    readable = read_now(octets, signing.footer, "relay.localhost", "http://127.0.0.1:8580")

    assert BOOK.foreign(signing, readable.displayed) is None


def test_an_empty_book_finds_nothing() -> None:
    assert found(RAW, AddressBook(())) is None
