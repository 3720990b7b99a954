"""`relay doctor`: what is wrong here, how bad it is, and how to mend it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from config.load import Loaded
from config.mistakes import ConfigError
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, print_json, print_line
from relay.doctor.examination import examine
from relay.doctor.finding import Finding, Level, error

app = typer.Typer()
_STYLE = {Level.OK: "green", Level.INFO: "", Level.WARNING: "yellow", Level.ERROR: "red"}


class FailLevel(StrEnum):
    WARNING = "warning"
    ERROR = "error"


@app.command()
def doctor(
    ctx: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no smarthost, no DNS, no server.")] = False,
    fail_level: Annotated[
        FailLevel, typer.Option("--fail-level", help="From which level on the exit code is not 0.")
    ] = FailLevel.ERROR,
    json: Json = False,
) -> None:
    """Configuration, store, smarthost, TLS, DNS, DKIM, clock. Exit 0, 1 for findings, 69 unreachable, 78 settings."""
    try:
        loaded = invocation(ctx).loaded
    except ConfigError as wrong:
        if json:
            print_json([_shape(error("config.mistake", str(one), f"mend {one.key}")) for one in wrong.mistakes])
        raise
    findings = asyncio.run(_all(loaded, offline))
    if json:
        print_json([_shape(one) for one in findings])
    else:
        for one in findings:
            _print(one)
    raise typer.Exit(_exit(findings, Level(fail_level.value)))


async def _all(loaded: Loaded, offline: bool) -> list[Finding]:
    return [one async for one in examine(loaded, datetime.now(UTC), offline=offline)]


def _exit(findings: list[Finding], fail_level: Level) -> Exit:
    """69 where something that must answer does not, whatever else is wrong."""
    bad = [one for one in findings if one.level.weight >= fail_level.weight]
    if any(one.unreachable for one in bad):
        return Exit.UNAVAILABLE
    return Exit.REFUSED if bad else Exit.DONE


def _shape(one: Finding) -> dict[str, str | None]:
    return {"id": one.id, "level": one.level.value, "what": one.what, "mend": one.mend or None}


def _print(one: Finding) -> None:
    print_line(f"{one.level:<8} {one.id}: {one.what}", _STYLE[one.level])
    if one.mend:
        print_line(f"{'':<8} -> {one.mend}")
