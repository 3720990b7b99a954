"""Real templates and messages: what the readers find in them, held to the labels and to each other."""

import csv
import re
from pathlib import Path

import pytest

from policies.facts import FooterIdentity
from relay.message.careful import read_carefully
from relay.message.html import read_html
from relay.message.postal_address import RegisteredAddress
from relay.message.read import read
from relay.message.scan import scan

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
FOOTER = FooterIdentity("Acme Foods", "12 Orchard Lane\nSpringfield, IL 62701")
ADDRESS = RegisteredAddress(FOOTER.postal_address)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there: real mail for tests")


def labelled() -> list[tuple[Path, str]]:
    found = []
    for labels in sorted((DATA / "templates").glob("*/labels.tsv")):
        with labels.open(encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                found.append((labels.parent / row["file"], row["unsubscribe_link"]))
    return found


def html_of(path: Path) -> bytes:
    return path.read_bytes().decode("utf-8", "replace").encode()


def test_opt_out_links_of_templates_are_found_as_they_are_labelled():
    right = wrong = missed = 0
    for path, label in labelled():
        if path.suffix == ".html":
            found = bool(read_html(html_of(path), FOOTER, ADDRESS, "").bottom)
            right += found and label == "yes"
            wrong += found and label != "yes"
            missed += not found and label == "yes"

    assert wrong == 0, "precision must be 0.995 or better"
    assert right >= 0.9 * (right + missed)


def test_the_careful_reader_agrees_wherever_the_fast_one_sees_a_link():
    for path, _ in labelled():
        if path.suffix == ".html":
            html = html_of(path)
            fast = [link.text for link in read_html(html, FOOTER, ADDRESS, "").bottom]
            if fast:
                assert [link.text for link in read_carefully(html, FOOTER, ADDRESS).bottom] == fast, path.name


def received(path: Path) -> bytes:
    return re.sub(rb"\r\n|\r|\n", b"\r\n", path.read_bytes().replace(b"\0", b""))


def test_every_real_message_is_read_and_each_part_can_be_decoded():
    count = 0
    for path in sorted((DATA / "mime").rglob("*")):
        if path.is_file():
            count += 1
            reading = read(scan(received(path)), FOOTER, "relay.test", "https://relay.test")
            for displayed in reading.displayed:
                displayed.decoded.decode(displayed.charset)
                assert displayed.footer_at <= len(displayed.decoded)

    assert count > 300


def test_few_mails_that_people_really_sent_have_a_fault_or_are_closed():
    paths = sorted((DATA / "mime" / "real-mail-spamassassin").glob("*.txt"))
    refused = [path.name for path in paths if _refused(path)]

    assert len(refused) <= 0.1 * len(paths)


def _refused(path: Path) -> bool:
    facts = read(scan(received(path)), FOOTER).facts
    return bool(facts.faults) or bool(facts.opaque)
