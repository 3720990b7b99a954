"""Every message and template of ../shared/data: rewritten right, or left to a rule with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from golden import FOOTER
from rewriting_samples import COPY, HEAD, RECIPE, Keys, verified

from relay.message.decode import decoded_octets
from relay.message.read import read
from relay.message.recode import walk
from relay.message.rewrite import prepare
from relay.message.scan import scan
from relay.message.transfer import encoded_quoted
from relay.message.verify import problems

DATA = Path(__file__).parents[4] / "shared" / "data"
RECIPE_ONE = replace(RECIPE, signers=RECIPE.signers[:1])
NOT_MAIL = {".json", ".md", ".tsv"}
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")


def crlf(octets: bytes) -> bytes:
    """As it would have come over SMTP: CRLF lines, no NUL, a line end at the end."""
    lines = octets.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n") + b"\n"
    return lines.replace(b"\n", b"\r\n")


def messages(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in NOT_MAIL:
            continue
        octets = crlf(path.read_bytes())
        if folder.parent.name == "mime":
            yield octets
        elif path.suffix == ".html":
            yield templated(octets)


def templated(html: bytes) -> bytes:
    head = (*HEAD, "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "", "")
    return "\r\n".join(head).encode() + encoded_quoted(html)


def outcome(raw: bytes) -> str:
    """'rewritten', or why not; asserts what must hold for each rewritten one."""
    message = scan(raw)
    reading = read(message, FOOTER, hostname=RECIPE.hostname, public_url="https://relay.example")
    if reading.facts.faults:
        return "malformed"
    if reading.facts.opaque:
        return "opaque"
    if any(part.cannot_inject and not (part.opt_out or part.placeholder) for part in reading.facts.parts):
        return "no place for a footer"
    ready = prepare(message, reading.displayed, RECIPE_ONE, Keys())
    if problems(ready, COPY, FOOTER, RECIPE_ONE):
        return "link not visible after rewriting"
    shown = {one.part.number for one in reading.displayed}
    for eight_bit in (True, False):
        assert_sound(raw, ready.render(COPY, eight_bit), shown)
    assert verified(ready.render(COPY, eight_bit=False)) == [True]
    return "rewritten"


def assert_sound(raw: bytes, out: bytes, shown: set[str]) -> None:
    assert b"\r" not in out.replace(b"\r\n", b"")
    assert b"\n" not in out.replace(b"\r\n", b"")
    assert max(len(line) for line in out.split(b"\r\n")) <= 998
    for before, after in zip(walk(scan(raw).root), walk(scan(out).root), strict=True):
        if not before.children and before.number not in shown:
            assert decoded_octets(raw, before) == decoded_octets(out, after)


FOLDERS = [folder for kind in ("mime", "templates") for folder in sorted((DATA / kind).glob("*")) if folder.is_dir()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_real_mail_is_rewritten_or_refused_with_a_reason(folder):
    found = Counter(outcome(raw) for raw in messages(folder))

    print(f"{folder.name}: {dict(found)}")
    readable = found["rewritten"] + found["link not visible after rewriting"]
    assert found["link not visible after rewriting"] <= max(1, readable // 50)
