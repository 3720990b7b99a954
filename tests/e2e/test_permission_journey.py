"""A permission from asking to taking it back, every way there is, on each store: refused at the next RCPT."""

import re
import signal
import smtplib
import time

import pytest
from dialog import accepted, rule, send
from reading_mail import form, gmail_posts, link_in, mailbox, opt_out_of, path_of, sign_up
from running import message

NEWS, CLUB = "news@acme.test", ["XLIST=club"]
UNCONFIRMED, WITHDRAWN = "550 5.7.1 consent.unconfirmed", "550 5.7.1 consent.withdrawn"
OK = "250 2.1.5 recipient ok"


@pytest.fixture(scope="module")
def client(shared_relay):
    with shared_relay.bulk_session() as session:
        yield session


def confirmed(relay, client, person):
    """Through the form and the mail to a yes; the copy of a first campaign."""
    assert sign_up(relay, "/s/acme/club?l=en", person)[0] == 200
    assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == UNCONFIRMED
    (letter,) = mailbox(relay, person)
    link = path_of(link_in(letter, "c"))
    assert relay.http(link)[0] == 200
    assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == UNCONFIRMED
    assert relay.http(link, form(choice="confirm"))[0] == 200
    ref = accepted(send(client, NEWS, [person], message(), options=CLUB)[-1])
    (copy,) = relay.copies(ref, 1)
    return copy


def test_signed_up_confirmed_written_to_and_out_by_one_click_as_gmail_sends_it(shared_relay, client):
    person = "gmail-reader@example.test"
    link, _ = opt_out_of(confirmed(shared_relay, client, person))

    answers = [gmail_posts(shared_relay, link) for _ in range(2)]

    assert [(status, cookie) for status, _, cookie in answers] == [(200, None)] * 2
    assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == WITHDRAWN
    shown = shared_relay.json("subscriber", "show", "acme", person)
    assert shown["withdraw_method"] == "one-click"
    assert shown["request_ip"] == shown["confirm_ip"] == "127.0.0.1"
    assert shown["wording"].startswith("Yes, I want to receive email from Acme")
    assert [one["event"] for one in shown["events"]] == ["requested", "confirmed", "withdrawn"]


def test_signed_up_confirmed_written_to_and_out_by_mail(shared_relay, client):
    person = "mailto-reader@example.test"
    _, mailto = opt_out_of(confirmed(shared_relay, client, person))

    written(shared_relay, person, mailto, "unsubscribe", "")

    assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == WITHDRAWN
    assert shared_relay.json("subscriber", "show", "acme", person)["withdraw_method"] == "mailto"


def test_signed_up_confirmed_written_to_and_out_by_an_answer(shared_relay, client):
    person = "answering-reader@example.test"
    copy = confirmed(shared_relay, client, person)
    written(shared_relay, person, str(copy["Return-Path"]).strip("<>"), "Re: News", "Thank you!\n")
    assert send(client, NEWS, [person], options=CLUB)[-1] == OK

    written(
        shared_relay, person, str(copy["Return-Path"]).strip("<>"), "Re: News", "STOP\n\nOn Monday Acme wrote:\n> x\n"
    )

    assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == WITHDRAWN
    assert shared_relay.json("subscriber", "show", "acme", person)["withdraw_method"] == "reply"


def test_my_own_page_stops_every_sender_at_the_next_rcpt(shared_relay, client):
    person = "mine@example.test"
    confirmed(shared_relay, client, person)
    assert sign_up(shared_relay, "/me?l=en", person)[0] == 200
    link = path_of(link_in(mailbox(shared_relay, person, 3)[-1], "me"))
    assert send(client, NEWS, [person], options=CLUB)[-1] == OK

    assert shared_relay.http(link, form(choice="everyone"))[0] == 200

    assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == WITHDRAWN
    listed = shared_relay.json("suppress", "list", "acme", person)
    assert [one["way"] for one in listed] == ["page"]


def test_who_did_not_ask_is_asked_nothing_more_and_the_relay_says_so_to_staff(shared_relay, client):
    person = "nobody-asked-me@example.test"
    sign_up(shared_relay, "/s/acme/club?l=id", person)
    (letter,) = mailbox(shared_relay, person)
    assert letter["Subject"] == "Mohon konfirmasi: club"
    assert "Saya tidak memintanya" in shared_relay.http(path_of(link_in(letter, "c")))[1]

    assert shared_relay.http(path_of(link_in(letter, "c")), form(choice="decline"))[0] == 200

    again = shared_relay.command("subscriber", "ask", "acme", "club", person)
    assert (again.returncode, again.stdout) == (1, "")
    assert "90 days" in again.stderr
    assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == WITHDRAWN
    assert len(mailbox(shared_relay, person)) == 1


