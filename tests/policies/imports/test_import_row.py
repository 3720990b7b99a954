"""Clauses 3.1, 3.4 and 6.3 at import: one row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies.facts import SuppressionReason
from policies.imports.mail_domain import MailDomains
from policies.imports.row import Row, RowJudge
from policies.imports.typo import Typos

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOMAINS = MailDomains(frozenset({"minutes.test"}), Typos(["gmail.com"], ["qmail.com"]))
JUDGE = RowJudge(
    "web shop", NOW, timedelta(days=730), frozenset({"info", "sales"}), frozenset({"acme.test"}), DOMAINS
)


def judge(email: str = "anne@example.test", consented_at: str = "2026-01-31", **cells: str) -> Row:
    return JUDGE.judge(1, {"email": email, "consented_at": consented_at, **cells})


def test_a_row_with_a_date_is_accepted_with_the_files_source():
    row = judge()

    assert (row.reason, row.refused_rule, row.source) == ("", "", "web shop")
    assert row.consented_at == datetime(2026, 1, 31, tzinfo=UTC)


def test_a_row_keeps_what_it_says_of_itself():
    row = judge(consent_source="fair", consent_ip="192.0.2.1", basis="purchase", name="Anne", shoe="42", hat="")

    assert (row.source, row.consent_ip, row.basis, row.name) == ("fair", "192.0.2.1", "purchase", "Anne")
    assert row.extra == (("shoe", "42"),)


@pytest.mark.parametrize(
    ("cell", "key", "name"),
    [
        ("Anne@EXAMPLE.test", "anne@example.test", ""),
        ("Anne de Vries <anne@example.test>", "anne@example.test", "Anne de Vries"),
        ('"Vries, Anne" <anne@example.test>', "anne@example.test", "Vries, Anne"),
        ("<anne@example.test>", "anne@example.test", ""),
        ("mailto:anne@example.test", "anne@example.test", ""),
        ("anne@bücher.test", "anne@xn--bcher-kva.test", ""),
    ],
)
def test_addresses_are_read_as_people_write_them(cell, key, name):
    row = judge(cell)

    assert row.address is not None
    assert (row.address.key, row.name, row.reason) == (key, name, "")


@pytest.mark.parametrize(
    "cell", ["", "anne", "anne@", "a@b@c.test", "anne@localhost", "müller@example.test", "a b@c.test"]
)
def test_what_is_no_address_is_malformed(cell):
    row = judge(cell)

    assert (row.address, row.reason) == (None, "address.malformed")
    assert row.suggestion


def test_a_row_that_cannot_be_trusted_is_malformed():
    row = JUDGE.judge(7, {"email": "anne@example.test"}, "the row has more cells than the header")

    assert (row.number, row.address, row.reason) == (7, None, "address.malformed")


@pytest.mark.parametrize(
    "given", ["", "yesterday", "31-01-2026", "01/31/2026", "2026-13-01", "0001-01-01T00:00:00+23:00"]
)
def test_without_a_readable_consent_date_a_row_is_refused(given):
    row = judge(consented_at=given, last_contacted_at="2026-02-01")

    assert row.reason == "consent.missing"


@pytest.mark.parametrize(
    "given",
    ["2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31 10:00:00+07:00", "20260131", "2026/1/31", "2026/01/31 10:00"],
)
def test_dates_are_read_as_programs_write_them(given):
    assert judge(consented_at=given).reason == ""


def test_a_consent_date_to_come_refuses_the_row_and_is_no_permission():
    row = judge(consented_at="2026-03-02")

    assert (row.reason, row.refused_rule) == ("consent.future", "consent.missing")


def test_permission_of_two_years_ago_is_expired_to_the_day():
    at = NOW - timedelta(days=730)

    assert judge(consented_at=at.isoformat()).reason == "consent.expired"
    assert judge(consented_at=(at + timedelta(seconds=1)).isoformat()).reason == ""


def test_the_clock_runs_from_the_last_contact():
    assert judge(consented_at="2020-01-01", last_contacted_at="2026-01-01").reason == ""
    assert judge(consented_at="2026-01-01", last_contacted_at="2020-01-01").reason == ""


def test_a_contact_to_come_was_none():
    row = judge(consented_at="2020-01-01", last_contacted_at="2026-03-02")

    assert (row.reason, row.last_contact_at) == ("consent.expired", None)


def test_role_addresses_are_refused_but_at_the_accounts_own_domains():
    assert judge("info@example.test").reason == "address.role"
    assert judge("info@acme.test").reason == ""


@pytest.mark.parametrize(
    ("status", "reason", "rule"),
    [
        ("unsubscribed", SuppressionReason.OPT_OUT, "consent.withdrawn"),
        ("Opted-Out", SuppressionReason.OPT_OUT, "consent.withdrawn"),
        ("complained", SuppressionReason.COMPLAINT, "consent.complained"),
        ("BOUNCED", SuppressionReason.UNREACHABLE, "consent.unreachable"),
        ("cleaned", SuppressionReason.UNREACHABLE, "consent.unreachable"),
    ],
)
def test_a_status_may_lower(status, reason, rule):
    row = judge(status=status)

    assert (row.says_no, row.reason, row.claimed_status) == (reason, rule, status)


@pytest.mark.parametrize("status", ["confirmed", "Subscribed", "opted in", ""])
def test_a_status_never_raises(status):
    row = judge(status=status)

    assert (row.says_no, row.reason, row.claimed_status) == (None, "", status)


def test_a_status_nobody_knows_is_no_permission():
    row = judge(status="archived")

    assert row.reason == "consent.missing"
    assert "'archived'" in row.suggestion
