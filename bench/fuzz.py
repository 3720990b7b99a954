"""`make fuzz`: random and mutated messages through scan, reading and rewriting (RELIABILITY.md rows 16-25).

For each message: no exception but the ones that are refusals; CPU within a bound that grows with its size; what
would leave has CRLF lines of at most 998 octets and no NUL; where the fast reader sees an opt-out link, the careful
one does. The seed of whatever fails is printed, and the octets are kept in build/fuzz.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "dkim"), str(ROOT / "tests" / "relay" / "message")]

KEPT = ROOT / "build" / "fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--messages", type=int, default=0, help="stop after so many; 0: when time is up")
    parser.add_argument("--seed", type=int, default=0, help="the first message's; 0: of the clock")
    parser.add_argument("--atheris", action="store_true", help="coverage-guided, where atheris is installed")
    chosen = parser.parse_args()
    if chosen.atheris:
        return _guided(chosen.seconds)
    return _random(chosen.seed or time.time_ns() // 1000, chosen.seconds, chosen.messages)


def _random(seed: int, seconds: float, most: int) -> int:
    from fuzzing import FuzzFault, checked, made  # late, so that atheris may instrument what it imports

    until, found, faults = time.monotonic() + seconds, Counter[str](), 0
    count = 0
    while time.monotonic() < until and (not most or count < most):
        octets = made(random.Random(seed + count))
        try:
            found[checked(octets)] += 1
        except FuzzFault as fault:
            faults += 1
            _keep(seed + count, octets, str(fault))
        count += 1
    print(f"{count} messages from seed {seed}: {dict(found)}, {faults} faults")
    return 1 if faults else 0


def _keep(seed: int, octets: bytes, fault: str) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{seed}.eml").write_bytes(octets)
    print(f"seed {seed}: {fault}")


def _guided(seconds: float) -> int:
    try:
        import atheris
    except ImportError:
        print("atheris is not installed: .venv/bin/pip install atheris")
        return 2

    with atheris.instrument_imports(include=["relay.message"]):
        from fuzzing import checked

    def once(octets: bytes) -> None:
        checked(re.sub(rb"\r\n|\r|\n", b"\r\n", octets.replace(b"\0", b"")))

    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}", "-max_len=20000"], once)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
