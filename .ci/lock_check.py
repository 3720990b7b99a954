"""The locks install from wheels alone on every platform we name: `pip download` into a folder that is thrown away."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement

PYTHON = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
}
SOURCE_ONLY = frozenset({"dkimpy"})
"""Published as source alone, pure Python, and used by tests alone."""

TARGETS = {
    "Linux x86-64": (
        ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    ),
    "Linux arm64": (
        ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    ),
    "macOS arm64": (
        ("macosx_14_0_arm64", "macosx_12_0_arm64", "macosx_11_0_arm64"),
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    ),
}


def entries(lock: str) -> Iterator[str]:
    """Each requirement with its hashes, on one line."""
    for line in re.sub(r"\s*\\\n\s*", " ", lock).splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


def wanted(lock: str, environment: Mapping[str, str]) -> Iterator[str]:
    """What the target installs, without markers: pip would judge them by this machine, not by the target."""
    for entry in entries(lock):
        text, *hashes = re.split(r"\s(?=--hash=)", entry)
        requirement = Requirement(text)
        if requirement.name in SOURCE_ONLY:
            continue
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            yield " ".join([f"{requirement.name}{requirement.specifier}", *hashes])


def download(lock: Path, tags: tuple[str, ...], environment: Mapping[str, str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        chosen = Path(folder) / "requirements.txt"
        chosen.write_text("\n".join(wanted(lock.read_text(), PYTHON | dict(environment))) + "\n")
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--implementation=cp", "--python-version=3.11"]
        command += [f"--platform={tag}" for tag in (*tags, "any")]
        return subprocess.run(
            [*command, f"--requirement={chosen}", f"--dest={folder}/wheels"], check=False
        ).returncode


def main(locks: list[str]) -> int:
    failed = 0
    for name, (tags, environment) in TARGETS.items():
        for lock in locks:
            code = download(Path(lock), tags, environment)
            print(f"{lock}: {name}: {'wheels for all' if code == 0 else 'NOT from wheels alone'}", flush=True)
            failed += code != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
