"""The labelled footers of `labelled/`: how their files are read, and what the readers make of each case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from policies.facts import FooterIdentity
from relay.message.careful import read_carefully
from relay.message.html import read_html
from relay.message.postal_address import RegisteredAddress
from relay.message.read import read
from relay.message.scan import scan

FOLDER = Path(__file__).parent / "labelled"
FOOTER = FooterIdentity("Example Sender", "99 Nowhere Road\nElsewhere 00000")
ADDRESS = RegisteredAddress(FOOTER.postal_address)
STORY = (
    "<h1>News from the orchard</h1><p>Our apples are ripe, and this week they taste better than ever before. "
    "Come and see the press at work; the children may turn the wheel themselves.</p>"
)
TEXT_STORY = "Our apples are ripe, and this week they taste better than ever before.\nCome and see the press at work."


@dataclass(frozen=True)
class Case:
    """One labelled part."""

    file: str
    name: str
    octets: bytes

    @property
    def html(self) -> bool:
        return not self.file.startswith("text")

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


def cases(label: str) -> list[Case]:
    """Every case of 'honest' or 'tricks'."""
    return [case for path in sorted((FOLDER / label).glob("*.cases")) for case in _cases(path)]


def _cases(path: Path) -> Iterator[Case]:
    for block in path.read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, body = block.partition("\n")
        yield Case(path.stem, name, _whole(path.stem, body.rstrip("\n")).encode())


def _whole(file: str, body: str) -> str:
    if file.startswith("text"):
        written = body.replace("%STORY%", TEXT_STORY) if "%STORY%" in body else f"{TEXT_STORY}\n\n{body}"
        return written.replace("\n", "\r\n") + "\r\n"
    if "<body" in body.lower() or "<html" in body.lower():
        return body.replace("%STORY%", STORY)
    return f"<html><body>{STORY}{body.replace('%STORY%', STORY)}</body></html>"


def seen(case: Case) -> bool:
    """Whether the readers take the case for one with an opt-out link at its bottom, as a whole message."""
    kind = b"html" if case.html else b"plain"
    head = b"From: a@shop.test\r\nMIME-Version: 1.0\r\nContent-Type: text/" + kind + b"; charset=utf-8\r\n\r\n"
    (part,) = read(scan(head + case.octets), FOOTER).facts.parts
    return part.opt_out is not None or part.placeholder is not None


def fast_and_careful(case: Case) -> tuple[list[str], list[str]]:
    """The links at the bottom of an HTML case, to the fast reader and to the careful one."""
    fast = [link.text for link in read_html(case.octets, FOOTER, ADDRESS, "").bottom]
    return fast, [link.text for link in read_carefully(case.octets, FOOTER, ADDRESS).bottom]
