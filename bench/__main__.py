"""`make bench`: messages a second and CPU ms a message, the relay beside Postfix's proxy, interleaved in one run."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import load, messages, postfix
from bench.relay import RECIPIENT, SENDER, relay

Pids = Callable[[], list[int]]


def measure(rounds: int, seconds: float, subscriptions: int) -> dict[tuple[str, str], list[load.Rate]]:
    """Every server with every message, `rounds` times in turn, each about `seconds` long."""
    found: dict[tuple[str, str], list[load.Rate]] = {}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        sink = stack.enter_context(load.sink())
        pf_port, master = stack.enter_context(postfix.proxy(sink))
        one, pid = stack.enter_context(relay(sink, subscriptions))
        two, pid_two = stack.enter_context(relay(sink, 1000, both_signatures=True))
        servers: list[tuple[str, int, Pids]] = [
            ("Postfix proxy, no work", pf_port, lambda: postfix.pids(master)),
            ("relay, one signature", one, lambda: postfix.pids(pid)),
            ("relay, both signatures", two, lambda: postfix.pids(pid_two)),
        ]
        for (name, path), new_bodies in itertools.product(messages.write(Path(folder)).items(), (False, True)):
            send = partial(load.run, message=path, sender=SENDER, recipient=RECIPIENT, new_bodies=new_bodies)
            for _, port, pids in servers:
                send(port, messages=400, pids=pids())
            for _ in range(rounds):
                for server, port, pids in servers:
                    case = f"{name}, {'a new body each time' if new_bodies else 'one body'}"
                    found.setdefault((server, case), []).append(_timed(partial(send, port), pids, seconds))
    return found


def _timed(send: Callable[..., load.Rate], pids: Pids, seconds: float) -> load.Rate:
    probe = send(messages=300, pids=pids())
    return send(messages=max(500, int(probe.per_second * seconds)), pids=pids())


def table(found: dict[tuple[str, str], list[load.Rate]]) -> str:
    """Markdown: medians, the spread behind them, and the ratio to Postfix."""
    lines = [
        "| server | message | messages a second (least–most) | CPU ms a message | of Postfix |",
        "|---|---|---|---|---|",
    ]
    for (server, name), rates in found.items():
        speeds = [rate.per_second for rate in rates]
        cpu = statistics.median(rate.cpu_ms for rate in rates)
        yardstick = statistics.median(r.per_second for r in found["Postfix proxy, no work", name])
        speed = statistics.median(speeds)
        spread = f"{speed:,.0f} ({min(speeds):,.0f}–{max(speeds):,.0f})"
        lines.append(f"| {server} | {name} | {spread} | {cpu:.2f} | {speed / yardstick:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--subscriptions", type=int, default=1_000_000)
    chosen = parser.parse_args()
    print(table(measure(chosen.rounds, chosen.seconds, chosen.subscriptions)))


if __name__ == "__main__":
    main()
