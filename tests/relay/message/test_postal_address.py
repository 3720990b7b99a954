"""The registered address is found however it is written, and no other one is taken for it (clause 5.1)."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_addresses import labelled

from relay.message.postal_address import RegisteredAddress

JAKARTA = "Jl. Jend. Sudirman No. 12, RT 01/RW 02\nKel. Karet, Kec. Setiabudi\nJakarta 12190"
SPRINGFIELD = "123 Main Street, Suite 4\nSpringfield, IL 62701\nUSA"
BERLIN = "Hauptstraße 5\n10115 Berlin"

SAME = [
    (JAKARTA, "JALAN JEND SUDIRMAN 12 | RT.001 RW.002 | Kelurahan Karet, Kecamatan Setiabudi, JAKARTA 12190"),
    (
        JAKARTA,
        "PT Acme\nJln. Jend. Sudirman Nomor 12,\nRT 01 / RW 02,\nKel.Karet, Kec.Setiabudi,\nJakarta 12190\nTel 021",
    ),
    (SPRINGFIELD, "Acme · 123 Main St., Ste. 4 · Springfield IL 62701-1234 · United States"),
    (SPRINGFIELD, "123 MAIN ST, STE 4, SPRINGFIELD, IL 62701, USA"),
    (SPRINGFIELD, "123 Main\u00a0Street,\u200b Suite 4\nSpring\u00adfield, IL 62701. Unsubscribe"),
    (BERLIN, "Hauptstr. 5, D – Hauptstr. 5, 10115 Berlin"),
    (BERLIN, "HAUPTSTRASSE 5 • 10115 BERLIN"),
    ("3 rue de l'Église, 75001 Paris", "3, Rue de l’Eglise – 75001 PARIS"),
    ("〒100-0005 東京都千代田区丸の内1-1", "東京都 千代田区 丸の内 1-1\n〒100-0005 東京都千代田区丸の内1-1"),
]
OTHER = [
    (JAKARTA, "Jl. Jend. Sudirman No. 12A, RT 01/RW 02, Kel. Karet, Kec. Setiabudi, Jakarta 12190"),
    (JAKARTA, "Jl. Jend. Sudirman No. 12, RT 01/RW 02, Kel. Karet, Kec. Setiabudi, Jakarta 12910"),
    (JAKARTA, "Jl. Jend. Sudirman No. 12, RT 01/RW 03, Kel. Karet, Kec. Setiabudi, Jakarta 12190"),
    (JAKARTA, "Jl. Gatot Subroto No. 12, RT 01/RW 02, Kel. Karet, Kec. Setiabudi, Jakarta 12190"),
    (SPRINGFIELD, "1123 Main St, Ste 4, Springfield, IL 62701"),
    (SPRINGFIELD, "5-123 Main St, Ste 4, Springfield, IL 62701"),
    (SPRINGFIELD, "123 Main Ave, Ste 4, Springfield, IL 62701"),
    (SPRINGFIELD, "123 Main St, Ste 4, Springfield, IL 627010"),
    (SPRINGFIELD, "123 Main St, Ste 40, Springfield, IL 62701"),
    (BERLIN, "Hauptstraße 5a, 10115 Berlin"),
    (BERLIN, "Hauptstraße 15, 10115 Berlin"),
]


@pytest.mark.parametrize(("registered", "text"), SAME)
def test_spelling_does_not_matter(registered, text):
    found = RegisteredAddress(registered).find(text)

    assert found is not None
    assert found.exact


@pytest.mark.parametrize(("registered", "text"), OTHER)
def test_another_place_is_only_near(registered, text):
    found = RegisteredAddress(registered).find(text)

    assert found is not None
    assert not found.exact
    assert found.excerpt


@pytest.mark.parametrize("text", ["", "Hello", "Main Street has many shops.", "12190"])
def test_text_without_an_address_is_not_near(text):
    assert RegisteredAddress(SPRINGFIELD).find(text) is None


def test_no_registered_address_is_found_nowhere():
    assert RegisteredAddress("").find("anything") is None
    assert not RegisteredAddress("").may_stand_in(b"anything")


def test_a_cheap_look_never_misses_what_is_there():
    for registered, text in SAME:
        assert RegisteredAddress(registered).may_stand_in(text.lower().encode())


HERE, ELSEWHERE = labelled("+"), labelled("-")
REGISTERED = sorted({registered for registered, _ in HERE + ELSEWHERE})


def test_every_labelled_spelling_of_an_address_is_the_address():
    assert len(HERE) >= 60
    assert [text for registered, text in HERE if not RegisteredAddress(registered).stands_in(text)] == []


def test_no_labelled_other_place_is_taken_for_the_address():
    assert len(ELSEWHERE) >= 60
    assert [text for registered, text in ELSEWHERE if RegisteredAddress(registered).stands_in(text)] == []


def test_the_cheap_look_passes_every_spelling_in_ascii():
    ascii_texts = [(registered, text) for registered, text in HERE if text.isascii()]

    for registered, text in ascii_texts:
        assert RegisteredAddress(registered).may_stand_in(text.lower().encode()), text


@given(st.sampled_from(REGISTERED), st.data())
def test_one_changed_digit_is_another_place(registered, data):
    digits = [at for at, c in enumerate(registered) if c.isascii() and c.isdigit()]
    at = data.draw(st.sampled_from(digits))
    other = data.draw(st.sampled_from(sorted(set("123456789") - {registered[at]})))

    assert not RegisteredAddress(registered).stands_in(registered[:at] + other + registered[at + 1 :])


@given(st.sampled_from(REGISTERED), st.data())
def test_one_more_digit_at_any_number_is_another_place(registered, data):
    digits = [at for at, c in enumerate(registered) if c.isascii() and c.isdigit()]
    at = data.draw(st.sampled_from(digits)) + 1
    other = data.draw(st.sampled_from("123456789"))

    assert not RegisteredAddress(registered).stands_in(registered[:at] + other + registered[at:])


@given(st.sampled_from(REGISTERED), st.data())
def test_case_blanks_line_breaks_and_unicode_forms_do_not_matter(registered, data):
    text = re.sub(
        r"\s", lambda _: data.draw(st.sampled_from([" ", "\n", "\u00a0", "\t", "  ", " \u200b"])), registered
    )
    text = data.draw(st.sampled_from([str.upper, str.lower, str.swapcase, str]))(text)
    text = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD", "NFKC"])), text)

    assert RegisteredAddress(registered).stands_in(f"Kopi Nusantara \u00b7 {text} \u00b7 Unsubscribe")
