"""Clause 6.3: addresses of functions."""

from __future__ import annotations

import pytest
from people import NEWS, OFFERS, confirmed, facts, imported, recipient, refused

from config.lists import lines
from policies.facts import Stream
from policies.recipient.role_address import RoleAddress, is_role
from policies.recipient.suppression import Known
from policies.verdict import ACCEPT, Refusal, Reject

NAMES = frozenset(lines("role_names.txt"))
RULE = RoleAddress(NAMES, Known.TO_ALL)


@pytest.mark.parametrize(
    "local",
    [
        "info", "INFO", "admin", "sales", "Sales2", "no-reply", "no_reply", "noreply", "do.not.reply", "info+x",
        "postmaster", "abuse", "webmaster", "customer.service", "sales-team", "sales.id", "info-2024", "hr",
        "kontak", "layanan.pelanggan", "ventas", "buchhaltung", "comptabilite", "contact-us", "support.uk",
    ],
)  # fmt: skip
def test_functions_are_roles(local: str) -> None:
    assert is_role(local, NAMES)


@pytest.mark.parametrize(
    "local",
    [
        "anne", "bob.smith", "anne.sales", "salesman.joe", "inform", "infolinks", "administratorius", "j.doe",
        "mark", "user17", "dean", "grace.office.smith", "info.smith", "+info", "...", "_", "42", "hrvoje",
        "supportive",
    ],
)  # fmt: skip
def test_persons_are_not(local: str) -> None:
    assert not is_role(local, NAMES)


def test_the_list_is_lower_case_without_separators_and_doubles() -> None:
    entries = lines("role_names.txt")

    assert len(entries) == len(set(entries))
    assert all(entry.isascii() and entry.isalpha() and entry == entry.lower() for entry in entries)


def test_a_role_address_is_refused_in_marketing() -> None:
    verdict = RULE.check(recipient("info@example.com"), facts(imported()))

    assert isinstance(verdict, Reject)
    assert verdict.refusal == Refusal(
        550, "7.1", "info@example.com is a role address and was not confirmed by double opt-in"
    )


def test_a_role_address_that_confirmed_by_double_opt_in_passes_on_that_list() -> None:
    to = recipient("info@example.com")

    assert RULE.check(to, facts(confirmed(NEWS))) is ACCEPT
    assert RULE.check(to, facts(confirmed(NEWS), list_id=NEWS)) is ACCEPT
    assert RULE.check(to, facts(confirmed(NEWS), list_id=OFFERS)) is not ACCEPT
    assert RULE.check(to, facts(confirmed(NEWS, at=None))) is not ACCEPT


def test_a_row_refused_at_import_as_a_role_stays_one() -> None:
    assert RULE.check(recipient("team-of-five@example.com"), facts(refused("address.role"))) is not ACCEPT


def test_other_streams_own_addresses_and_persons_are_exempt() -> None:
    assert RULE.check(recipient("info@example.com"), facts(stream=Stream.SERVICE)) is ACCEPT
    assert RULE.check(recipient("info@acme.test", own=True), facts()) is ACCEPT
    assert RULE.check(recipient(), facts()) is ACCEPT


def test_before_consent_missing_only_people_on_the_list_are_judged() -> None:
    early = RoleAddress(NAMES, Known.TO_ACCOUNT)

    assert early.check(recipient("info@example.com"), facts()) is ACCEPT
    assert early.check(recipient("info@example.com"), facts(imported())) is not ACCEPT
