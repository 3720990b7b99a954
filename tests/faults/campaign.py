"""The fault campaign from the command line: `make faults ARGS="--minutes 15"`; it goes on where it stopped.

Every batch has a seed and appends one line to the counts file: what was done, how long it took, what the ledger said.
A batch that is not clean ends the run with 1 and keeps its folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from batches import BATCHES, Batch, Bench, Outcome


@dataclass(frozen=True, slots=True)
class Line:
    """One batch in the counts file."""

    figure: str
    seed: int
    at: str
    seconds: float
    done: int
    counts: dict[str, int]
    faults: list[str]


def read_counts(file: Path) -> list[Line]:
    if not file.exists():
        return []
    return [Line(**json.loads(text)) for text in file.read_text().splitlines() if text]


def run(batch: Batch, seed: int, bench: Bench, file: Path) -> Line:
    """One batch, noted whatever came of it."""
    began = time.monotonic()
    outcome: Outcome = batch.play(bench, seed)
    seconds = round(time.monotonic() - began, 1)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = Line(batch.figure, seed, at, seconds, outcome.done, dict(outcome.counts), outcome.faults)
    with file.open("a") as out:
        out.write(json.dumps(asdict(line)) + "\n")
    said = ", ".join(f"{name} {count}" for name, count in outcome.counts.items())
    print(f"{batch.figure:10} seed {seed:4} {seconds:6.1f} s  {outcome.done:4} done: {said}", flush=True)
    for fault in outcome.faults:
        print(f"           {fault}", flush=True)
    return line


def rounds(chosen: Sequence[Batch], file: Path, goal: float) -> Iterator[tuple[Batch, int]]:
    """Batches in turn, until each has its count; seeds go on from those in the file."""
    while True:
        lines, pending = read_counts(file), False
        for batch in chosen:
            mine = [line for line in lines if line.figure == batch.figure]
            if sum(line.done for line in mine) < batch.target * goal:
                pending = True
                yield batch, 1 + max((line.seed for line in mine), default=0)
        if not pending:
            return


def table(file: Path) -> str:
    """All that was ever counted, a row a figure, as docs/reliability.md shows it."""
    rows = ["| Figure | Done | Target | Seeds | Minutes | Counts | Faults |", "|---|---|---|---|---|---|---|"]
    for batch in BATCHES:
        lines = [line for line in read_counts(file) if line.figure == batch.figure]
        counts: Counter[str] = Counter()
        for line in lines:
            counts.update(line.counts)
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        seeds = f"{min(one.seed for one in lines)}-{max(one.seed for one in lines)}" if lines else ""
        minutes = sum(line.seconds for line in lines) / 60
        done, faults = sum(line.done for line in lines), sum(len(line.faults) for line in lines)
        rows.append(f"| {batch.title} | {done} | {batch.target} | {seeds} | {minutes:.1f} | {said} | {faults} |")
    return "\n".join(rows)


def main(arguments: Sequence[str]) -> int:
    names = [batch.figure for batch in BATCHES]
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--figures", nargs="*", choices=names, default=names, help="which; default: all in turn")
    parser.add_argument("--minutes", type=float, default=15.0, help="no batch begins later")
    parser.add_argument("--goal", type=float, default=1.0, help="share of each target, 0.25 for a quarter")
    parser.add_argument("--seed", type=int, help="repeat one batch of one figure")
    parser.add_argument("--counts", type=Path, default=Path("faults-counts.jsonl"), help="where counts are kept")
    parser.add_argument("--table", action="store_true", help="print what was counted so far, and do nothing")
    options = parser.parse_args(arguments)
    if options.table:
        print(table(options.counts))
        return 0
    chosen = [batch for batch in BATCHES if batch.figure in options.figures]
    turns = (
        [(batch, options.seed) for batch in chosen] if options.seed else rounds(chosen, options.counts, options.goal)
    )
    return _play(turns, options.counts, time.monotonic() + options.minutes * 60)


def _play(turns: Iterator[tuple[Batch, int]] | Sequence[tuple[Batch, int]], file: Path, until: float) -> int:
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, contextlib.closing(Bench(Path(folder))) as bench:
        for batch, seed in turns:
            if time.monotonic() > until:
                break
            if run(batch, seed, bench, file).faults:
                return 1
    print(table(file))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
