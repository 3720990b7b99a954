"""Messages in and expected out, under tests/messages; run this file to write the expected ones, then read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rewriting_samples import COPY, RECIPE, Keys

from policies.facts import FooterIdentity
from relay.message.read import Reading, read
from relay.message.rewrite import Prepared, prepare
from relay.message.scan import scan

FOLDER = Path(__file__).parents[2] / "messages"
FOOTER = FooterIdentity(RECIPE.organisation, RECIPE.postal_address)
UNSIGNED = replace(RECIPE, signers=())
"""Keys do not belong into a repository: signatures are tested elsewhere."""
NAMES = sorted(path.stem for path in FOLDER.glob("*.eml") if not path.stem.endswith(".out"))


def reading(raw: bytes) -> Reading:
    return read(scan(raw), FOOTER, hostname=RECIPE.hostname, public_url="https://relay.example")


def prepared(raw: bytes, signed: bool = False) -> Prepared:
    return prepare(scan(raw), reading(raw).displayed, RECIPE if signed else UNSIGNED, Keys())


def received(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def expected(name: str) -> Path:
    return FOLDER / f"{name}.out.eml"


if __name__ == "__main__":
    for each in NAMES:
        expected(each).write_bytes(prepared(received(each)).render(COPY, eight_bit=True))
