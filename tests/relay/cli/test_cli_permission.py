"""`relay list import` and `relay subscriber`: verdicts, reports, evidence."""

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

TODAY = datetime.now(UTC)
RECENT = f"{TODAY - timedelta(days=30):%Y-%m-%d}"
LONG_AGO = f"{TODAY - timedelta(days=800):%Y-%m-%d}"
TO_COME = f"{TODAY + timedelta(days=3):%Y-%m-%d}"

FILE = f"""email,name,consented_at,status,shoe
anne@example.test,Anne,{RECENT},,42
Budi <Budi@Example.test>,,{RECENT}T10:00:00+07:00,confirmed,
info@example.test,,{RECENT},,
old@example.test,,{LONG_AGO},,
none@example.test,,,,
future@example.test,,{TO_COME},,
gone@example.test,,{RECENT},unsubscribed,
ANNE@example.test,,{RECENT},,
not an address,,{RECENT},,
"""
CONSENT_RECORD = [
    "address",
    "address_as_typed",
    "account",
    "list",
    "basis",
    "status",
    "requested_at",
    "request_ip",
    "user_agent",
    "form_url",
    "wording",
    "wording_hash",
    "language",
    "privacy_notice_version",
    "confirm_message_id",
    "confirmed_at",
    "confirm_ip",
    "confirm_agent",
    "method",
    "source",
    "import_id",
    "importer",
    "import_file_hash",
    "claimed_collection_date",
    "last_renewed_at",
    "expires_at",
    "withdrawn_at",
    "withdraw_method",
    "withdraw_ip",
    "withdraw_token",
    "recorded_by",
    "prev_hash",
]
"""STANDARDS.md §4.5."""
REASONS = {
    "address.malformed": 1,
    "address.role": 1,
    "consent.expired": 1,
    "consent.future": 1,
    "consent.missing": 1,
    "consent.withdrawn": 1,
    "duplicate": 1,
}


@pytest.fixture
def imported(acme, home):
    (home / "in.csv").write_text(FILE)
    ran = acme("list", "import", "acme", "shop", "in.csv", "--source", "web shop", "--report", "out.csv", "--json")
    assert ran.code == 0
    return ran.json


def test_an_import_says_what_became_of_its_rows(imported):
    assert list(imported) == ["batch", "rows", "accepted", "verdict", "reasons"]
    assert (imported["rows"], imported["accepted"], imported["verdict"]) == (9, 2, "accepted in part")
    assert imported["reasons"] == REASONS


def test_the_report_has_a_verdict_a_row(imported, home):
    with (home / "out.csv").open(newline="") as file:
        header, *rows = csv.reader(file)

    assert header == ["row", "email", "verdict", "reason", "suggestion"]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("1", "accepted", ""),
        ("2", "accepted", ""),
        ("3", "refused", "address.role"),
        ("4", "refused", "consent.expired"),
        ("5", "refused", "consent.missing"),
        ("6", "refused", "consent.future"),
        ("7", "refused", "consent.withdrawn"),
        ("8", "refused", "duplicate"),
        ("9", "refused", "address.malformed"),
    ]
    assert all(row[4] for row in rows if row[2] == "refused")


def test_refused_rows_are_kept_with_their_verdict(imported, acme):
    shown = acme("subscriber", "show", "acme", "old@example.test", "--json").json

    assert (shown["status"], shown["refused_rule"]) == ("refused", "consent.expired")
    assert shown["import_id"] == imported["batch"]


def test_an_import_is_a_journal_row(imported, acme):
    (line,) = [json.loads(line) for line in acme("log", "--event", "import.finished", "--json").out.splitlines()]

    assert (line["account"], line["list"], line["rows"], line["accepted"]) == ("acme", "shop", 9, 2)


def test_a_dry_run_judges_alike_and_keeps_nothing(acme, home):
    (home / "in.csv").write_text(FILE)

    ran = acme("list", "import", "acme", "shop", "in.csv", "--source", "x", "--dry-run", "--json").json

    assert ran == {"batch": None, "rows": 9, "accepted": 2, "verdict": "accepted in part", "reasons": REASONS}
    assert acme("list", "show", "acme", "shop", "--json").json["subscribers"] == 0
    assert acme("suppress", "list", "acme", "--json").json == []


def test_an_import_without_a_source_exits_2(acme, home):
    (home / "in.csv").write_text(FILE)

    assert acme("list", "import", "acme", "shop", "in.csv").code == 2
    assert acme("list", "import", "acme", "shop", "in.csv", "--source", " ").code == 2


def test_an_import_of_nothing_usable_still_ends_with_0(acme, home):
    (home / "in.csv").write_text("email\nanne@example.test\n")

    ran = acme("list", "import", "acme", "shop", "in.csv", "--source", "x", "--json")

    assert (ran.code, ran.json["verdict"]) == (0, "refused")


@pytest.mark.parametrize("content", ["", "name\nAnne\n", "email,email\na@example.test,b@example.test\n"])
def test_a_file_without_a_usable_header_exits_2(acme, home, content):
    (home / "in.csv").write_text(content)

    assert acme("list", "import", "acme", "shop", "in.csv", "--source", "x").code == 2


