"""The command `relay`: its global options, its commands by name, and what any failure looks like from outside."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from config.mistakes import ConfigError
from relay import __version__
from relay.cli.invocation import Invocation
from relay.cli.output import Exit, Failure, print_line, print_note
from relay.ports import StoreUnavailable

GROUPS = (
    "account",
    "config",
    "credential",
    "db",
    "dkim",
    "domain",
    "identity",
    "keys",
    "list",
    "permission",
    "person",
    "queue",
    "subscriber",
    "suppress",
)
"""Nouns with verbs below them: relay/cli/NOUN.py holds them in `app`."""

COMMANDS = ("check", "demo", "doctor", "explain", "log", "ready", "reload", "serve", "verify")
"""Commands by themselves: relay/cli/NAME.py holds the one command in `app`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. No traceback reaches a user."""
    os.umask(0o077)  # store, keys, journal and copies of mail are the relay's alone (RELIABILITY.md row 37)
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return guarded(lambda: _run(args))


def guarded(run: Callable[[], int]) -> int:
    """Run, and turn every failure into its line on standard error and its exit code."""
    try:
        return run()
    except ConfigError as exc:
        for mistake in exc.mistakes:
            print_note(str(mistake))
        return Exit.CONFIG
    except StoreUnavailable as exc:
        print_note(f"the store cannot be reached: {exc}" if str(exc) else "the store cannot be reached")
        return Exit.UNAVAILABLE
    except Failure as exc:
        print_note(exc.message)
        return exc.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as exc:  # the last door
        if os.environ.get("RELAY_DEBUG"):
            raise
        print_note(f"internal error: {type(exc).__name__} (set RELAY_DEBUG=1 for the traceback)")
        return Exit.INTERNAL


def _run(args: list[str]) -> int:
    command = typer.main.get_command(build(_wanted(args)))
    try:
        command(args=args, prog_name="relay")
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else Exit.DONE if exc.code is None else Exit.REFUSED
    return Exit.DONE


def _wanted(args: Sequence[str]) -> Iterable[str]:
    """The command these arguments name, so that only its module is loaded; all where none is recognised."""
    words = iter(args)
    for word in words:
        if word == "--config":
            next(words, None)
        elif word in (*GROUPS, *COMMANDS):
            return (word,)
        elif not word.startswith("-"):
            break
    return sorted((*GROUPS, *COMMANDS))


def build(names: Iterable[str]) -> typer.Typer:
    """The root with these commands."""
    root = typer.Typer(
        help="An SMTP relay that enforces a permission policy inline.",
        callback=_root,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for name in names:
        module = f"relay.cli.{name}"
        if importlib.util.find_spec(module) is None:
            continue
        app: typer.Typer = importlib.import_module(module).app
        if name in GROUPS:
            root.add_typer(app, name=name, no_args_is_help=True)
        else:
            (command,) = app.registered_commands
            command.name = name
            root.registered_commands.append(command)
    return root


def _version(asked: bool) -> None:
    if asked:
        print_line(f"relay {__version__}")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", envvar="RELAY_CONFIG", help="Settings file; default: relay.toml where there is one."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    ctx.obj = Invocation(config, os.environ)


if __name__ == "__main__":
    sys.exit(main())
