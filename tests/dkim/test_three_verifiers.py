"""What leaves is signed so that dkimpy, opendkim and mailauth agree, on messages of many shapes (RFC 6376).

500 messages; `make dkim-campaign` takes thousands (DKIM_MESSAGES).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import dkim
import pytest
from generated import generated
from opendkim_library import OpenDkim, library
from rewriting_samples import COPY, OTHER, RECIPE, Keys, record, verified

from policies.facts import FooterIdentity
from relay.message.read import read
from relay.message.rewrite import prepare
from relay.message.scan import scan

COUNT = int(os.environ.get("DKIM_MESSAGES", "500"))
FOOTER = FooterIdentity(RECIPE.organisation, RECIPE.postal_address)
HERE = Path(__file__).parent / "mailauth"
BROKEN_EVERY = 10
"""Of so many messages one is broken on its way, and must fail."""
pytestmark = pytest.mark.timeout(max(180, COUNT))


def skipped(missing: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="module")
def sent(tmp_path_factory) -> Path:
    """A folder of what would leave: 'NUMBER-good.eml', and 'NUMBER-broken.eml' with one letter of it changed."""
    folder = tmp_path_factory.mktemp("sent")
    for seed in range(COUNT):
        message = scan(generated(seed))
        reading = read(message, FOOTER, hostname=RECIPE.hostname, public_url="https://relay.example")
        if reading.facts.faults or reading.facts.opaque:
            continue
        ready = prepare(message, reading.displayed, RECIPE, Keys())
        octets = ready.render(OTHER if seed % 2 else COPY, eight_bit=bool(seed % 3))
        (folder / f"{seed:06}-good.eml").write_bytes(octets)
        if seed % BROKEN_EVERY == 0:
            (folder / f"{seed:06}-broken.eml").write_bytes(broken(octets, seed))
    return folder


def broken(octets: bytes, seed: int) -> bytes:
    """One letter of a signed field, or of the body, is another."""
    header, between, body = octets.partition(b"\r\n\r\n")
    if seed % 20 and re.search(rb"[a-z]", body):
        return header + between + re.sub(rb"[a-z]", b"~", body, count=1)
    return re.sub(rb"(?m)^(List-Unsubscribe: <https)", rb"\1z", header) + between + body


def disagreements(sent: Path, good: dict[str, bool]) -> list[str]:
    """Files that were judged otherwise than their name says."""
    assert len(good) == len(list(sent.iterdir()))
    return [name for name, passed in good.items() if passed != name.endswith("good.eml")]


def test_nearly_every_generated_message_is_sent(sent):
    assert len(list(sent.glob("*-good.eml"))) >= 0.95 * COUNT


def dkimpy_passes(octets: bytes) -> bool:
    try:
        return verified(octets) == [True, True]
    except dkim.ValidationError:  # how it says that a body hash differs
        return False


def test_dkimpy_agrees(sent):
    judged = {path.name: dkimpy_passes(path.read_bytes()) for path in sent.iterdir()}

    assert disagreements(sent, judged) == []


def test_opendkim_agrees(sent, tmp_path):
    loaded = library()
    if loaded is None:
        skipped("libopendkim is not installed: apt-get install opendkim")
    records = tmp_path / "records"
    records.write_text("".join(f"{name} {text}\n" for name, text in public_keys().items()))
    verifier = OpenDkim(loaded, records)

    assert disagreements(sent, {path.name: verifier.verify(path.read_bytes()) == 0 for path in sent.iterdir()}) == []


@pytest.fixture(scope="module")
def mailauth(tmp_path_factory) -> Path:
    """A folder with mailauth in its node_modules, as tests/dkim/mailauth/package-lock.json has it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        skipped("npm is not installed: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("mailauth")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    command = [str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150)
    if done.returncode != 0:
        skipped(f"mailauth cannot be installed: npm ci\n{done.stderr[-300:]}")
    return folder


def test_mailauth_agrees(sent, mailauth, tmp_path):
    records = tmp_path / "records.json"
    records.write_text(json.dumps(public_keys()))
    command = ["node", str(HERE / "verify.mjs"), str(mailauth), str(sent), str(records)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=max(120, COUNT / 10))

    assert done.returncode == 0, done.stderr[-500:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert disagreements(sent, {one["file"]: one["results"] == ["pass", "pass"] for one in lines}) == []


def public_keys() -> dict[str, str]:
    names = [f"{selector}._domainkey.{domain}" for domain, selector in RECIPE.signers]
    return {name: record(f"{name}.".encode()).decode() for name in names}
