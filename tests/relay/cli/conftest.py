"""The command line in a folder of its own, with a store that is ready."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from relay.cli.main import main

ACME = ("--organisation", "Acme Coffee", "--email", "owner@acme.test", "--country", "id", "--industry", "retail")
ADDRESS = ("--postal-address", "Jl. Sudirman 12, Jakarta 10220")


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


Relay = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, ready_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with relay.toml and the store; DNS is never asked of anybody else."""
    (tmp_path / "var").mkdir()
    shutil.copy(ready_store, tmp_path / "var" / "relay.db")
    (tmp_path / "relay.toml").write_text('[dns]\nservers = ["127.0.0.1:9"]\ntimeout = 0.2\ncheck_domains = false\n')
    monkeypatch.chdir(tmp_path)
    for name in ("RELAY_CONFIG", "RELAY_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def relay(home: Path, capsys: pytest.CaptureFixture[str]) -> Relay:
    """Runs one command in this process."""

    def run(*args: str) -> Ran:
        capsys.readouterr()
        code = main(args)
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def acme(relay: Relay) -> Relay:
    """The same with an active account `acme`: domain acme.test, a double list `news`, a single one `shop`."""
    for words in (
        ("account", "add", "acme", *ACME, *ADDRESS, "--accept-policy"),
        ("domain", "add", "acme", "acme.test"),
        ("domain", "verify", "acme", "acme.test", "--force", "--reason", "test"),
        ("list", "add", "acme", "news"),
        ("list", "add", "acme", "shop", "--confirm", "single"),
    ):
        assert relay(*words).code == 0
    return relay