def test_staff_ask_by_the_command_line_and_the_person_confirms(shared_relay, client):
    person = "invited@example.test"
    added = shared_relay.json("subscriber", "add", "acme", "club", person, "--source", "trade fair")
    assert (added["status"], added["confirmation"]) == ("pending", "sent")
    (letter,) = mailbox(shared_relay, person)

    assert shared_relay.http(path_of(link_in(letter, "c")), form(choice="confirm"))[0] == 200

    assert send(client, NEWS, [person], options=CLUB)[-1] == OK


def test_the_letter_is_the_platforms_own(shared_relay):
    person = "letter@example.test"
    shared_relay.json("subscriber", "add", "acme", "club", person, "--language", "id")
    (letter,) = mailbox(shared_relay, person)

    assert str(letter["From"]) == "Acme via Demo Platform <no-reply@b.relay.localhost>"
    assert str(letter["Reply-To"]) == "owner@acme.test"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<o-[a-z2-7]{61,62}@b\.relay\.localhost>", str(letter["Return-Path"]))
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    assert "d=b.relay.localhost" in str(letter["DKIM-Signature"])
    assert person not in str(link_in(letter, "c"))


def test_what_an_export_says_follows_the_opt_out(shared_relay, client):
    person = "exported@example.test"
    link, _ = opt_out_of(confirmed(shared_relay, client, person))
    gmail_posts(shared_relay, link)

    head, *rows = (line.split(",") for line in shared_relay.here("list", "export", "acme", "club").splitlines())
    (row,) = (dict(zip(head, one, strict=False)) for one in rows if one[0] == person)

    assert row["status"] == "opted-out"
    assert row["withdraw_method"] == "one-click"
    assert row["withdrawn_at"].startswith(f"{time.gmtime().tm_year}-")


def test_a_link_outlives_the_key_that_signed_it(own_relay):
    relay = own_relay()
    relay.start()
    with relay.bulk_session() as client:
        ref = accepted(send(client, NEWS, ["anne@example.test"], message())[-1])
        (copy,) = relay.copies(ref, 1)
        relay.here("keys", "rotate")
        relay.process.send_signal(signal.SIGHUP)
        assert relay.lines(1, event="service.reloaded")
        later = accepted(send(client, NEWS, ["budi@example.test"], message())[-1])
        (new,) = relay.copies(later, 1)

        assert [gmail_posts(relay, opt_out_of(one)[0])[0] for one in (copy, new)] == [200, 200]
        refused = send(client, NEWS, ["anne@example.test", "budi@example.test"])[1:]
    assert [rule(one) for one in refused] == [WITHDRAWN] * 2


def test_a_copy_still_queued_is_not_sent_after_one_click(own_relay):
    person = "anne@example.test"
    relay = own_relay(settings="[delivery]\nretry_first = 0.5\nretry_max = 0.5\n")
    relay.start()
    with relay.login() as client:
        (copy,) = relay.copies(accepted(send(client, NEWS, [person], message())[-1]), 1)
        relay.outbox.rename(relay.folder / "away")
        relay.outbox.touch()  # the smarthost is away: a file where its folder was
        queued = send(client, NEWS, [person], message("Later"))[-1]
        assert re.match(r"250 2\.0\.0 \S+ queued", queued), queued

        assert gmail_posts(relay, opt_out_of(copy)[0])[0] == 200
        relay.outbox.unlink()
        (relay.folder / "away").rename(relay.outbox)

    (line,) = relay.lines(1, seconds=30, event="delivery.failed", ref=queued.split()[2])
    assert (line["state"], "opted-out" in line["error"]) == ("cancelled", True)
    assert len(mailbox(relay, person)) == 1


def written(relay, person, to, subject, body):
    """A person writes to one of our addresses."""
    octets = (
        f"From: {person}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n".encode() + body.replace("\n", "\r\n").encode()
    )
    with smtplib.SMTP("127.0.0.1", relay.intake, timeout=60) as session:
        assert send(session, person, [to], octets)[-1].startswith("250 ")
