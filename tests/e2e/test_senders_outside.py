"""Who sends: bulk by reverse-path or authorization identity, lists by name, credential or header, standing."""

import base64
import smtplib
import time

import pytest
from dialog import accepted, line, refusal, rule, send
from running import PASSWORD, POSTAL_ADDRESS, message
from world import PLATFORM_PASSWORD

NEWS = "news@acme.test"
REGISTERED = ("--organisation", "Later", "--email", "owner@elsewhere.test", "--country", "US", "--industry", "retail")
REGISTERED += ("--postal-address", POSTAL_ADDRESS)
ON_BOTH, ON_NEWS = "person5@example.test", "person25@example.test"


@pytest.fixture(scope="module")
def bulk(shared_relay):
    with shared_relay.bulk_session() as session:
        yield session


@pytest.fixture(scope="module")
def client(shared_relay):
    with shared_relay.login() as session:
        yield session


def plain(session, authzid, login, password):
    token = base64.b64encode(f"{authzid}\0{login}\0{password}".encode()).decode()
    session.ehlo()
    return line(*session.docmd("AUTH", f"PLAIN {token}"))


def test_on_bulk_the_account_is_the_owner_of_the_reverse_path_s_domain(shared_relay, bulk):
    ref = accepted(send(bulk, NEWS, ["person4@example.test"], message())[-1])

    (event,) = shared_relay.lines(1, ref=ref, event="message.accepted")

    assert (event["account"], event["listener"]) == ("acme", "bulk")


@pytest.mark.parametrize("path", ["", "news@nobody.test"])
def test_on_bulk_nobody_s_reverse_path_is_refused_at_mail(bulk, path):
    assert rule(send(bulk, path, [])[0]) == "550 5.7.1 identity.reverse_path"


def test_nobody_s_reverse_path_is_refused_on_submission_too(client):
    assert rule(send(client, "", [])[0]) == "550 5.7.1 identity.reverse_path"


def test_a_reverse_path_of_another_account_is_refused(client):
    assert rule(send(client, "news@beta.test", [])[0]) == "550 5.7.1 identity.reverse_path"


def test_a_from_of_another_account_is_refused_at_the_dot(client):
    octets = message(author="Beta <news@beta.test>")

    assert rule(send(client, NEWS, ["person4@example.test"], octets)[-1]) == "550 5.7.1 identity.from"


def test_the_platform_speaks_for_the_account_it_names(shared_relay):
    with shared_relay.bulk_session() as session:
        said = plain(session, "acme", "esp", PLATFORM_PASSWORD)
        replies = send(session, NEWS, ["person4@example.test"], message())
        foreign = send(session, "news@beta.test", [])

    assert said.startswith("235 2.7.0 ")
    accepted(replies[-1])
    assert rule(foreign[0]) == "550 5.7.1 identity.reverse_path"


@pytest.mark.parametrize("authzid", ["", "nobody"])
def test_the_platform_must_name_an_account_that_exists(shared_relay, authzid):
    with shared_relay.bulk_session() as session:
        assert plain(session, authzid, "esp", PLATFORM_PASSWORD).startswith("535 5.7.8 ")


# ------------------------------------------------------------ lists


def test_xlist_is_advertised_bare(client, bulk):
    for session in (client, bulk):
        session.ehlo()
        assert session.esmtp_features["xlist"] == ""


def test_the_list_named_at_mail_is_the_one_that_needs_permission(shared_relay, bulk):
    replies = send(bulk, NEWS, [ON_BOTH, ON_NEWS], message(), options=["XLIST=offers"])
    (copy,) = shared_relay.copies(accepted(replies[-1]), 1)

    assert rule(replies[2]) == "550 5.7.1 consent.missing"
    assert "offers.acme." in copy["List-Id"]


def test_an_unknown_list_is_refused_at_mail_and_in_the_header(bulk):
    at_mail = send(bulk, NEWS, [], options=["XLIST=nothing"])
    in_header = send(bulk, NEWS, [ON_BOTH], b"X-Relay-List: nothing\r\n" + message())

    assert rule(at_mail[0]) == "550 5.7.1 list.unknown"
    assert rule(in_header[-1]) == "550 5.7.1 list.unknown"


def test_a_credential_bound_to_a_list_names_it(shared_relay):
    with shared_relay.login("acme/offers") as session:
        replies = send(session, NEWS, [ON_BOTH, ON_NEWS])

    assert [replies[1], rule(replies[2])] == ["250 2.1.5 recipient ok", "550 5.7.1 consent.missing"]


def test_without_a_list_permission_on_any_list_counts_and_the_link_is_account_wide(shared_relay, client):
    replies = send(client, NEWS, [ON_NEWS], message())
    (copy,) = shared_relay.copies(accepted(replies[-1]), 1)

    assert copy["List-Id"].endswith("<acme.b.relay.localhost>")


def test_a_double_opt_in_list_takes_nobody_before_they_confirm(bulk):
    replies = send(bulk, NEWS, ["unsure@example.test"], options=["XLIST=club"])

    assert rule(replies[1]) == "550 5.7.1 consent.unconfirmed"


