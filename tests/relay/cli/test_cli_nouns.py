"""`relay domain`, `credential`, `list`, `suppress`, `dkim`, `db`: exit codes, output, JSON."""

import io
import stat

import pytest
from argon2 import PasswordHasher

OTHER = ("--organisation", "Other", "--email", "o@other.test", "--country", "ID", "--industry", "retail")


# ---------------------------------------------------------------- domain


def test_an_added_domain_prints_the_records_to_publish(acme):
    added = acme("domain", "add", "acme", "Bücher.test")

    assert added.code == 0
    assert "xn--bcher-kva.test: not verified" in added.out
    for purpose in ("ownership", "DKIM", "SPF", "DMARC"):
        assert purpose in added.out
    assert '_relay-verify.xn--bcher-kva.test. IN TXT "relay-verify=' in added.out


def test_an_unverified_domain_says_what_to_publish(acme):
    acme("domain", "add", "acme", "shop.example.test")

    refused = acme("domain", "verify", "acme", "shop.example.test")

    # The configured server does not answer: that is not the same as 'absent'.
    assert refused.code == 69
    assert "_relay-verify.shop.example.test. IN TXT" in refused.err


def test_a_forced_verification_needs_a_reason_and_keeps_it(acme):
    acme("domain", "add", "acme", "shop.example.test")
    assert acme("domain", "verify", "acme", "shop.example.test", "--force").code == 2

    forced = acme("domain", "verify", "acme", "shop.example.test", "--force", "--reason", "contract 7", "--json")

    assert forced.json["verified"] is True
    assert "contract 7" in forced.json["verified_how"]
    assert acme("account", "show", "acme", "--json").json["domains"] == ["acme.test", "shop.example.test"]


@pytest.mark.parametrize("domain", ["acme.test", "mail.acme.test"])
def test_a_domain_verified_by_another_account_covers_what_is_below_it(acme, domain):
    acme("account", "add", "other", *OTHER)

    refused = acme("domain", "add", "other", domain)

    assert (refused.code, refused.err) == (1, "another account has verified acme.test\n")


def test_who_noted_a_domain_first_does_not_keep_it_from_who_proves_it(acme):
    acme("account", "add", "other", *OTHER)
    acme("domain", "add", "acme", "both.test")
    acme("domain", "add", "other", "both.test")
    acme("domain", "verify", "other", "both.test", "--force", "--reason", "x")

    assert acme("domain", "verify", "acme", "both.test", "--force", "--reason", "x").code == 1


@pytest.mark.parametrize("domain", ["co.uk", "co.id"])
def test_a_public_suffix_belongs_to_nobody(acme, domain):
    assert acme("domain", "add", "acme", domain).code == 1


@pytest.mark.parametrize("domain", ["localhost", "a..test", "-a.test", "127.0.0.1", "a b.test"])
def test_a_wrong_domain_exits_2(acme, domain):
    assert acme("domain", "add", "acme", domain).code == 2


def test_a_domain_that_was_not_added_is_not_found(acme):
    assert acme("domain", "verify", "acme", "new.test", "--force", "--reason", "x").code == 1


def test_domains_are_listed_with_their_records(acme):
    (listed,) = acme("domain", "list", "acme", "--json").json

    assert listed["domain"] == "acme.test"
    assert [one["purpose"] for one in listed["records"]] == ["ownership", "DKIM", "SPF", "DMARC"]
    assert {one["state"] for one in listed["records"] if one["value"]} == {"unknown"}
    assert "verified" in acme("domain", "list", "acme").out


# ---------------------------------------------------------------- credential


def test_a_password_is_made_and_shown_once(acme, home):
    added = acme("credential", "add", "acme", "mail", "--json").json

    assert added["login"] == "acme/mail"
    assert len(added["password"]) >= 22
    assert added["password"].encode() not in (home / "var" / "relay.db").read_bytes()
    assert "password" not in acme("credential", "list", "acme", "--json").json[0]


def test_a_password_is_read_from_standard_input(acme, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))

    added = acme("credential", "add", "acme", "mail", "--stdin")

    assert added.code == 0
    assert "correct horse" not in added.out + added.err


