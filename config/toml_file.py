"""relay.toml as it stands: its tree, and the line of every key (tomllib knows none)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from config.keys import Key
from config.mistakes import ConfigError, Mistake

Tree: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class TomlFile:
    tree: Tree
    lines: Mapping[Key, int]
    """Tables and arrays have the line of their header."""


def read_toml(path: Path) -> TomlFile:
    """A file that cannot be read or parsed is one mistake, and nothing else can be said of it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        raise ConfigError([Mistake("", f"cannot be read: {exc.strerror}", str(path))]) from None
    except UnicodeDecodeError as exc:
        raise ConfigError([Mistake("", f"is not UTF-8 (octet {exc.start})", str(path))]) from None
    try:
        return TomlFile(tomllib.loads(text), key_lines(text))
    except ValueError as exc:
        raise ConfigError([Mistake("", f"is not TOML: {exc}", str(path))]) from None
    except RecursionError:
        raise ConfigError([Mistake("", "is nested too deep", str(path))]) from None


def key_lines(text: str) -> dict[Key, int]:
    """The line of each key of a valid TOML text, from 1."""
    lines: dict[Key, int] = {}
    arrays: dict[Key, int] = {}
    table: Key = ()
    for number, statement in _statements(text):
        tree = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _header(tree, arrays)
            lines.setdefault(table, number)
        else:
            for key in _keys(tree):
                lines.setdefault((*table, *key), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header or key with its value, which may run over several lines, and its first line."""
    pending, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        first = first if pending else number
        pending += line + "\n"
        if _complete(pending):
            if tomllib.loads(pending):
                yield first, pending
            pending = ""


def _complete(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _header(tree: Tree, arrays: dict[Key, int]) -> Key:
    """The key of [a.b] or [[a.b]]; counts the entries of arrays as they pass."""
    key: Key = ()
    node: object = tree
    while isinstance(node, dict) and node:
        name, node = next(iter(node.items()))
        key = (*key, name)
        if isinstance(node, list):
            arrays[key] = arrays.get(key, -1) + 1
        if key in arrays:
            key = (*key, str(arrays[key]))
    return key


def _keys(node: object) -> Iterator[Key]:
    """Every key inside a statement's value."""
    children: Iterator[tuple[str, object]] = iter(())
    if isinstance(node, dict):
        children = iter(node.items())
    elif isinstance(node, list):
        children = ((str(index), child) for index, child in enumerate(node))
    for name, child in children:
        yield (name,)
        yield from ((name, *rest) for rest in _keys(child))
