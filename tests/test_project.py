"""The project around the code: relay.toml shows every setting, versions stand above their floors, locks are clean."""

import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from config.keys import keys_of, shape_of
from config.load import load
from config.schema import Settings
from config.toml_file import key_lines
from relay.adapters.sqlite_binding import FLOORS, sqlite_version, version_floor_ok

ROOT = Path(__file__).parent.parent
RELAY_TOML = ROOT / "relay.toml"
LOCKS = ("requirements.txt", "requirements-dev.txt")

FLOOR = {
    "aiosmtpd": ("1.4.6", "CVE-2024-27305 (smuggled end of data), CVE-2024-34083 (commands behind STARTTLS)"),
    "aiosmtplib": ("5.1.3", "5.1.1 and 5.1.2 mend command and STARTTLS injection, 5.1.3 replies out of step"),
    "cryptography": ("44.0.1", "CVE-2024-12797 (OpenSSL in its wheels)"),
    "jinja2": ("3.1.6", "CVE-2025-27516 (sandbox escape through |attr)"),
    "h11": ("0.16.0", "CVE-2025-43859 (request smuggling in chunked bodies)"),
    "lxml": ("6.0", "libxml2 2.14 with CVE-2025-24928 and CVE-2024-56171 mended"),
    "python-multipart": ("0.0.18", "CVE-2024-53981 (a stall on what stands around boundaries)"),
    "starlette": ("0.49.1", "CVE-2025-62727 (quadratic Range header)"),
    "idna": ("3.7", "CVE-2024-3651 (quadratic encode)"),
}
"""The lowest version that may be installed or locked, and why."""


def number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:4])


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE))


def uncommented(text: str) -> str:
    """relay.toml with the keys that are commented out put in force."""
    return re.sub(r'^# (?=[a-z_]+ = ")', "", text, flags=re.MULTILINE)


def test_relay_toml_shows_every_key_of_the_schema():
    shown = {
        tuple("0" if part.isdigit() else part for part in key)
        for key in key_lines(uncommented(RELAY_TOML.read_text()))
    }
    policies = {
        key for key in keys_of(shape_of(Settings)) if key[0] == "policy" and key[1:2] != ("footer.postal_address",)
    }

    assert set(keys_of(shape_of(Settings))) - policies - shown - {("policy",), ("listener",), ("smarthost",)} == set()


def test_relay_toml_holds_the_defaults(tmp_path):
    (tmp_path / "relay.toml").write_bytes(RELAY_TOML.read_bytes())
    (tmp_path / "empty.toml").touch()

    shown, default = (load(tmp_path / name, {}).settings for name in ("relay.toml", "empty.toml"))
    rule = shown.rule("footer.postal_address")

    assert replace(shown, policy={}) == default
    assert (rule.mode, rule.missing) == ("enforce", "inject")


def test_every_line_of_relay_toml_with_a_setting_is_explained():
    for line in uncommented(RELAY_TOML.read_text()).splitlines():
        first = re.match(r"(\w+) = ", line)
        if first and first[1] not in {"kind", "bind", "tls", "on_unavailable"}:
            assert "  # " in line, line


@pytest.mark.parametrize("name", sorted(FLOOR))
def test_no_dependency_stands_below_its_floor(name):
    floor, reason = FLOOR[name]

    assert number(version(name)) >= number(floor), reason
    for lock in LOCKS:
        assert number(locked(lock)[name]) >= number(floor), f"{lock}: {reason}"


def test_pyproject_asks_for_no_less_than_the_floors():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]

    for requirement in asked:
        name, least = re.match(r"([a-z0-9-]+)(?:\[.*\])?>=([0-9.]+)", requirement).groups()
        if name in FLOOR:
            assert number(least) >= number(FLOOR[name][0]), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_no_address_and_a_hash_for_everything(lock):
    text = (ROOT / lock).read_text()
    entries = re.sub(r"\s*\\\n\s*", " ", text).splitlines()

    assert "://" not in text
    assert not re.search(r"^\s*--?(?!hash=|-)", text, re.MULTILINE)
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)


def test_both_locks_agree():
    runtime, dev = (locked(lock) for lock in LOCKS)

    assert runtime.items() <= dev.items()


def test_everything_pyproject_names_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    for lock, asked in (
        ("requirements.txt", [*project["dependencies"], *extras["build"]]),
        ("requirements-dev.txt", extras["dev"]),
    ):
        names = {re.match(r"[A-Za-z0-9-]+", requirement)[0].lower() for requirement in asked}
        assert names <= set(locked(lock)), lock


def test_one_sqlite_library_serves_every_path():
    code = (
        "import relay, sqlite3, sqlite3.dbapi2, aiosqlite, sqlalchemy as sa\n"
        "engine = sa.create_engine('sqlite://')\n"
        "asynchronous = sa.dialects.sqlite.aiosqlite.dialect.import_dbapi()\n"
        "with engine.connect() as link:\n"
        "    used = link.exec_driver_sql('select sqlite_version()').scalar()\n"
        "print({used, sqlite3.sqlite_version, sqlite3.dbapi2.sqlite_version, asynchronous.sqlite_version,\n"
        "       aiosqlite.core.sqlite3.sqlite_version, engine.dialect.dbapi.sqlite_version})"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout

    assert printed.strip() == repr({".".join(str(part) for part in sqlite_version())})


def test_pysqlite3_where_it_is_installed_is_above_the_wal_reset_floor():
    try:
        version("pysqlite3")
    except PackageNotFoundError:
        pytest.skip("pysqlite3 has no wheel for this machine: pip install pysqlite3")

    assert sqlite_version() >= FLOORS[-1]
    assert version_floor_ok()


@pytest.mark.parametrize(
    ("used", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 4), True),
    ],
)
def test_versions_with_the_wal_reset_bug_are_known(used, safe):
    assert version_floor_ok(used) is safe
