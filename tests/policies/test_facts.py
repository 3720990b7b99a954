"""Accounts: which domains and lists are theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from people import ACME, NEWS

from policies.facts import FooterIdentity


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


BRAND = FooterIdentity("Brand", "2 Low Road", name="brand", domain="brand.acme.test")
SHOP = FooterIdentity("Shop", "3 Mill Lane", name="shop", domain="shop.brand.acme.test")
WEEKLY = FooterIdentity("Weekly", "4 Ford Street", name="weekly", list_id=NEWS)
BOTH = FooterIdentity("Brand Weekly", "5 Hill", name="both", domain="brand.acme.test", list_id=NEWS)


@pytest.mark.parametrize(
    ("brands", "list_id", "domain", "organisation"),
    [
        ((), NEWS, "acme.test", "Acme Ltd"),
        ((BRAND,), NEWS, "acme.test", "Acme Ltd"),
        ((BRAND,), NEWS, "notbrand.acme.test", "Acme Ltd"),
        ((BRAND,), 0, "mail.brand.acme.test", "Brand"),
        ((BRAND, SHOP), 0, "shop.brand.acme.test", "Shop"),
        ((SHOP, BRAND), 0, "brand.acme.test", "Brand"),
        ((WEEKLY, SHOP), NEWS, "shop.brand.acme.test", "Weekly"),
        ((WEEKLY, BRAND), 0, "brand.acme.test", "Brand"),
        ((WEEKLY, BRAND, BOTH), NEWS, "brand.acme.test", "Brand Weekly"),
        ((BOTH,), 99, "brand.acme.test", "Acme Ltd"),
    ],
)
def test_the_most_specific_footer_identity_signs(
    brands: tuple[FooterIdentity, ...], list_id: int, domain: str, organisation: str
) -> None:
    signing = replace(ACME, brands=brands).signing(list_id, domain)

    assert signing.footer.organisation == organisation
    assert signing.organisation == "Acme Ltd"
