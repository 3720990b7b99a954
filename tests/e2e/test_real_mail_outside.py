"""Every message and template of ../shared/data through the real port: accepted whole and with a visible link, or
refused by a named rule; never `internal`, never put off.
"""

import email
import email.policy
import hashlib
import re
import smtplib
from collections import Counter, defaultdict

import pytest
import real_mail
from bs4 import BeautifulSoup
from dialog import ACCEPTED, refusal, send

from policies.facts import FooterIdentity
from relay.message.read import read
from relay.message.scan import scan

NEWS, READER = "news@acme.test", "person30@example.test"
BROKEN = {"message.malformed", "message.opaque", "unsubscribe.link"}
MOST_REFUSED = 0.1
"""Of the messages: what RELIABILITY's table has refused (8-bit or doubled fields, lines over 998 octets, NUL), what
can only be guessed at, pieces of other messages.
"""
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
SIZE = re.compile(r"font-size\s*:\s*([0-9.]+)", re.IGNORECASE)
pytestmark = pytest.mark.skipif(not real_mail.DATA.is_dir(), reason="../shared/data is not there")


class Sweep:
    """A session that is opened anew whenever a refusal ended it."""

    def __init__(self, relay):
        self.relay, self.session = relay, relay.bulk_session()

    def offer(self, octets):
        """The last reply."""
        try:
            reply = send(self.session, NEWS, [READER], octets, options=["BODY=8BITMIME"])[-1]
        except smtplib.SMTPServerDisconnected:
            self.session = self.relay.bulk_session()
            return self.offer(octets)
        return reply


@pytest.fixture(scope="module")
def replies(shared_relay):
    """Material -> reply, for each as it is, then with the account's From."""
    sweep = Sweep(shared_relay)
    messages, templates = list(real_mail.messages()), list(real_mail.templates())
    as_it_is = {one.name: (one, one.octets, sweep.offer(one.octets)) for one in messages}
    own = {one.name: (one, one.of_the_account, sweep.offer(one.of_the_account)) for one in [*messages, *templates]}
    sweep.session.close()
    assert len(messages) > 500
    assert len(templates) > 100
    return as_it_is, own


@pytest.fixture(scope="module")
def copies(shared_relay, replies):
    """(name, octets as offered, the copy that left) of everything accepted."""
    taken = [(one.name, octets, reply.split()[2]) for one, octets, reply in replies[1].values() if reply[0] == "2"]
    for name, _, ref in taken[-1:]:
        assert shared_relay.copies(ref, 1), name
    outgoing = shared_relay.outgoing()
    return [(name, octets, *outgoing[ref]) for name, octets, ref in taken]


def word(reply):
    return "accepted" if ACCEPTED.fullmatch(reply) else refusal(reply)["rule"]


def test_nothing_is_put_off_and_every_refusal_names_its_rule(replies, capsys):
    table = defaultdict(Counter)
    for kind, found in zip(("as it is", "with the account's From"), replies, strict=True):
        for one, _, reply in found.values():
            assert reply[0] in "25", (one.name, reply)
            table[f"{one.kind}, {kind}"][word(reply)] += 1

    with capsys.disabled():
        for title, counts in table.items():
            whole = counts.total()
            print(f"\n{title} ({whole}):", end="")
            for name, count in counts.most_common():
                print(f"  {name} {count} ({count / whole:.1%})", end="")


def test_few_messages_are_refused(replies):
    own = [(one, reply) for one, _, reply in replies[1].values() if one.kind == "mime"]
    refused = [(one.name, reply) for one, reply in own if word(reply) != "accepted"]

    assert {word(reply) for _, reply in refused} <= BROKEN
    assert len(refused) <= MOST_REFUSED * len(own), Counter(refusal(reply)["what"][:60] for _, reply in refused)


def test_every_template_is_accepted(replies):
    assert {one.name: reply for one, _, reply in replies[1].values() if one.kind != "mime" and reply[0] != "2"} == {}


def test_every_accepted_copy_shows_its_link_in_every_displayed_part(shared_relay, copies):
    base = f"http://127.0.0.1:{shared_relay.web}/u/"
    unseen = []
    for name, _, copy in copies:
        reading = read(
            scan(copy), FooterIdentity("Acme", "1 Example Street, Example Town 12345"), public_url=base[:-3]
        )
        unseen += [(name, "no displayed part")] if not reading.displayed else []
        for part in reading.displayed:
            text = part.decoded.decode(part.charset, "replace")
            if not (links(text, base) if part.html else base in text):
                unseen.append((name, part.part.number))

    assert unseen == []


def links(html, base):
    """Links of ours that a reader sees, as far as inline styles tell."""
    found = BeautifulSoup(html, "lxml").select(f'a[href^="{base}"]')
    return [link for link in found if link.get_text(strip=True) and not hidden(link)]


def hidden(link):
    """By an inline style of the link or of what it stands in; the nearest font size is the one that counts."""
    around = [str(one.get("style", "")) for one in [link, *link.parents]]
    inside = [str(one.get("style", "")) for one in link.find_all(True)]
    size = next((float(found[1]) for style in [*inside, *around] if (found := SIZE.search(style))), 12.0)
    return size == 0 or any(HIDDEN.search(style) for style in around)


def test_attachments_and_pictures_arrive_as_they_were(copies):
    changed = [name for name, octets, copy in copies if digests(octets) != digests(copy)]

    assert changed == []


def digests(octets):
    """Of every part that is no text, by the standard library's parser; independent of the relay's own."""
    parts = email.message_from_bytes(octets, policy=email.policy.compat32).walk()
    leaves = [part for part in parts if part.get_content_maintype() not in ("text", "multipart", "message")]
    return Counter(hashlib.sha256(part.get_payload(decode=True) or b"").hexdigest() for part in leaves)


def test_every_copy_has_the_list_fields_and_two_signatures(copies):
    for name, _, copy in copies:
        mail = email.message_from_bytes(copy, policy=email.policy.compat32)
        counts = [len(mail.get_all(field, [])) for field in ("List-Unsubscribe", "List-Unsubscribe-Post", "From")]
        assert counts == [1, 1, 1], name
        assert [field for field in mail.get_all("DKIM-Signature") if "d=acme.test;" in field], name
