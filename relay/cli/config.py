"""`relay config`: every setting with its value and where it came from; whether a file can be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from config.keys import shape_of, spell
from config.load import Loaded, load
from config.mistakes import ConfigError
from config.paths import resolve_paths
from config.schema import Settings
from config.secrets import masked
from config.validation import plain, values_of
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_table

app = typer.Typer(help="Settings: what is in force, and whether a file is right.")


@app.command()
def show(
    ctx: typer.Context,
    changed: Annotated[bool, typer.Option("--changed", help="Only what differs from the defaults.")] = False,
    defaults: Annotated[bool, typer.Option("--defaults", help="The defaults, whatever is set.")] = False,
    json: Json = False,
) -> None:
    """Each value and where it came from: default, file:line or variable. Secrets are masked."""
    if changed and defaults:
        raise Failure("--changed and --defaults exclude each other", Exit.USAGE)
    rows = list(_rows(Loaded(Settings(), {}, None) if defaults else invocation(ctx).loaded))
    if changed:
        rows = _changed(rows, invocation(ctx).loaded)
    if json:
        print_json([{"key": key, "value": value, "origin": origin} for key, value, origin in rows])
    else:
        print_table(("key", "value", "origin"), [(key, _toml(value), origin) for key, value, origin in rows])


def _rows(loaded: Loaded) -> Iterator[tuple[str, object, str]]:
    for key, value in values_of(plain(loaded.settings), shape_of(Settings)):
        name = spell(key)
        shown = masked(value) if isinstance(value, str) else value
        yield name, shown, loaded.origins.get(name, "default")


def _changed(rows: list[tuple[str, object, str]], loaded: Loaded) -> list[tuple[str, object, str]]:
    """Rows whose value no default has; default paths count as resolved where the settings are."""
    default = Loaded(resolve_paths(Settings(), loaded.folder), {}, loaded.path)
    values = {key: value for key, value, _ in _rows(default)}
    return [row for row in rows if row[0] not in values or values[row[0]] != row[1]]


def _toml(value: object) -> str | None:
    """As relay.toml writes it; None: not set."""
    if value is None:
        return None
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) or '' for one in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


@app.command()
def check(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Default: the file other commands would read.")] = None,
    json: Json = False,
) -> None:
    """Exit 0 where the file and the environment can be used, 78 with every mistake where not."""
    call = invocation(ctx)
    path = file or call.path
    name = str(path) if path else None
    try:
        load(path, call.environ)
    except ConfigError as exc:
        if not json:
            raise
        print_json({"file": name, "mistakes": exc.mistakes})
        raise typer.Exit(Exit.CONFIG) from None
    if json:
        print_json({"file": name, "mistakes": []})
    else:
        print_line(f"{name or 'defaults'}: no mistakes")
