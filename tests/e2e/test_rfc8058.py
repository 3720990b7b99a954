"""RFC 8058's MUSTs, one by one, on a copy as the smarthost gets it and on the endpoint as providers call it."""

import http.client
import re

import dkim
import pytest
from dialog import accepted, rule, send
from reading_mail import ONE_CLICK, opt_out_of, path_of
from running import message

from relay.adapters.dkim_keys import KeyDirectory

NEWS = "news@acme.test"
FORGED = b"List-Unsubscribe: <https://evil.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=Two-Click\r\n"
WITHDRAWN = "550 5.7.1 consent.withdrawn"
PARTS = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'


@pytest.fixture(scope="module")
def client(shared_relay):
    with shared_relay.bulk_session() as session:
        yield session


@pytest.fixture(scope="module")
def octets(shared_relay, client):
    """A copy whose sender wrote list fields of their own."""
    ref = accepted(send(client, NEWS, ["person31@example.test"], FORGED + message(), options=["XLIST=news"])[-1])
    assert shared_relay.copies(ref, 1)
    (copy,) = shared_relay.outgoing()[ref]
    return copy


@pytest.fixture(scope="module")
def header(octets):
    """Name and unfolded value of every field, in order."""
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", octets.partition(b"\r\n\r\n")[0]).decode("ascii")
    return [
        (name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in unfolded.split("\r\n"))
    ]


def values(header, name):
    return [value for one, value in header if one == name]


def link_for(relay, client, person):
    ref = accepted(send(client, NEWS, [person], message(), options=["XLIST=news"])[-1])
    (copy,) = relay.copies(ref, 1)
    return path_of(opt_out_of(copy)[0])


def posted(relay, path, body=ONE_CLICK, kind="application/x-www-form-urlencoded", **fields):
    """The bare answer to one POST with nothing but what is said here: no cookie, no login, nothing followed."""
    connection = http.client.HTTPConnection("127.0.0.1", relay.web, timeout=20)
    connection.request("POST", path, body, {"Content-Type": kind, **fields})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


# ---------------------------------------------------------------- §3.1, the sender


def test_3_1_a_message_has_both_fields_each_exactly_once(header):
    assert len(values(header, "list-unsubscribe")) == 1
    assert len(values(header, "list-unsubscribe-post")) == 1


def test_3_1_list_unsubscribe_has_one_https_uri_and_may_have_others(header):
    uris = re.findall(r"<([^>]+)>", values(header, "list-unsubscribe")[0])

    assert [uri.partition(":")[0] for uri in uris] == ["http", "mailto"]  # plain http on this machine's loopback only


def test_3_1_list_unsubscribe_post_has_the_one_pair_and_nothing_else(header):
    assert values(header, "list-unsubscribe-post") == ["List-Unsubscribe=One-Click"]


def test_3_1_the_uri_tells_recipient_and_list_by_itself(shared_relay, client):
    path = link_for(shared_relay, client, "person32@example.test")

    assert posted(shared_relay, path).status == 200
    refused = send(client, NEWS, ["person32@example.test"], options=["XLIST=news"])[-1]
    assert rule(refused) == WITHDRAWN
    assert send(client, NEWS, ["person31@example.test"], options=["XLIST=news"])[-1].startswith("250 ")


def test_3_1_the_uri_is_opaque_and_hard_to_forge(header):
    (url,) = re.findall(r"<(http[^>]+)>", values(header, "list-unsubscribe")[0])

    assert re.search(r"/u/[A-Za-z0-9_-]{59}$", url)  # 128 bits of HMAC-SHA-256 in it
    assert "person31" not in url


# ---------------------------------------------------------------- §3.1 and §4, signed


def test_4_a_valid_signature_covers_both_fields(shared_relay, octets, header):
    keys = KeyDirectory(shared_relay.folder / "var" / "dkim")
    records = {one.record_name: keys.record(one.domain, one.selector) for one in keys.stored()}

    def txt(name, timeout=5):
        return records[name.decode().rstrip(".")].encode()

    signatures = values(header, "dkim-signature")
    assert {re.search(r"d=([^;]+);", one)[1] for one in signatures} == {"acme.test", "b.relay.localhost"}
    for place, one in enumerate(signatures):
        signed = re.search(r"\bh=([^;]+);", one)[1].replace(" ", "").split(":")
        assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(signed)
        assert dkim.DKIM(octets).verify(place, dnsfunc=txt)


# ---------------------------------------------------------------- §3.2, the endpoint


@pytest.mark.parametrize(
    ("body", "kind"),
    [(ONE_CLICK, "application/x-www-form-urlencoded"), (PARTS, "multipart/form-data; boundary=b")],
    ids=["urlencoded", "multipart"],
)
def test_3_2_both_encodings_of_the_pair_are_taken(shared_relay, client, body, kind):
    person = f"person{33 if kind.startswith('app') else 34}@example.test"

    assert posted(shared_relay, link_for(shared_relay, client, person), body, kind).status == 200

    assert rule(send(client, NEWS, [person], options=["XLIST=news"])[-1]) == WITHDRAWN


def test_3_2_no_redirect_no_cookie_no_login_no_other_context(shared_relay, client):
    answer = posted(shared_relay, link_for(shared_relay, client, "person35@example.test"))

    assert answer.status == 200
    for name in ("Location", "Set-Cookie", "WWW-Authenticate", "Refresh"):
        assert answer.getheader(name) is None


def test_3_2_a_cookie_or_referrer_that_comes_along_changes_nothing(shared_relay, client):
    path = link_for(shared_relay, client, "person36@example.test")
    fields = {"Cookie": "session=stolen", "Referer": "https://evil.example/", "Origin": "https://evil.example"}

    assert posted(shared_relay, path, **fields).status == 200


def test_3_2_get_at_the_same_uri_changes_nothing(shared_relay, client):
    path = link_for(shared_relay, client, "person37@example.test")

    for _ in range(5):
        assert shared_relay.http(path)[0] == 200

    assert send(client, NEWS, ["person37@example.test"], options=["XLIST=news"])[-1].startswith("250 ")


def test_a_link_used_once_answers_200_a_hundred_times_more(shared_relay, client):
    path = link_for(shared_relay, client, "person38@example.test")

    assert {posted(shared_relay, path).status for _ in range(101)} == {200}

    assert len(shared_relay.events("--event", "unsubscribe", "--recipient", "person38@example.test")) == 1
