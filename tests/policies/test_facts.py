"""Accounts: which domains and lists are theirs."""

from __future__ import annotations

import pytest
from people import ACME, NEWS


@pytest.mark.parametrize("domain", ["acme.test", "mail.acme.test", "a.b.acme.test"])
def test_a_verified_domain_covers_its_subdomains(domain: str) -> None:
    assert ACME.owns(domain)


@pytest.mark.parametrize("domain", ["test", "notacme.test", "acme.test.example", "acme", ""])
def test_other_domains_are_not_the_accounts(domain: str) -> None:
    assert not ACME.owns(domain)


def test_lists_are_found_by_exact_name() -> None:
    news = ACME.list_named("news")

    assert news is not None
    assert news.list_id == NEWS
    assert ACME.list_named("News") is None
