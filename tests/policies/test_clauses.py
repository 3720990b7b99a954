"""The register of clauses."""

from __future__ import annotations

import pytest

from policies.clauses import CLAUSES, CONTRACT, REVIEW, RULE, TOOL, Clause, clause

SECTIONS = {1: 3, 2: 3, 3: 5, 4: 4, 5: 6, 6: 3, 7: 6}
"""How many clauses each section of the policy has."""


def test_every_clause_of_the_policy_stands_in_the_register_once_and_in_order() -> None:
    assert [one.id for one in CLAUSES] == [
        f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("one", CLAUSES, ids=lambda one: one.id)
def test_every_clause_has_a_keeper_and_words(one: Clause) -> None:
    found = clause(one.id)

    assert found.title
    assert found.kept_by <= {RULE, TOOL, REVIEW, CONTRACT}
    assert found.kept_by


def test_a_clause_the_policy_does_not_have_is_not_found() -> None:
    with pytest.raises(KeyError):
        clause("9.9")
