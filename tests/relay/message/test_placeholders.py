"""Opt-out placeholders as INTERFACE.md §3 lists them."""

from __future__ import annotations

import pytest

from relay.message.placeholders import OPT_OUT, OPT_OUT_PATTERN, POSTAL_ADDRESS, is_placeholder


@pytest.mark.parametrize("text", OPT_OUT)
def test_every_listed_placeholder_is_known_by_itself_and_in_a_sentence(text):
    assert is_placeholder(text)
    found = OPT_OUT_PATTERN.search(f"leave: {text}.")
    assert found is not None
    assert found[0] == text


@pytest.mark.parametrize(
    "text", ["{{ unsubscribe_url }}", "{{UnsubscribeURL}}", "&lt;%asm_group_unsubscribe_raw_url%&gt;"]
)
def test_spaces_in_braces_case_and_html_escapes_do_not_matter(text):
    assert is_placeholder(text)


def test_the_postal_address_has_a_placeholder_of_its_own():
    assert is_placeholder(POSTAL_ADDRESS)
    assert OPT_OUT_PATTERN.search(POSTAL_ADDRESS) is None


@pytest.mark.parametrize(
    "text", ["unsubscribe", "{{name}}", "{unsubscribe_url}", "{{unsubscribe_urls}}", "https://x/[unsubscribe]"]
)
def test_other_words_are_none(text):
    assert not is_placeholder(text)