def test_a_file_that_is_not_there_exits_2(acme):
    assert acme("list", "import", "acme", "shop", "nowhere.csv", "--source", "x").code == 2


def test_a_report_that_cannot_be_written_exits_2(acme, home):
    (home / "in.csv").write_text(FILE)

    assert acme("list", "import", "acme", "shop", "in.csv", "--source", "x", "--report", "no/out.csv").code == 2


def test_an_import_into_a_double_list_says_that_nobody_is_confirmed(acme, home):
    (home / "in.csv").write_text(FILE)

    ran = acme("list", "import", "acme", "news", "in.csv", "--source", "x")

    assert "consent.unconfirmed" in ran.err
    assert acme("subscriber", "show", "acme", "budi@example.test", "--json").json["status"] == "imported"


def test_an_export_holds_everybody_with_status_and_batch(imported, acme):
    rows = list(csv.DictReader(acme("list", "export", "acme", "shop").out.splitlines()))

    status = {row["email"]: row["status"] for row in rows}
    assert status["anne@example.test"] == "imported"
    assert status["gone@example.test"] == "opted-out"
    assert status["info@example.test"] == "refused"
    assert {row["batch_id"] for row in rows} == {str(imported["batch"])}


def test_cells_that_a_spreadsheet_would_run_are_quoted(acme, home):
    (home / "in.csv").write_text('email,consented_at\n"=HYPERLINK(""x"")",\n')
    acme("list", "import", "acme", "shop", "in.csv", "--source", "x", "--report", "out.csv")

    assert "'=HYPERLINK" in (home / "out.csv").read_text()


# ---------------------------------------------------------------- subscriber


def test_an_added_subscriber_of_a_double_list_is_pending(acme):
    added = acme(
        "subscriber", "add", "acme", "news", "anne@example.test", "--consented-at", RECENT, "--source", "fair"
    )

    assert added.code == 0
    assert "consent.unconfirmed" in added.err
    shown = acme("subscriber", "show", "acme", "anne@example.test", "--json").json
    assert (shown["status"], shown["source"], shown["confirmed_at"]) == ("pending", "fair", None)
    assert shown["recorded_by"]


def test_an_added_subscriber_of_a_single_list_is_subscribed(acme):
    words = ("--consented-at", RECENT, "--source", "fair", "--json")

    assert acme("subscriber", "add", "acme", "shop", "anne@example.test", *words).json["status"] == "subscribed"


def test_an_added_subscriber_without_a_date_is_kept_but_not_usable(acme):
    added = acme("subscriber", "add", "acme", "shop", "anne@example.test")

    assert added.code == 0
    assert "consent.missing" in added.err
    assert acme("subscriber", "show", "acme", "anne@example.test", "--json").json["claimed_collection_date"] is None


def test_permission_that_is_too_old_is_kept_and_said_to_be(acme):
    words = ("--consented-at", LONG_AGO, "--source", "fair")

    assert "consent.expired" in acme("subscriber", "add", "acme", "shop", "anne@example.test", *words).err


def test_a_consent_date_to_come_is_refused(acme):
    refused = acme(
        "subscriber", "add", "acme", "shop", "anne@example.test", "--consented-at", TO_COME, "--source", "x"
    )

    assert (refused.code, refused.err) == (1, "the consent date lies in the future\n")


def test_a_role_address_is_refused_on_a_single_list_and_may_confirm_on_a_double_one(acme):
    assert acme("subscriber", "add", "acme", "shop", "info@example.test").code == 1
    assert acme("subscriber", "show", "acme", "info@example.test", "--json").json["refused_rule"] == "address.role"
    assert acme("subscriber", "add", "acme", "news", "info@example.test").code == 0


def test_a_domain_that_could_not_be_looked_up_is_not_bad(acme, home):
    (home / "relay.toml").write_text('[dns]\nservers = ["127.0.0.1:9"]\ntimeout = 0.1\ncheck_domains = true\n')

    assert acme("subscriber", "add", "acme", "news", "anne@example.test").code == 0


@pytest.mark.parametrize("address", ["nobody", "a@b", "a b@example.test", "@example.test", "müller@example.test"])
def test_a_wrong_address_exits_2(acme, address):
    assert acme("subscriber", "add", "acme", "news", address).code == 2


def test_who_is_not_known_is_not_found(acme):
    refused = acme("subscriber", "show", "acme", "anne@example.test")

    assert (refused.code, refused.err) == (1, "acme knows nothing of anne@example.test\n")


def test_the_bundle_has_the_consent_records_fields(acme):
    acme("subscriber", "add", "acme", "news", "Anne@example.test")

    shown = acme("subscriber", "show", "acme", "anne@example.test", "--json").json

    for field in CONSENT_RECORD:
        assert field in shown, field
    assert shown["address"] == "anne@example.test"
    assert shown["address_as_typed"] == "Anne@example.test"
    assert [one["list"] for one in shown["subscriptions"]] == ["news"]
    assert [one["event"] for one in shown["events"]] == ["added", "requested"]
    assert "news" in acme("subscriber", "show", "acme", "anne@example.test").out
