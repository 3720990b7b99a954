"""A million rows into a store of their own: seconds, CPU and peak memory. `make bench-imports`."""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RELAY = [sys.executable, "-m", "relay.cli.main"]
FIRST = ["anne", "budi", "citra", "dewi", "eko", "fajar", "gita", "hadi", "indah", "joko", "maria", "peter", "sari"]
LAST = ["hartono", "kusuma", "lestari", "pratama", "saputra", "siregar", "wibowo", "jones", "miller", "de-vries"]
ACCOUNT = ("--organisation", "Acme", "--email", "o@acme.test", "--country", "ID", "--industry", "retail")


def write(path: Path, rows: int) -> None:
    """People at three thousand domains and a few large ones, the same at every run."""
    chance = random.Random(7)
    domains = [f"host{number}.example{number % 7}.org" for number in range(3000)] + ["gmail.com"] * 2000
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name,consented_at,consent_source,city\n")
        for _ in range(rows):
            first, last = chance.choice(FIRST), chance.choice(LAST)
            mailbox = f"{first}.{last}{chance.randrange(10**6)}@{chance.choice(domains)}"
            day = f"2026-0{chance.randrange(1, 10)}-1{chance.randrange(10)}"
            file.write(f"{mailbox},{first.title()} {last.title()},{day},web form,Jakarta\n")


def main() -> None:
    """Import, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "in.csv", rows)
        (folder / "relay.toml").write_text("[dns]\ncheck_domains = false\n")
        relay = [*RELAY, "--config", str(folder / "relay.toml")]
        postal = ("--postal-address", "1 Road", "--accept-policy")
        subprocess.run([*relay, "account", "add", "acme", *ACCOUNT, *postal], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*relay, "list", "add", "acme", "shop", "--confirm", "single"], check=True)
        begun = time.monotonic()
        subprocess.run([*relay, "list", "import", "acme", "shop", folder / "in.csv", "--source", "bench"], check=True)
        took, used = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        peak = used.ru_maxrss / 1024
        print(f"{rows} rows in {took:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of CPU), at most {peak:.0f} MiB")


if __name__ == "__main__":
    main()
