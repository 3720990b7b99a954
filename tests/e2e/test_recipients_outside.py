"""Who may be mailed, seen from a client: each RCPT has its own reply, its own REF, its own page (clauses 2.3-6.3)."""

import pytest
from dialog import accepted, line, refusal, rule, send
from running import message

NEWS = "news@acme.test"


@pytest.fixture(scope="module")
def client(shared_relay):
    with shared_relay.login() as session:
        yield session


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("stranger@example.test", "550 5.7.1 consent.missing"),
        ("old@example.test", "550 5.7.1 consent.expired"),
        ("info@example.test", "550 5.7.1 address.role"),
        ("unsure@example.test", "550 5.7.1 consent.unconfirmed"),
        ("undated@example.test", "550 5.7.1 consent.missing"),
        ("tomorrow@example.test", "550 5.7.1 consent.missing"),
        ("gone@example.test", "550 5.7.1 consent.withdrawn"),
    ],
)
def test_whoever_may_not_be_mailed_is_refused_at_rcpt_by_the_rule_that_knows_why(client, recipient, expected):
    assert rule(send(client, NEWS, [recipient])[-1]) == expected


def test_a_refusal_has_one_form_a_page_and_an_explanation(shared_relay, client):
    reply = send(client, NEWS, ["stranger@example.test"])[-1]
    parts = refusal(reply)

    shared_relay.events("--ref", parts["ref"])
    told = shared_relay.json("explain", parts["ref"])
    status, page = shared_relay.http(parts["path"])

    assert (told["rule"], told["clause"], told["reply"]) == ("consent.missing", "3.1", reply)
    assert told["what_to_do"]
    assert told["title"]
    assert status == 200
    assert "consent.missing" in page
    assert "stranger@example.test" not in page, "recipients are masked"
    assert shared_relay.http("/help/consent.missing")[0] == 200


def test_the_explanation_takes_a_whole_reply_and_shows_it_to_people(shared_relay, client):
    reply = send(client, NEWS, ["old@example.test"])[-1]
    shared_relay.events("--ref", refusal(reply)["ref"])

    shown = shared_relay.relay("explain", reply)

    for expected in (reply, "consent.expired", "3.4", "what to do"):
        assert expected in shown


def test_explaining_what_nobody_knows_exits_1(shared_relay):
    done = shared_relay.command("explain", "01ARZ3NDEKTSV4RRFFQ69G5FAV")

    assert (done.returncode, done.stdout) == (1, "")
    assert "01ARZ3NDEKTSV4RRFFQ69G5FAV" in done.stderr


def test_a_page_name_that_was_not_ours_is_not_found(shared_relay, client):
    path = refusal(send(client, NEWS, ["stranger@example.test"])[-1])["path"]

    assert shared_relay.http(path[:-1] + ("a" if path[-1] != "a" else "b"))[0] == 404


def test_each_recipient_gets_one_copy_with_a_token_of_their_own(shared_relay, client):
    people = ["person1@example.test", "person2@example.test", "person3@example.test"]
    replies = send(client, NEWS, [*people, "stranger@example.test"], message())
    ref = accepted(replies[-1])

    copies = shared_relay.copies(ref, 3)

    assert rule(replies[4]) == "550 5.7.1 consent.missing"
    assert len({copy["Return-Path"] for copy in copies}) == 3
    assert len({copy["List-Unsubscribe"] for copy in copies}) == 3
    assert len(copies) == 3


def test_a_recipient_named_twice_gets_one_copy(shared_relay, client):
    replies = send(client, NEWS, ["person1@example.test", "PERSON1@example.TEST"], message())

    assert replies[1] == replies[2] == "250 2.1.5 recipient ok"
    (done,) = shared_relay.events("--ref", accepted(replies[-1]), "--event", "delivery.done")
    assert done["recipient"] == "person1@example.test"
    assert len(shared_relay.copies(accepted(replies[-1]), 1)) == 1


def test_ones_own_addresses_need_no_permission(shared_relay, client):
    replies = send(client, NEWS, ["info@acme.test", "anybody@sub.acme.test", "owner@acme.test"], message())

    assert len(shared_relay.copies(accepted(replies[-1]), 3)) == 3


def test_a_thousand_recipients_are_taken_and_the_next_is_put_off(shared_relay):
    with shared_relay.bulk_session() as bulk:
        bulk.ehlo()
        bulk.mail(NEWS)
        for number in range(0, 1000, 100):
            lines = "".join(f"RCPT TO:<own{number + one}@acme.test>\r\n" for one in range(100))
            bulk.send(lines)
            assert {bulk.getreply()[0] for _ in range(100)} == {250}
        code, text = bulk.rcpt("one-more@acme.test")

    assert (code, text.split()[0]) == (452, b"4.5.3")


def test_a_non_ascii_local_part_is_refused_for_now(client):
    client.ehlo_or_helo_if_needed()
    client.mail(NEWS)
    client.send("RCPT TO:<jürgen@example.test>\r\n".encode())
    code, text = client.getreply()
    client.rset()

    assert (code, text.split()[0]) == (553, b"5.6.7")


def test_smtputf8_is_not_offered(client):
    client.ehlo()

    assert not client.has_extn("smtputf8")
    assert not client.has_extn("chunking")
    assert line(*client.docmd("MAIL", f"FROM:<{NEWS}> SMTPUTF8")).startswith("555 5.5.4 ")


def test_the_longest_address_still_gets_the_whole_form_within_510_octets(client):
    labels = ".".join(["a" * 63, "b" * 63, "c" * 54, "test"])
    reply = send(client, NEWS, [f"{'x' * 64}@{labels}"])[-1]

    assert refusal(reply)["rule"] == "consent.missing"


def test_what_staff_suppress_is_refused_at_once(shared_relay, client):
    person = "person28@example.test"
    shared_relay.here("suppress", "add", "acme", person, "--reason", "asked by phone")
    try:
        refused = send(client, NEWS, [person])[-1]
    finally:
        shared_relay.here("suppress", "remove", "acme", person, "--reason", "a slip")

    assert refusal(refused)["rule"].startswith("consent.")
    assert send(client, NEWS, [person])[-1] == "250 2.1.5 recipient ok"


def test_a_delivered_message_can_be_explained_too(shared_relay, client):
    ref = accepted(send(client, NEWS, ["person29@example.test"], message())[-1])
    shared_relay.events("--ref", ref)

    told = shared_relay.json("explain", ref)

    assert [one["event"] for one in told["events"]] == ["delivery.done"]
    assert told["recipient"] == "person29@example.test"
