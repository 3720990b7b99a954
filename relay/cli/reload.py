"""`relay reload`: the settings as the file has them now, in every process of the running relay."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_note
from relay.cli.running import pid_of_serve
from relay.reloading import Change, Outcome, read_state

app = typer.Typer()

POLL = 0.05


@app.command()
def reload(
    ctx: typer.Context,
    wait: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="For every process to answer.")] = 30.0,
    json: Json = False,
) -> None:
    """Check the file, let the running relay take it over, and tell what changed and what needs a restart."""
    data_dir = invocation(ctx).settings.data_dir
    pid = pid_of_serve(data_dir)
    if pid is None:
        raise Failure(f"no relay serves {data_dir}", Exit.UNAVAILABLE)
    before = _reloads(data_dir)
    try:
        os.kill(pid, signal.SIGHUP)
    except (ProcessLookupError, PermissionError) as no:
        raise Failure(f"process {pid} cannot be signalled: {no.strerror}", Exit.UNAVAILABLE) from None
    outcome = _outcome(data_dir, before, time.monotonic() + wait)
    if json:
        print_json(_json(outcome))
    elif not outcome.refused:
        _tell(outcome)
    if outcome.refused:
        raise Failure(f"refused, the old settings are in force: {outcome.refused}", Exit.CONFIG)
    if outcome.trouble:
        raise Failure("; ".join(outcome.trouble), Exit.UNAVAILABLE)


def _reloads(data_dir: Path) -> int:
    try:
        return read_state(data_dir).reloads
    except (OSError, ValueError, KeyError):
        return 0


def _outcome(data_dir: Path, before: int, deadline: float) -> Outcome:
    while time.monotonic() < deadline:
        if _reloads(data_dir) > before:
            return read_state(data_dir).outcome
        time.sleep(POLL)
    raise Failure("the relay was signalled and did not say that it is done", Exit.UNAVAILABLE)


def _tell(outcome: Outcome) -> None:
    if not outcome.live and not outcome.restart:
        print_line(f"no setting changed; {outcome.processes} processes read files and keys again")
        return
    for key, old, new in outcome.live:
        print_line(f"in force in {outcome.processes} processes: {key}: {old} -> {new}")
    for key, old, new in outcome.restart:
        print_line(f"needs a restart: {key}: {old} -> {new}")
    if outcome.restart:
        print_note("until then the old values are in force")


def _json(outcome: Outcome) -> dict[str, object]:
    def rows(changes: tuple[Change, ...]) -> list[dict[str, str]]:
        return [{"key": key, "old": old, "new": new} for key, old, new in changes]

    told: dict[str, object] = {"changed": rows(outcome.live), "needs_restart": rows(outcome.restart)}
    return told | {
        "processes": outcome.processes,
        "trouble": list(outcome.trouble),
        "refused": outcome.refused or None,
    }
