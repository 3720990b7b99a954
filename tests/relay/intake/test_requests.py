"""What an answer asks for: only its writer's own words count, and robots ask for nothing (clause 5.6)."""

from __future__ import annotations

import time

import pytest

from relay.intake.requests import asks_to_stop


def answer(body: str, subject: str = "Re: How to stop receiving spam", *fields: str) -> bytes:
    head = "\r\n".join(["From: anne@example.com", f"Subject: {subject}", *fields])
    return f"{head}\r\n\r\n".encode() + body.replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    "body",
    [
        "STOP\n",
        "Stop.\n\nSent from my phone\n",
        "Please unsubscribe me from this list. Thanks, Anne\n",
        "Tolong hentikan email ini\n",
        "berhenti berlangganan",
        "UNREG",
        "Bitte abmelden\nDanke\n",
        "> News of the week\n\nremove me please\n",
        "Unsubscribe\n\n-----Original Message-----\nFrom: Acme <news@acme.test>\n\nHello\n",
    ],
)
def test_words_that_ask_for_no_more_are_understood(body: str) -> None:
    assert asks_to_stop(answer(body))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Lovely, thank you!\n",
        "How can I stop my washing machine?\n",
        "Nice.\n\nOn Mon, 2 Mar 2026 at 10:00, Acme <news@acme.test> wrote:\n> To unsubscribe click here\n",
        "Terima kasih\n\nPada Sen, 2 Mar 2026 Acme menulis:\n\nBerhenti berlangganan: http://x\n",
        "Nice.\n\nFrom: Acme <news@acme.test>\nSent: Monday\n\nunsubscribe\n",
        "Hello\n-- \nAnne\nTo unsubscribe from my list, write STOP\n",
        "Your dog is a story of its own. " * 12 + "I wanted to unsubscribe once, long ago.\n",
    ],
)
def test_other_words_and_quoted_ones_are_not(body: str) -> None:
    assert not asks_to_stop(answer(body))


@pytest.mark.parametrize(
    ("subject", "asks"),
    [
        ("unsubscribe", True),
        ("STOP", True),
        ("=?utf-8?q?berhenti_berlangganan?=", True),
        ("Re: unsubscribe from noise, a novel", False),
        ("AW: Stop receiving spam", False),
        ("Fwd: unsubscribe", False),
        ("Your invoice", False),
    ],
)
def test_a_subject_counts_where_it_is_the_writer_s_own(subject: str, asks: bool) -> None:
    assert asks_to_stop(answer("Hello\n", subject)) is asks


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (vacation)",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "X-Failed-Recipients: bob@example.com",
        "List-Id: <talk.example.org>",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    ],
)
def test_robots_ask_for_nothing(field: str) -> None:
    assert not asks_to_stop(answer("unsubscribe\n", "unsubscribe", field))


def test_a_person_who_says_so_in_the_fields_is_no_robot() -> None:
    assert asks_to_stop(answer("unsubscribe\n", "Re: News", "Auto-Submitted: no"))


HTML = "Content-Type: text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("body", "asks"),
    [
        ("<p>Please&nbsp;unsubscribe me</p><blockquote><p>News</p></blockquote>", True),
        ("<div>Thanks!</div><blockquote><a href='x'>Unsubscribe</a></blockquote>", False),
        ("<style>stop {}</style><div>Thanks</div>", False),
        ("<div>STOP</div><div>Anne</div>", True),
    ],
)
def test_html_is_read_as_people_see_it(body: str, asks: bool) -> None:
    assert asks_to_stop(answer(body, "Re: News", HTML)) is asks


@pytest.mark.parametrize("piece", ["<style", "<a ", "<div>", "<blockquote>", "On ", "&lt;", "> ", "- -", "<!--"])
def test_no_mail_takes_long_to_read(piece: str) -> None:
    started = time.perf_counter()
    asks_to_stop(answer(piece * (65_536 // len(piece)), "Re: News", HTML))
    asks_to_stop(answer(piece * (65_536 // len(piece))))

    assert time.perf_counter() - started < 1.0
