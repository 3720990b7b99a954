"""`relay account`: what is registered, and how standing moves."""

import pytest

ACME = ("--organisation", "Acme Coffee", "--email", "owner@acme.test", "--country", "id", "--industry", "retail")
ADDRESS = ("--postal-address", "Jl. Sudirman 12, Jakarta 10220")

SHOWN = [
    "name",
    "organisation",
    "email",
    "country",
    "industry",
    "standing",
    "standing_system",
    "standing_staff",
    "policy_version",
    "domains",
    "lists",
]


def test_an_account_that_accepted_and_registered_an_address_is_active(relay):
    assert relay("account", "add", "acme", *ACME, *ADDRESS, "--accept-policy").code == 0

    shown = relay("account", "show", "acme", "--json").json

    assert list(shown) == SHOWN
    assert shown["standing"] == shown["standing_system"] == shown["standing_staff"] == "active"
    assert shown["policy_version"]
    assert shown["country"] == "ID"


@pytest.mark.parametrize("given", [(), ADDRESS, ("--accept-policy",)])
def test_an_account_that_owes_something_is_pending_and_told_so(relay, given):
    added = relay("account", "add", "acme", *ACME, *given)

    assert added.code == 0
    assert "may write to its own addresses only" in added.err
    assert relay("account", "show", "acme", "--json").json["standing"] == "pending"


def test_accepting_later_ends_pending(relay):
    relay("account", "add", "acme", *ACME, *ADDRESS)

    assert relay("account", "set", "acme", "--accept-policy", "--json").json["standing"] == "active"
    steps = [(one["before"], one["after"]) for one in relay("account", "history", "acme", "--json").json]
    assert steps == [("pending", "pending"), ("pending", "active")]


def test_an_address_registered_later_ends_pending(relay):
    relay("account", "add", "acme", *ACME, "--accept-policy")

    assert relay("account", "set", "acme", *ADDRESS, "--json").json["standing"] == "active"


def test_staff_move_an_account_with_a_reason_and_it_is_kept(acme):
    assert acme("account", "suspend", "acme", "--reason", "complaints", "--by", "sari").code == 0
    suspended = acme("account", "show", "acme", "--json").json

    assert (suspended["standing"], suspended["standing_system"]) == ("suspended", "active")
    last = acme("account", "history", "acme", "--json").json[-1]
    assert (last["before"], last["after"], last["actor"], last["reason"]) == (
        "active",
        "suspended",
        "sari",
        "complaints",
    )


def test_a_change_of_standing_can_be_explained(acme):
    acme("account", "deactivate", "acme", "--reason", "spam")
    ref = acme("account", "history", "acme", "--json").json[-1]["ref"]

    explained = acme("explain", ref, "--json").json

    assert explained["event"] == "standing.changed"
    assert explained["why"] == "spam"
    assert explained["events"][0]["after"] == "deactivated"


@pytest.mark.parametrize("verb", ["warn", "suspend", "reinstate", "deactivate"])
def test_a_change_of_standing_needs_a_reason(acme, verb):
    refused = acme("account", verb, "acme")

    assert refused.code == 2
    assert "--reason" in refused.err


def test_reinstating_sets_both_sides_to_active(acme):
    acme("account", "deactivate", "acme", "--reason", "spam")

    assert acme("account", "reinstate", "acme", "--reason", "appeal upheld").code == 0
    shown = acme("account", "show", "acme", "--json").json
    assert (shown["standing_system"], shown["standing_staff"]) == ("active", "active")


def test_an_active_account_cannot_be_reinstated(acme):
    refused = acme("account", "reinstate", "acme", "--reason", "x")

    assert refused.code == 1
    assert "nothing to reinstate" in refused.err


def test_a_suspended_account_is_not_moved_up_by_a_warning(acme):
    acme("account", "suspend", "acme", "--reason", "x")

    refused = acme("account", "warn", "acme", "--reason", "x")

    assert refused.code == 1
    assert "reinstate it first" in refused.err


def test_approval_is_recorded_and_refused_while_something_is_owed(relay):
    relay("account", "add", "acme", *ACME, *ADDRESS)
    assert relay("account", "approve", "acme").code == 1

    relay("account", "set", "acme", "--accept-policy")
    assert relay("account", "approve", "acme", "--reason", "list sources seen").code == 0
    assert "list sources seen" in relay("account", "history", "acme").out


def test_a_name_is_taken_once(acme):
    refused = acme("account", "add", "acme", *ACME)

    assert refused.code == 1
    assert refused.err == "there is an account named acme already\n"


@pytest.mark.parametrize("name", ["a", "Acme", "ac me", "acme.coffee", "a" * 33, "müller"])
def test_a_wrong_name_exits_2_with_a_clear_line(relay, name):
    refused = relay("account", "add", name, *ACME)

    assert refused.code == 2
    assert "2 to 32 of a-z, 0-9 and '-'" in refused.err


@pytest.mark.parametrize(
    ("option", "value"), [("--email", "nobody"), ("--country", "Indonesia"), ("--industry", " ")]
)
def test_a_wrong_value_exits_2(relay, option, value):
    words = list(ACME)
    words[words.index(option) + 1] = value

    assert relay("account", "add", "acme", *words).code == 2


def test_who_is_not_there_is_not_found(relay):
    for words in (("show", "nobody"), ("history", "nobody"), ("suspend", "nobody", "--reason", "x")):
        refused = relay("account", *words)
        assert (refused.code, refused.err) == (1, "no account is named nobody\n")


def test_set_needs_something_to_set(acme):
    assert acme("account", "set", "acme").code == 2


def test_accounts_are_listed(acme):
    assert [one["name"] for one in acme("account", "list", "--json").json] == ["acme"]
    assert "owner@acme.test" in acme("account", "list").out
