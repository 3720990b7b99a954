"""The footer's words, looks and safety."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rewriting_samples import COPY, OTHER, RECIPE
from selectolax.lexbor import LexborHTMLParser

from relay.message.footer import WORDINGS, Footer, address_line, wording

EN = WORDINGS["en"]


def test_the_html_says_who_where_why_and_what_the_link_does():
    tree = LexborHTMLParser(Footer(True, True, EN).html(RECIPE, OTHER))

    link = tree.css_first("a")
    assert link is not None
    assert link.attributes["href"] == OTHER.opt_out_url
    assert link.text() == "Unsubscribe"
    text = " ".join(tree.text().split())
    assert text == (
        "Kopi & Teh Jalan Melati 7 55281 Yogyakarta You receive this email because you are on a mailing list of"
        " Kopi & Teh. Unsubscribe"
    )


def test_only_what_is_missing_is_written():
    link, address = Footer(True, False, EN), Footer(False, True, EN)

    assert "Melati" not in link.html(RECIPE, COPY) + link.text(RECIPE, COPY)
    assert "Unsubscribe" not in address.html(RECIPE, COPY) + address.text(RECIPE, COPY)


def test_every_value_is_escaped():
    recipe = replace(RECIPE, organisation="<script>'\"&", postal_address="<b>\n&lt;")
    copy = replace(COPY, why="<i>you</i>")

    tree = LexborHTMLParser(Footer(True, True, EN).html(recipe, copy))

    assert tree.css("script, b, i") == []
    assert "<script>'\"&" in tree.text()


@pytest.mark.parametrize(
    ("language", "otherwise", "link"),
    [
        ("id", "en", "Berhenti berlangganan"),
        ("id-ID", "en", "Berhenti berlangganan"),
        ("en_GB", "id", "Unsubscribe"),
        ("fr", "id", "Berhenti berlangganan"),
        ("", "xx", "Unsubscribe"),
    ],
)
def test_words_are_in_the_language_of_the_message_where_there_are_some(language, otherwise, link):
    assert wording(language, otherwise).unsubscribe == link


def test_a_text_footer_is_a_signature_block_of_short_lines():
    long = replace(RECIPE, organisation="Kopi " * 40, postal_address="Jalan " * 30)

    lines = Footer(True, True, EN).text(long, COPY).split("\n")

    assert lines[:2] == ["", "-- "]
    assert max(len(line) for line in lines) <= 76
    assert all(line == line.rstrip(" ") for line in lines[2:])
    assert lines[-2:] == [f"Unsubscribe: {COPY.opt_out_url}", ""]


def test_a_long_url_gets_a_line_of_its_own():
    copy = replace(COPY, opt_out_url="https://relay.example/u/" + "x" * 60)
    assert Footer(True, False, EN).text(RECIPE, copy).endswith(f"\nUnsubscribe:\n{copy.opt_out_url}\n")


def test_flowed_text_is_space_stuffed():
    recipe = replace(RECIPE, organisation="From here", postal_address="> 7")
    footer = Footer(False, True, EN, flowed=True).text(recipe, COPY)
    assert footer == "\n-- \n From here\n > 7\n"


def test_a_message_read_from_right_to_left_has_a_footer_in_that_direction():
    html = Footer(True, True, EN, rtl=True).html(RECIPE, COPY)
    assert 'align="center" dir="rtl"' in html
    assert '<span lang="en" dir="ltr" ' in html


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_and_link_stand_out_from_their_ground():
    tree = LexborHTMLParser(Footer(True, True, EN).html(RECIPE, COPY))
    for selector in ("td", "a"):
        node = tree.css_first(selector)
        assert node is not None
        style = dict(one.split(":") for one in (node.attributes["style"] or "").split(";"))
        assert (1.05) / (luminance(style["color"]) + 0.05) >= 4.5


def test_the_address_in_one_line_has_no_double_commas():
    assert address_line("Jalan Melati 7,\n 55281 Yogyakarta\n") == "Jalan Melati 7, 55281 Yogyakarta"
