"""The parts of docs/*.md that code knows best: `make docs` has cog put them there, and a test compares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import typer
from annotated_types import Ge, Le
from typer.core import TyperGroup

from config.keys import GROUPS as RULE_GROUPS
from config.schema import OBSERVED, RULES, Settings
from docs.reading import ROOT, findings, reply_codes
from policies.clauses import CLAUSES
from policies.guidance import GUIDANCE
from policies.registry import Registered, build
from relay.cli import main as command_line

WIDTH = 100
"""Columns of --help as docs show it."""

BY_THE_SMARTHOST = {"smarthost.refused": "the end of DATA", "smarthost.unavailable": "the end of DATA"}
STAGES = {"authentication": "AUTH", "sender": "MAIL", "recipient": "RCPT", "message": "the end of DATA"}
SHOWN = RULES + tuple(one for one in GUIDANCE if one not in RULES)


# ---------------------------------------------------------------- commands


def every_command() -> Iterator[typer.Context]:
    """A context for `relay` and each command below it, nouns before their verbs."""
    root = typer.main.get_command(command_line.build(sorted((*command_line.GROUPS, *command_line.COMMANDS))))
    yield from _below(typer.Context(root, None, "relay", terminal_width=WIDTH, max_content_width=WIDTH))


def _below(context: typer.Context) -> Iterator[typer.Context]:
    yield context
    group = context.command
    if not isinstance(group, TyperGroup):
        return
    for name in group.list_commands(context):
        child = group.get_command(context, name)
        assert child is not None
        yield from _below(typer.Context(child, context, name, terminal_width=WIDTH, max_content_width=WIDTH))


def commands() -> str:
    """--help of every command."""
    return "\n".join(
        f"{'#' * (1 + len(context.command_path.split()))} {context.command_path}\n\n"
        f"```text\n{context.command.get_help(context).rstrip()}\n```\n"
        for context in every_command()
    )


# ---------------------------------------------------------------- settings


def settings() -> str:
    """One table for each table of relay.toml."""
    said = explanations()
    parts = []
    for name, heading, table in tables():
        rows = ["| key | default | takes | meaning |", "|---|---|---|---|"]
        hints = get_type_hints(table, include_extras=True)
        for one in fields(table):
            if not _is_table(hints[one.name]):
                words = said.get((name, one.name), "")
                rows.append(f"| `{one.name}` | {_default(one)} | {takes(hints[one.name])} | {_cell(words)} |")
        parts.append(f"## {heading}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def tables() -> Iterator[tuple[str, str, type]]:
    """(name, heading, dataclass); the keys outside of any table first, under the name ''."""
    yield "", "At the top", Settings
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        if table := _is_table(hint):
            array = get_origin(hint) is tuple
            heading = '[policy."RULE"]' if name == "policy" else f"[[{name}]]" if array else f"[{name}]"
            yield name, heading, table


def _is_table(hint: object) -> type | None:
    """The dataclass of a table, of an array's entries or of named tables; None for a value."""
    for one in (hint, *get_args(hint)):
        if isinstance(one, type) and is_dataclass(one):
            return one
    return None


def explanations() -> dict[tuple[str, str], str]:
    """What relay.toml writes behind each key: the first that is said of it."""
    found: dict[tuple[str, str], str] = {}
    table = ""
    for line in (ROOT / "relay.toml").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"\[+([a-z_]+)", line):
            table = heading[1]
        elif key := re.match(r"(?:# )?([a-z_]+) = .*?  # (.*)", line):
            found.setdefault((table, key[1]), key[2])
    return found


def _default(one: Field[object]) -> str:
    if one.default is MISSING:
        return "must be given"
    return _code(one.default)


def _code(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return f"`[{', '.join(_quoted(each) for each in value)}]`"
        case str() | Path():
            return f"`{_quoted(value)}`"
    return f"`{value}`"


def _quoted(value: object) -> str:
    return f'"{value}"'


def takes(hint: object) -> str:
    """A type in words: its range or its choices."""
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        least = next(one.ge for one in arguments if isinstance(one, Ge))
        most = next((one.le for one in arguments if isinstance(one, Le)), None)
        return f"{least} or more" if most is None else f"{least} to {most:g}"
    if get_origin(hint) is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if get_origin(hint) is tuple:
        return f"list of {takes(arguments[0])}s"
    if arguments:
        return takes(next(one for one in arguments if one is not type(None)))
    return {str: "text", bool: "`true`, `false`", int: "number", float: "number", Path: "path"}[hint]  # type: ignore[index]


def rule_groups() -> str:
    """The groups that a [policy.GROUP] table may name."""
    return ", ".join(f"`{group}`" for group in RULE_GROUPS)


# ---------------------------------------------------------------- rules


def rules() -> str:
    """A section for every rule: reply, when it is asked, clause, what it asks, how to mend it."""
    registered = build(Settings())
    codes = reply_codes(registered.everything())
    clauses = {rule.id: rule.clause for rule in registered.everything()}
    parts = []
    for rule in SHOWN:
        said = GUIDANCE[rule]
        told = [
            f"reply {' or '.join(f'`{code}`' for code in sorted(codes[rule]))}",
            f"asked at {_asked_at(rule)}",
            _clause(clauses.get(rule)),
            *(["observes only, unless its table says `enforce`"] if rule in OBSERVED else []),
        ]
        parts.append(f"## {rule}\n\n{' · '.join(told)}\n\n{said.asks}\n\n**Mend it:** {said.mend}\n")
    return "\n".join(parts)


def _asked_at(rule: str) -> str:
    registered = build(Settings())
    places: dict[str, tuple[Registered, ...]] = {name: getattr(registered, name) for name in STAGES}
    named = [STAGES[name] for name, here in places.items() if any(one.id == rule for one in here)]
    return ", ".join(named) or BY_THE_SMARTHOST.get(rule, "any command")


def _clause(clause: str | None) -> str:
    title = next((one.title for one in CLAUSES if one.id == clause), "")
    return f"clause {clause}: {title}" if clause else "of transport, no clause"


# ---------------------------------------------------------------- findings


def doctor_findings() -> str:
    """What `relay doctor` may find; values are `…`."""
    rows = ["| finding | level | says | mend |", "|---|---|---|---|"]
    good = []
    for name, ways in sorted(findings().items()):
        for one in ways:
            if one.level == "ok":
                good.append(f"`{name}`")
            else:
                rows.append(f"| `{name}` | {one.level} | {_cell(one.what)} | {_cell(one.mend)} |")
    return "\n".join(rows) + f"\n\nWhere all is well, level `ok`: {', '.join(dict.fromkeys(good))}."


def _cell(text: str) -> str:
    return text.replace("|", "or")