def test_a_header_narrows_on_bulk_to_those_the_list_permits(shared_relay, bulk):
    octets = b"X-Relay-List: offers\r\nX-Relay-Campaign: spring\r\n" + message()
    replies = send(bulk, NEWS, [ON_BOTH, ON_NEWS], octets)
    ref = replies[-1].split()[2]
    (copy,) = shared_relay.copies(ref, 1)
    rows = shared_relay.events("--ref", ref, wanted=3)

    assert replies[-1] == f"250 2.0.0 {ref} accepted for 1 of 2"
    assert [row["recipient"] for row in rows if row["event"] == "recipient.refused"] == [ON_NEWS]
    assert not [name for name in copy if name.lower().startswith("x-relay-")]
    assert {row.get("campaign") for row in rows if row["event"] == "message.accepted"} == {"spring"}


def test_a_header_narrows_on_submission_for_all_or_none(shared_relay, client):
    octets = b"X-Relay-List: offers\r\n" + message()
    reply = send(client, NEWS, [ON_BOTH, ON_NEWS], octets)[-1]

    assert refusal(reply)["rule"] == "consent.list"
    assert refusal(reply)["what"].startswith("1 of 2 ")
    assert shared_relay.copies(refusal(reply)["ref"], 0) == []


def test_a_header_that_permits_nobody_is_refused_by_the_recipient_s_own_rule(client):
    octets = b"X-Relay-List: offers\r\n" + message()

    assert rule(send(client, NEWS, [ON_NEWS], octets)[-1]) == "550 5.7.1 consent.missing"


# ------------------------------------------------------------ standing


def test_a_pending_account_writes_to_its_own_addresses_only(shared_relay):
    with shared_relay.login("fresh/mail") as session:
        octets = message(author="Fresh <news@fresh.test>")
        foreign = send(session, "news@fresh.test", ["anne@example.test"])
        own = send(session, "news@fresh.test", ["me@fresh.test"], octets)

    assert rule(foreign[1]) == "550 5.7.1 standing.pending"
    accepted(own[-1])


def test_an_account_leaves_the_sandbox_once_it_accepted_the_policy(shared_relay):
    shared_relay.here("account", "add", "later", *REGISTERED)
    shared_relay.here("domain", "add", "later", "later.test")
    shared_relay.here("domain", "verify", "later", "later.test", "--force", "--reason", "test")
    with shared_relay.bulk_session() as session:

        def answer():
            return rule(send(session, "news@later.test", ["anne@example.test"])[-1])

        assert answer() == "550 5.7.1 standing.pending"
        shared_relay.here("account", "set", "later", "--accept-policy")
        assert until(lambda: answer() == "550 5.7.1 consent.missing")


def test_a_revoked_login_ends_at_the_next_auth(shared_relay):
    shared_relay.here("credential", "add", "acme", "short", "--stdin", stdin=PASSWORD)
    shared_relay.login("acme/short").quit()
    shared_relay.here("credential", "revoke", "acme", "short")

    def answer():
        try:
            shared_relay.login("acme/short").quit()
        except smtplib.SMTPAuthenticationError as refused:
            return refused.smtp_code
        return 235

    assert until(lambda: answer() == 535, seconds=2.0)


def test_a_deactivated_account_is_refused_at_auth_and_at_mail(shared_relay):
    shared_relay.here("account", "add", "gone", *REGISTERED, "--accept-policy")
    shared_relay.here("domain", "add", "gone", "gone.test")
    shared_relay.here("domain", "verify", "gone", "gone.test", "--force", "--reason", "test")
    shared_relay.here("credential", "add", "gone", "mail", "--stdin", stdin=PASSWORD)
    shared_relay.here("account", "deactivate", "gone", "--reason", "spam")

    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        shared_relay.login("gone/mail")
    with shared_relay.bulk_session() as session:
        at_mail = send(session, "news@gone.test", [])[0]

    assert rule(line(refused.value.smtp_code, refused.value.smtp_error)) == "525 5.7.13 standing.deactivated"
    assert rule(at_mail) == "550 5.7.1 standing.deactivated"


def test_a_suspended_account_hears_of_it_only_with_the_right_password(shared_relay):
    with smtplib.SMTP("127.0.0.1", shared_relay.submission, timeout=60) as session:
        session.starttls(context=shared_relay.tls())
        wrong = plain(session, "", "closed/mail", "not the password")
        right = plain(session, "", "closed/mail", PASSWORD)

    assert wrong == "535 5.7.8 wrong login or password"
    assert rule(right) == "525 5.7.13 standing.suspended"


def test_a_suspended_account_is_refused_at_mail_on_bulk_until_it_is_reinstated(shared_relay, bulk):
    assert rule(send(bulk, "news@beta.test", ["anne@example.test"])[0]).startswith("250")
    shared_relay.here("account", "suspend", "beta", "--reason", "looked into")
    assert until(lambda: rule(send(bulk, "news@beta.test", [])[0]) == "550 5.7.1 standing.suspended")

    shared_relay.here("account", "reinstate", "beta", "--reason", "in order")

    assert until(lambda: send(bulk, "news@beta.test", [])[0].startswith("250"))
    changes = [one["after"] for one in shared_relay.json("account", "history", "beta")]
    assert changes[-1] == "active"
    assert "suspended" in changes


def until(holds, seconds=5.0):
    """Whether it holds in time; other processes learn of a change within a second or two."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