def test_passwords_are_kept_as_argon2id(acme, home, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    acme("credential", "add", "acme", "mail", "--stdin")

    import sqlite3

    with sqlite3.connect(home / "var" / "relay.db") as store:
        ((kept,),) = store.execute("SELECT password_hash FROM credential").fetchall()
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().verify(kept, "correct horse battery")


@pytest.mark.parametrize("typed", ["", "\n", "a\0b\n", "x" * 300])
def test_a_password_that_cannot_be_used_exits_2(acme, monkeypatch, typed):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    assert acme("credential", "add", "acme", "mail", "--stdin").code == 2


def test_a_platform_credential_has_no_account(acme):
    assert acme("credential", "add", "--platform", "sender").out.startswith("login:    sender\n")
    assert [one["login"] for one in acme("credential", "list", "--platform", "--json").json] == ["sender"]


@pytest.mark.parametrize(
    "words", [("add", "mail"), ("add", "--platform", "acme", "mail"), ("revoke", "a1", "b1", "c1")]
)
def test_credentials_are_named_by_account_and_name(acme, words):
    assert acme("credential", *words).code == 2


def test_a_name_in_use_must_be_revoked_first(acme):
    acme("credential", "add", "acme", "mail")
    assert acme("credential", "add", "acme", "mail").code == 1

    assert acme("credential", "revoke", "acme", "mail").code == 0
    assert acme("credential", "list", "acme", "--json").json[0]["revoked_at"]
    assert acme("credential", "revoke", "acme", "mail").code == 1
    assert acme("credential", "add", "acme", "mail").code == 0


def test_a_credential_may_belong_to_a_list_of_the_account(acme):
    assert acme("credential", "add", "acme", "mail", "--list", "news", "--json").json["list"] == "news"
    assert acme("credential", "add", "acme", "other", "--list", "nope").code == 1


# ---------------------------------------------------------------- list


def test_a_list_is_double_opt_in_unless_told(acme):
    shown = {one["name"]: one["confirm"] for one in acme("list", "list", "acme", "--json").json}

    assert shown == {"news": "double", "shop": "single"}


@pytest.mark.parametrize(("words", "code"), [(("news",), 1), (("N",), 2), (("other", "--confirm", "triple"), 2)])
def test_a_list_needs_a_free_and_right_name(acme, words, code):
    assert acme("list", "add", "acme", *words).code == code


def test_an_unknown_list_is_not_found(acme):
    refused = acme("list", "show", "acme", "nope")

    assert (refused.code, refused.err) == (1, "the account has no list named nope\n")


# ---------------------------------------------------------------- suppress


def test_staff_suppress_and_lift_their_own(acme):
    assert acme("suppress", "add", "acme", "Anne@Example.test", "--reason", "asked by phone").code == 0
    (listed,) = acme("suppress", "list", "acme", "--json").json
    assert (listed["address"], listed["reason"], listed["way"]) == ("anne@example.test", "opted-out", "staff")

    assert acme("suppress", "remove", "acme", "anne@example.test", "--reason", "a mistake").code == 0
    (lifted,) = acme("suppress", "list", "acme", "anne@example.test", "--json").json
    assert "a mistake" in lifted["lifted_how"]
    assert acme("suppress", "remove", "acme", "anne@example.test", "--reason", "again").code == 1


def test_an_imported_no_is_not_lifted_by_staff(acme, home):
    (home / "gone.csv").write_text("email,status\nanne@example.test,unsubscribed\n")
    acme("list", "import", "acme", "shop", "gone.csv", "--source", "old tool")

    refused = acme("suppress", "remove", "acme", "anne@example.test", "--list", "shop", "--reason", "x")

    assert refused.code == 1
    assert "only a new double opt-in by the person lifts that" in refused.err


def test_a_suppression_may_hold_for_every_account(acme):
    assert acme("suppress", "add", "--all-accounts", "anne@example.test").code == 0
    assert acme("suppress", "add", "acme", "budi@example.test", "--all-accounts").code == 0

    listed = acme("suppress", "list", "--all-accounts", "--json").json

    assert [(one["address"], one["all_accounts"]) for one in listed] == [
        ("anne@example.test", True),
        ("budi@example.test", True),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("add", "acme"),
        ("add", "acme", "nobody"),
        ("add", "--all-accounts", "a@example.test", "--list", "news"),
        ("remove", "acme", "a@example.test"),
        ("list",),
    ],
)
def test_suppress_needs_its_words(acme, words):
    assert acme("suppress", *words).code == 2


# ---------------------------------------------------------------- dkim, db


def test_a_dkim_key_is_kept_private_and_its_record_printed(acme, home):
    made = acme("dkim", "keygen", "acme.test")

    assert made.code == 0
    assert "._domainkey.acme.test. IN TXT (" in made.out
    assert "v=DKIM1; k=rsa; p=" in made.out
    (key,) = (home / "var" / "dkim").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_key_made_for_later_does_not_sign(acme):
    made = acme("dkim", "keygen", "acme.test", "--later", "--json").json

    assert made["signs"] is False
    (listed,) = acme("domain", "list", "acme", "--json").json
    dkim = next(one for one in listed["records"] if one["purpose"] == "DKIM")
    assert (dkim["name"], dkim["value"]) == (made["name"], made["value"])


def test_the_store_is_made_brought_up_to_date_and_checked(relay, home):
    (home / "var" / "relay.db").unlink()
    assert relay("db", "check").code == 1
    for word in ("init", "init", "migrate", "check"):
        assert relay("db", word).code == 0


def test_an_empty_store_is_made_ready_by_the_first_command(relay, home):
    (home / "var" / "relay.db").unlink()

    assert relay("account", "list").code == 0


@pytest.mark.parametrize("words", [("account", "list"), ("db", "check"), ("log",)])
def test_a_store_that_cannot_be_reached_exits_69(relay, home, words):
    (home / "relay.toml").write_text('[store]\nurl = "sqlite:////proc/nowhere/relay.db"\n')

    failed = relay(*words)

    assert failed.code == 69
    assert "store" in failed.err


def test_a_store_of_a_newer_release_exits_78(relay, home):
    import sqlite3

    with sqlite3.connect(home / "var" / "relay.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")

    for words in (("account", "list"), ("db", "check"), ("db", "migrate")):
        assert relay(*words).code == 78
