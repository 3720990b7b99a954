"""Moving in: other platforms' suppressions, who may be mailed, whose permission ends, one person over all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

TODAY = datetime.now(UTC)
RECENT, AGEING = (f"{TODAY - timedelta(days=days):%Y-%m-%d}" for days in (30, 700))

EXPORTS = {
    "csv": ("email,reason\nanne@x.test,unsubscribed\nbudi@x.test,bounced\ncitra@x.test,maybe\n", "opted-out", 2),
    "mailchimp": ("Email Address,UNSUB_TIME,UNSUB_REASON\nanne@x.test,2026-01-31 10:00:00,Normal\n", "opted-out", 1),
    "sendgrid": (
        "status,reason,email,created\n5.1.1,unknown user,anne@x.test,1700000000\n5.7.1,blocked,budi@x.test,1\n",
        "unreachable",
        1,
    ),
    "ses": (
        '{"SuppressedDestinationSummaries": [{"EmailAddress": "anne@x.test", "Reason": "COMPLAINT",'
        ' "LastUpdateTime": "2026-01-31T10:00:00+00:00"}]}',
        "complained",
        1,
    ),
    "mailgun": ("address,tags,created_at\nanne@x.test,*,2026-01-31T10:00:00Z\n", "opted-out", 1),
    "postal": ("type,address,reason,timestamp\nrecipient,anne@x.test,hard fail,1700000000\n", "unreachable", 1),
}


@pytest.mark.parametrize("platform", EXPORTS)
def test_another_platforms_export_is_kept_with_its_reason(acme, home, platform):
    content, reason, taken = EXPORTS[platform]
    (home / "out.csv").write_text(content)

    done = acme("suppress", "import", "acme", "out.csv", "--from", platform, "--json")
    again = acme("suppress", "import", "acme", "out.csv", "--from", platform, "--json")

    assert (done.code, done.json["taken"], done.json["new"], again.json["new"]) == (0, taken, taken, 0)
    (no,) = acme("suppress", "list", "acme", "anne@x.test", "--json").json
    assert (no["reason"], no["way"]) == (reason, "import")


def test_a_bare_list_without_an_account_holds_for_every_account(acme, home):
    (home / "out.txt").write_text("anne@x.test\nbudi@x.test\n")

    assert acme("suppress", "import", "out.txt", "--from", "csv").code == 0

    assert [one["all_accounts"] for one in acme("suppress", "list", "acme", "anne@x.test", "--json").json] == [True]


def test_the_subscribers_of_an_export_are_not_taken_for_unsubscribed(acme, home):
    (home / "out.csv").write_text("Email Address,OPTIN_TIME\nanne@x.test,2026-01-31\n")

    done = acme("suppress", "import", "acme", "out.csv", "--from", "mailchimp", "--json").json

    assert (done["taken"], list(done["left_out"])) == (0, ["this is the export of subscribers"])


@pytest.fixture
def moved(acme, home):
    rows = f"anne@x.test,{RECENT}\nbudi@x.test,{AGEING}\ninfo@x.test,{RECENT}\n"
    (home / "in.csv").write_text(f"email,consented_at\n{rows}")
    assert acme("list", "import", "acme", "shop", "in.csv", "--source", "old tool").code == 0
    return acme


def test_permission_check_says_what_rcpt_would_say_and_changes_nothing(moved, home):
    assert moved("suppress", "add", "acme", "budi@x.test").code == 0
    (home / "who.txt").write_text("anne@x.test\nbudi@x.test\ninfo@x.test\nnobody@x.test\nno address\n")

    done = moved("permission", "check", "acme", "shop", "who.txt", "--report", "who.csv", "--json").json

    assert (done["rows"], done["may"]) == (5, 1)
    assert [one["rule"] for one in done["addresses"]] == [
        "",
        "consent.withdrawn",
        "address.role",
        "consent.missing",
        "address.malformed",
    ]
    assert len((home / "who.csv").read_text().splitlines()) == 6


def test_what_will_reach_two_years_is_reported_by_month(moved, home):
    done = moved("permission", "expiring", "acme", "--within", "60", "--report", "soon.csv", "--json").json

    ends = datetime.fromisoformat(AGEING) + timedelta(days=730)
    assert done == [{"month": f"{ends:%Y-%m}", "list": "shop", "addresses": 1}]
    assert "budi@x.test,shop," in (home / "soon.csv").read_text()


def test_a_person_is_shown_exported_and_forgotten_and_the_no_stays(moved):
    assert moved("suppress", "add", "acme", "anne@x.test").code == 0
    shown = moved("person", "show", "anne@x.test", "--json").json
    exported = moved("person", "export", "anne@x.test").json

    done = moved("person", "forget", "anne@x.test", "--json")

    assert [one["account"] for one in shown["accounts"]] == ["acme"]
    assert exported["accounts"][0]["source"] == "old tool"
    assert (done.json["accounts"], done.json["noes"]) == (1, 1)
    assert moved("person", "show", "anne@x.test").code == 1
    again = moved("list", "import", "acme", "shop", "in.csv", "--source", "again", "--json").json
    assert again["reasons"] == {"address.role": 1, "consent.withdrawn": 1}


def test_a_batch_is_shown_stopped_and_released_with_a_reason(moved):
    (batch,) = moved("list", "batches", "acme", "--json").json
    number = str(batch["batch"])

    stopped = moved("list", "quarantine", "acme", number, "--reason", "complaints by phone", "--json").json
    released = moved("list", "release", "acme", number, "--reason", "forms seen", "--json").json

    assert (batch["state"], stopped["state"], released["state"]) == ("open", "quarantined", "open")
    assert released["decided_why"] == "forms seen"
    assert moved("list", "batch", "acme", "1").code == 1
