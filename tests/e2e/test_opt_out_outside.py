"""Opting out as mail programs and people do it: effective at the very next RCPT, forged links change nothing."""

import re
import smtplib
import urllib.error
import urllib.request

import pytest
from dialog import accepted, rule, send
from running import message

NEWS = "news@acme.test"
WITHDRAWN = "550 5.7.1 consent.withdrawn"
OK = "250 2.1.5 recipient ok"


@pytest.fixture(scope="module")
def client(shared_relay):
    with shared_relay.bulk_session() as session:
        yield session


def links(relay, client, recipient, *options):
    """(path of the https link, address of the mailto) of a copy to this recipient."""
    ref = accepted(send(client, NEWS, [recipient], message(), options=options)[-1])
    (copy,) = relay.copies(ref, 1)
    url, mailto = re.fullmatch(r"<(https?://[^>]+)>, <mailto:([^>]+)>", copy["List-Unsubscribe"]).groups()
    return "/" + url.split("/", 3)[3], mailto.partition("?")[0]


def asked(relay, path, method):
    request = urllib.request.Request(f"http://127.0.0.1:{relay.web}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_looking_at_the_page_changes_nothing(shared_relay, client):
    path, _ = links(shared_relay, client, "person11@example.test")

    assert [asked(shared_relay, path, method) for method in ("GET", "HEAD")] == [200, 200]
    assert asked(shared_relay, path, "OPTIONS") < 500
    assert send(client, NEWS, ["person11@example.test"])[-1] == OK


def test_one_click_works_at_the_very_next_rcpt_and_says_the_same_when_repeated(shared_relay, client):
    path, _ = links(shared_relay, client, "person12@example.test")

    first = shared_relay.http(path, b"List-Unsubscribe=One-Click")
    refused = send(client, NEWS, ["person12@example.test"])[-1]
    again = shared_relay.http(path, b"List-Unsubscribe=One-Click")

    assert (first[0], again[0]) == (200, 200)
    assert rule(refused) == WITHDRAWN
    (event,) = shared_relay.events("--event", "unsubscribe", "--recipient", "person12@example.test")
    assert event["account"] == "acme"


def test_one_click_is_taken_as_a_form_with_parts_too(shared_relay, client):
    path, _ = links(shared_relay, client, "person13@example.test")
    body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    request = urllib.request.Request(f"http://127.0.0.1:{shared_relay.web}{path}", body)
    request.add_header("Content-Type", "multipart/form-data; boundary=b")

    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
        assert answer.headers["Set-Cookie"] is None

    assert rule(send(client, NEWS, ["person13@example.test"])[-1]) == WITHDRAWN


def test_a_mail_to_the_opt_out_address_works_at_the_very_next_rcpt(shared_relay, client):
    _, mailto = links(shared_relay, client, "person14@example.test")

    assert intake(shared_relay, mailto.upper())[-1].startswith("250 ")

    assert rule(send(client, NEWS, ["person14@example.test"])[-1]) == WITHDRAWN


def test_an_opt_out_of_one_list_leaves_the_other(shared_relay, client):
    person = "person15@example.test"
    path, _ = links(shared_relay, client, person, "XLIST=offers")

    assert shared_relay.http(path, b"List-Unsubscribe=One-Click")[0] == 200

    assert rule(send(client, NEWS, [person], options=["XLIST=offers"])[-1]) == WITHDRAWN
    assert send(client, NEWS, [person], options=["XLIST=news"])[-1] == OK
    # No list named: a withdrawal from any of them counts.
    assert rule(send(client, NEWS, [person])[-1]) == WITHDRAWN


def test_no_import_lifts_an_opt_out(shared_relay, client):
    path, _ = links(shared_relay, client, "person16@example.test")
    shared_relay.http(path, b"List-Unsubscribe=One-Click")

    shared_relay.subscribe("person16@example.test", days=0)

    assert rule(send(client, NEWS, ["person16@example.test"])[-1]) == WITHDRAWN


def test_forged_links_get_one_and_the_same_404_and_change_nothing(shared_relay, client):
    path, mailto = links(shared_relay, client, "person17@example.test")
    token, _, query = path.partition("?")
    swapped = token[:-20] + ("A" if token[-20] != "A" else "B") + token[-19:]
    forged = [swapped, token[:-1], token + "A", "/u/nothing", token.upper()]

    answers = {shared_relay.http(f"{one}?{query}", b"List-Unsubscribe=One-Click") for one in forged}

    assert {status for status, _ in answers} == {404}
    assert len(answers) == 1
    local, _, domain = mailto.partition("@")
    other = local[:-5] + ("a" if local[-5] != "a" else "b") + local[-4:]
    assert intake(shared_relay, f"{other}@{domain}")[1].startswith("550 5.1.1 ")
    assert send(client, NEWS, ["person17@example.test"])[-1] == OK


def test_a_copy_s_reverse_path_is_no_opt_out_address(shared_relay, client):
    ref = accepted(send(client, NEWS, ["person18@example.test"], message())[-1])
    (copy,) = shared_relay.copies(ref, 1)

    intake(shared_relay, copy["Return-Path"].strip("<>"))

    assert send(client, NEWS, ["person18@example.test"])[-1] == OK


@pytest.mark.parametrize("local", ["abuse", "postmaster", "fbl", "no-reply"])
def test_intake_takes_mail_for_the_platform_s_own_addresses(shared_relay, local):
    assert intake(shared_relay, f"{local}@b.relay.localhost")[-1].startswith("250 ")


@pytest.mark.parametrize("address", ["anybody@b.relay.localhost", "anne@example.test", "abuse@elsewhere.test"])
def test_intake_relays_nothing(shared_relay, address):
    assert intake(shared_relay, address)[1].startswith("550 5.1.1 ")


def intake(relay, recipient):
    """Every reply to a request mailed to this address, from nobody as mail programs' robots do."""
    with smtplib.SMTP("127.0.0.1", relay.intake, timeout=60) as session:
        return send(session, "", [recipient], b"From: person@example.test\r\nSubject: unsubscribe\r\n\r\n\r\n")
