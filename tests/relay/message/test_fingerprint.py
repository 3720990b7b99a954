"""Two letters of one content are one letter, whoever they greet by address or number."""

from __future__ import annotations

import pytest
from relaying import ACME, RAW

from relay.message.fingerprint import content_fingerprint
from relay.reading import read_now

HEAD = RAW.partition(b"\r\n\r\n")[0]
HTML = HEAD + b"\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


def of(octets: bytes) -> str:
    readable = read_now(octets, ACME.footer, "relay.localhost", "http://127.0.0.1:8580")
    return content_fingerprint(readable.message, readable.displayed)


def plain(text: str) -> str:
    return of(HEAD + b"\r\n\r\n" + text.encode() + b"\r\n")


LETTER = "Your order 17 for anne@example.com: https://shop.test/17 or www.shop.test"


@pytest.mark.parametrize(
    "same",
    [
        "Your order 4711 for bob@example.org: https://shop.test/x or www.other.test/9",
        "YOUR ORDER 17  for\r\nanne@example.com: https://shop.test/17 or www.shop.test",
    ],
)
def test_addresses_numbers_links_case_and_spacing_do_not_count(same: str) -> None:
    assert plain(same) == plain(LETTER)


def test_words_count() -> None:
    assert plain(LETTER.replace("order", "parcel")) != plain(LETTER)


def test_the_header_does_not_count() -> None:
    assert of(RAW) == of(RAW.replace(b"Subject: Hello", b"Subject: Other"))


def test_of_html_the_visible_words_count() -> None:
    one = of(HTML + b"<style>a{}</style><p>Buy <b>now</b></p>\r\n")

    assert one == of(HTML + b'<div style="x">Buy <i>now</i><script>1</script></div>\r\n')
    assert one != of(HTML + b"<p>Buy later</p>\r\n")


def test_a_letter_without_words_is_known_by_its_octets() -> None:
    picture = HEAD + b"\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\n\r\n"

    assert of(picture + b"a\r\n") == of(picture + b"a\r\n")
    assert of(picture + b"a\r\n") != of(picture + b"b\r\n")
