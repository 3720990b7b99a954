"""Text parts: opt-out URLs and the address in the last paragraphs (clauses 5.1, 5.4)."""

import time

import pytest

from policies.facts import FooterIdentity
from relay.message.postal_address import RegisteredAddress
from relay.message.text import TextReading, read_text

FOOTER = FooterIdentity("Acme Foods", "12 Orchard Lane\nSpringfield, IL 62701")
ADDRESS = RegisteredAddress(FOOTER.postal_address)
STORY = "Dear Anne,\r\n\r\nour apples are ripe. Read more: https://acme.test/apples\r\n\r\n"
URL = "https://acme.test/o/1"


def read(text: str, public_url: str = "", delsp: bool = False) -> TextReading:
    return read_text(text, FOOTER, ADDRESS, public_url, delsp)


SEEN = {
    "same line": f"Unsubscribe: {URL}\r\n",
    "sentence": f"If you no longer wish to receive these mails, go to {URL}.\r\n",
    "wrapped sentence": f"If you no longer wish to receive\r\nthese mails, go to\r\n{URL}\r\n",
    "next paragraph": f"To unsubscribe, visit:\r\n\r\n{URL}\r\n",
    "said after": f"{URL} to unsubscribe\r\n",
    "in angle brackets": f"Unsubscribe <{URL}>\r\n",
    "markdown": f"[Unsubscribe]({URL})\r\n",
    "in parentheses": f"(unsubscribe: {URL})\r\n",
    "after a rule": f"-- \r\n________\r\nUnsubscribe {URL}\r\n",
    "address below": f"Unsubscribe: {URL}\r\n\r\nAcme Foods\r\n12 Orchard Lane\r\nSpringfield, IL 62701\r\n",
    "copyright below": f"Unsubscribe: {URL}\r\n\r\n(c) 2026 Acme Foods. All rights reserved.\r\n",
    "privacy beside": f"Unsubscribe: {URL} | Privacy policy: https://acme.test/privacy\r\n",
    "privacy first": f"Privacy policy: https://acme.test/privacy\r\nUnsubscribe: {URL}\r\n",
    "Indonesian": f"Untuk berhenti berlangganan klik {URL}\r\n",
    "German": f"Newsletter abbestellen: {URL}\r\n",
    "Japanese": f"配信停止: {URL}\r\n",
}


@pytest.mark.parametrize("name", SEEN)
def test_an_opt_out_url_at_the_bottom_is_found(name):
    text = STORY + SEEN[name]
    links = read(text).bottom

    assert [text[link.start : link.end] for link in links] == [URL]


UNSEEN = {
    "no wording": STORY + f"See {URL}\r\n",
    "above content": f"Unsubscribe: {URL}\r\n\r\n"
    + STORY
    + "See you on Monday at the market, bring your friends.\r\n",
    "quoted": STORY + f"> Unsubscribe: {URL}\r\n",
    "above a signature": STORY + f"Unsubscribe: {URL}\r\n\r\nAnne and the whole team wish you a nice week\r\n",
    "not a URL": STORY + "Unsubscribe by phone\r\n",
    "said of something else": STORY + f"Unsubscribe by phone.\r\nOur shop: {URL}\r\n",
    "an offer after it": STORY + f"Unsubscribe: {URL}\r\n\r\nOrder now and save 20%!\r\n",
    "broken over two lines": STORY + "Unsubscribe:\r\nhttps://acme.test/o/" + "x" * 60 + "\r\nyyyyyyyy\r\n",
}


@pytest.mark.parametrize("name", UNSEEN)
def test_in_doubt_no_url_is_taken_for_the_opt_out_link(name):
    assert read(UNSEEN[name]).bottom == []


@pytest.mark.parametrize(
    "mark",
    ["{{unsubscribe_url}}", "%unsubscribe_url%", "*|UNSUB|*", "<%asm_group_unsubscribe_raw_url%>",
     "{{{pm:unsubscribe}}}", "{{amazonSESUnsubscribeUrl}}", "{{ UnsubscribeURL }}", "[unsubscribe]"],
)  # fmt: skip
def test_a_placeholder_at_the_bottom_counts_whatever_stands_around_it(mark):
    text = f"{STORY}No more mails: {mark}\r\n"
    links = read(text).bottom

    assert [(text[link.start : link.end], link.placeholder) for link in links] == [(mark, True)]


def test_a_placeholder_within_a_url_takes_the_url_with_it():
    text = STORY + "Unsubscribe: http://{{unsubscribe_url}}\r\n"

    assert [link.url for link in read(text).bottom] == ["http://{{unsubscribe_url}}"]


def test_a_link_of_ours_counts_whatever_stands_around_it():
    text = STORY + "No thanks: https://relay.test/u/TOKEN\r\n"

    assert [link.url for link in read(text, "https://relay.test/u/").bottom] == ["https://relay.test/u/TOKEN"]


def test_urls_that_say_so_are_rewritten_further_up_too():
    text = f"https://acme.test/unsubscribe/1\r\n\r\n{STORY}We wish you a nice week.\r\n"
    reading = read(text)

    assert (reading.bottom, [link.url for link in reading.above]) == ([], ["https://acme.test/unsubscribe/1"])


@pytest.mark.parametrize("text", [f"Unsubscribe: {URL} \r\n23\r\n", f"https://x.test/ \r\n{URL}/unsubscribe\r\n"])
def test_with_delsp_a_url_may_stand_in_pieces_and_is_left_alone(text):
    reading = read(f"{STORY}{text}", delsp=True)

    assert (reading.bottom, reading.above) == ([], [])


def test_with_delsp_a_url_in_one_piece_is_a_link():
    assert [link.url for link in read(f"{STORY}Unsubscribe: \r\n {URL}\r\n", delsp=True).bottom] == [URL]


def test_the_address_is_found_in_the_footer_and_not_far_above():
    footer = "Acme Foods, 12 Orchard Ln, Springfield, IL 62701\r\n"

    assert read(STORY + footer).address.exact
    assert read(footer + "Apples are ripe.\r\n" * 400).address is None


def test_twice_the_text_takes_at_most_about_twice_the_time():
    def fastest(text: str) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            read(text)
            times.append(time.perf_counter() - start)
        return min(times)

    for piece in ("unsubscribe ", "https://a.test/unsubscribe ", "(", "> ", "{{", "\r\n\r\n", "www.a", "1 Main St "):
        assert fastest(piece * 40_000) < 12 * fastest(piece * 10_000) + 0.005
