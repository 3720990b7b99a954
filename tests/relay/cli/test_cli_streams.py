"""`relay identity`, and logins of other streams: exit codes, output, JSON."""

import pytest

BRAND = ("--organisation", "Brand", "--postal-address", "2 Low Road\nYork")


def test_a_stream_needs_a_reason(acme):
    refused = acme("credential", "add", "acme", "desk", "--stream", "personal")

    assert (refused.code, refused.out) == (2, "")
    assert "--stream personal needs --reason" in refused.err


def test_a_stream_its_reason_and_who_granted_it_are_kept(acme):
    words = ("--stream", "service", "--reason", "shop orders", "--refuse", "report", "--by", "sari")
    added = acme("credential", "add", "acme", "orders", *words, "--json").json
    acme("credential", "add", "acme", "plain")

    plain, orders = sorted(
        acme("credential", "list", "acme", "--json").json, key=lambda one: one["login"], reverse=True
    )

    assert (orders["stream"], orders["stream_reason"], orders["granted_by"]) == ("service", "shop orders", "sari")
    assert (orders["refuse"], plain["refuse"], plain["stream"], plain["granted_by"]) == (
        "report", "at-once", "marketing", None,
    )  # fmt: skip
    assert added["stream"] == "service"
    assert "shop orders" in acme("credential", "list", "acme").out


@pytest.mark.parametrize("words", [("--stream", "nope"), ("--refuse", "later")])
def test_unknown_words_are_usage_errors(acme, words):
    assert acme("credential", "add", "acme", "x1", "--reason", "y", *words).code == 2


@pytest.mark.parametrize("words", [("--stream", "service", "--reason", "x"), ("--refuse", "report")])
def test_a_platform_credential_has_no_stream(acme, words):
    assert acme("credential", "add", "--platform", "esp", *words).code == 2


def test_an_identity_is_added_listed_and_removed(acme):
    added = acme("identity", "add", "acme", "brand", *BRAND, "--domain", "Brand.acme.test", "--list", "news")

    assert (added.code, added.out) == (0, "acme/brand: Brand, for list news and From at brand.acme.test\n")
    own, brand = acme("identity", "list", "acme", "--json").json
    assert own["name"] == "registered"
    assert brand == {
        "name": "brand",
        "organisation": "Brand",
        "postal_address": "2 Low Road\nYork",
        "country": None,
        "domain": "brand.acme.test",
        "list": "news",
    }
    assert "2 Low Road, York" in acme("identity", "list", "acme").out
    assert acme("identity", "remove", "acme", "brand").out == "acme/brand is removed\n"
    assert acme("identity", "remove", "acme", "brand").code == 1


def test_an_identity_as_json_says_what_it_is_for(acme):
    added = acme("identity", "add", "acme", "brand", *BRAND, "--list", "news", "--country", "nl", "--json").json

    assert (added["list"], added["domain"], added["country"]) == ("news", None, "NL")


def test_an_identity_is_for_something(acme):
    refused = acme("identity", "add", "acme", "brand", *BRAND)

    assert (refused.code, refused.out) == (2, "")
    assert "--domain, --list or both" in refused.err
