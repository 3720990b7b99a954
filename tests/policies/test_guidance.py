"""Every rule a client can meet is explained, in both languages."""

import pytest

from config.schema import RULES
from policies.guidance import GUIDANCE


@pytest.mark.parametrize("rule", [*RULES, "smarthost.refused", "smarthost.unavailable", "internal"])
def test_every_rule_says_what_it_asks_and_how_to_comply(rule):
    english, indonesian = GUIDANCE[rule].in_language("en"), GUIDANCE[rule].in_language("id")

    assert all(english)
    assert all(indonesian)
    assert english != indonesian


def test_nothing_is_explained_that_does_not_exist():
    assert set(GUIDANCE) == {*RULES, "smarthost.refused", "smarthost.unavailable", "internal"}
