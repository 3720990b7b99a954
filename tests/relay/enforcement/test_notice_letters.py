"""What owners read: both letters, both languages, nothing in clear that is somebody else's address."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest
from bs4 import BeautifulSoup

from config.schema import Platform
from policies.facts import Standing
from policies.guidance import GUIDANCE
from relay.enforcement.notice_letters import MAX_RECIPIENTS, Letters
from relay.enforcement.notice_texts import TEXTS
from relay.ports import RefusalRow
from relay.ports.notices import Owner, Recipients, RuleSummary, Told

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = NOON + timedelta(hours=19)
REF, OTHER = "01KB0000000000000000000000", "01KB0000000000000000000001"
REPLY = f"550 5.7.1 consent.missing: bob@example.org has not given acme permission [{REF}] https://x.test/r/{REF}.m"
ROW = RefusalRow(REF, NOON, "consent.missing", "3.1", REPLY, ("bob@example.org",))
OWNER = Owner(7, "acme", "Acme & <Söhne>", "owner@acme.test", "US", Standing.ACTIVE)
PLATFORM = Platform(name="Pos & Surat", public_url="https://policy.test/", timezone="Asia/Jakarta")
LETTERS = Letters(PLATFORM, lambda ref: f"https://policy.test/r/{ref}.mac", 7)
TOLD = Told(7, 1, NOON - timedelta(days=1), NOON, END, first_ref=OTHER)


def summary(**changes: object) -> RuleSummary:
    most = (Recipients("bob@example.org", 3, REF), Recipients("eve@example.net", 1, OTHER))
    return replace(RuleSummary("consent.missing", 1204, 7, ROW, most), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("country", ["US", "ID"])
def test_the_first_letter_says_what_why_and_what_to_do(country):
    language = {"US": "en", "ID": "id"}[country]
    letter = LETTERS.first(replace(OWNER, country=country), ROW)
    asks, mend = GUIDANCE["consent.missing"].in_language(language)
    seen = BeautifulSoup(letter.html, "lxml")

    assert seen.html is not None
    assert (letter.language, seen.html["lang"]) == (language, language)
    for body in (letter.text, seen.get_text()):
        assert "B••@e••••••.org has not given acme permission" in body or "b••@e••••••.org has not" in body
        assert asks in body
        assert mend in body
        assert "2026-03-01 19:00 WIB" in body
        assert "policy@relay.localhost" in body
        assert REF in body
        assert "bob@" not in body
    links = [one["href"] for one in seen.find_all("a")]
    wanted = [
        f"https://policy.test/r/{REF}.mac?l={language}",
        f"https://policy.test/help/consent.missing?l={language}",
    ]
    assert links == wanted
    assert all(link in letter.text for link in wanted)


def test_the_first_letter_names_ten_recipients_and_counts_the_rest():
    many = replace(ROW, recipients=tuple(f"person{number}@example.org" for number in range(25)))
    letter = LETTERS.first(OWNER, many)

    assert letter.text.count("@e••••••.org\n") == MAX_RECIPIENTS
    assert "and 15 more" in letter.text


def test_the_digest_counts_by_rule_and_links_each_refusal():
    malformed = replace(ROW, ref=OTHER, rule="message.malformed", reply="550 5.5.2 message.malformed: a bare LF")
    rules = [summary(), RuleSummary("message.malformed", 1, 0, malformed)]
    letter = LETTERS.digest(OWNER, TOLD, END, rules)
    assert "1.204 penolakan, 7 penerima" in LETTERS.digest(replace(OWNER, country="ID"), TOLD, END, rules).text

    assert letter.subject == "acme: 1,205 refusals up to 2026-03-02 14:00 WIB"
    assert "From 2026-03-01 19:00 WIB to 2026-03-02 14:00 WIB" in letter.text
    assert "consent.missing - 1,204 refusals, 7 recipients" in letter.text
    assert "message.malformed - 1 refusal ==" in letter.text
    assert "b••@e••••••.org (3 times)" in letter.text
    assert "e••@e••••••.net (once)" in letter.text
    assert "and 5 more" in letter.text
    links = [one["href"] for one in BeautifulSoup(letter.html, "lxml").find_all("a")]
    assert links.count(f"https://policy.test/r/{OTHER}.mac?l=en") == 2
    assert "https://policy.test/help/message.malformed?l=en" in links


def test_what_accounts_and_clients_wrote_is_no_markup():
    row = replace(ROW, reply="550 5.7.1 consent.missing: <img src=x> is refused")
    letter = LETTERS.first(OWNER, row)

    assert "<img" not in letter.html
    assert "Acme &amp; &lt;Söhne&gt;" in letter.html
    assert "Acme & <Söhne>" in letter.text


def test_the_html_fetches_nothing_and_runs_nothing():
    seen = BeautifulSoup(LETTERS.digest(OWNER, TOLD, END, [summary()]).html, "lxml")

    assert not seen.find_all(["script", "img", "link", "iframe", "form"])
    assert len(seen.find_all("h1")) == 1
    assert all(one.get_text(strip=True) for one in seen.find_all("a"))


def test_a_contact_that_is_a_page_is_no_address_to_answer_to():
    letters = replace(LETTERS, platform=replace(PLATFORM, contact="https://policy.test/ask", mail_domain="b.test"))

    assert LETTERS.first(OWNER, ROW).reply_to == "policy@relay.localhost"
    assert letters.first(OWNER, ROW).reply_to == "postmaster@b.test"


def test_a_rule_of_an_older_release_is_told_of_too():
    letter = LETTERS.first(OWNER, replace(ROW, rule="gone.rule", reply="550 5.7.1 gone.rule: no"))

    assert "What to do" not in letter.text
    assert "gone.rule" in letter.subject


def test_both_languages_say_the_same_things():
    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert {name: blanks(text) for name, text in TEXTS["en"].items()} == {
        name: blanks(text) for name, text in TEXTS["id"].items()
    }
