"""relay.toml, the environment and secret files to Settings; names every mistake at once, by key."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.checks import check
from config.environment import Variable, read_environment
from config.keys import Key, Table, shape_of, spell
from config.mistakes import ConfigError, Mistake
from config.paths import resolve_paths
from config.schema import Settings
from config.toml_file import TomlFile, Tree, read_toml
from config.validation import Finding, drop_unknown, plain, validate, values_of

__all__ = ["ConfigError", "Loaded", "Mistake", "load"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force and where each value came from."""

    settings: Settings
    origins: Mapping[str, str]
    """By key: 'default', 'FILE:LINE' or the name of a variable."""
    path: Path | None
    """The file read; None: there was none."""

    @property
    def folder(self) -> Path:
        """What relative paths resolve against."""
        return _folder(self.path)


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where keys stand: lines of the file, names of variables."""

    path: Path | None
    lines: Mapping[Key, int]
    variables: Mapping[Key, str]

    def where(self, key: Key) -> str:
        """Where exactly this key was set."""
        if key in self.variables:
            return self.variables[key]
        return f"{self.path}:{self.lines[key]}" if key in self.lines else "default"

    def origin(self, key: Key) -> str:
        """Where a value came from; a variable may set one item of an array."""
        items = [name for one, name in self.variables.items() if one[:-1] == key]
        return items[0] if items and key not in self.variables else self.where(key)

    def near(self, key: Key) -> str:
        """Where to look for a mistake: the key, the table it belongs in, or the file."""
        for length in range(len(key), 0, -1):
            place = self.origin(key[:length])
            if place != "default":
                return place
        return "default"

    def line(self, key: Key) -> float:
        """For sorting: the line of the key or of the nearest table around it; none is last."""
        lines = (self.lines.get(key[:length]) for length in range(len(key), 0, -1))
        return next((line for line in lines if line), math.inf)


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Environment over file over default; ConfigError holds all that is wrong.

    Relative paths resolve against the file's folder, without a file against the working directory.
    """
    folder = _folder(path)
    file = read_toml(path) if path else TomlFile({}, {})
    shape = shape_of(Settings)
    variables, mistakes = read_environment(environ, shape, folder)
    findings = drop_unknown(file.tree, shape)
    for variable in variables:
        findings += _set(file.tree, variable, shape)
    settings, wrong = validate(file.tree)
    findings += wrong
    wrong_keys = {spell(one.key) for one in findings} | {one.key for one in mistakes}
    findings += [one for one in check(settings) if _sound(one, wrong_keys)]
    sources = _Sources(path, file.lines, {one.key: one.name for one in variables})
    findings.sort(key=lambda one: sources.line(one.key))
    mistakes = [Mistake(spell(one.key), one.what, sources.near(one.key)) for one in findings] + mistakes
    if mistakes:
        raise ConfigError(mistakes)
    origins = {spell(key): sources.origin(key) for key, _ in values_of(plain(settings), shape)}
    return Loaded(resolve_paths(settings, folder), origins, path)


def _folder(path: Path | None) -> Path:
    return (path.parent if path else Path()).resolve()


def _sound(finding: Finding, wrong: set[str]) -> bool:
    """Whether a finding's grounds hold: neither it nor what it rests on was replaced for being wrong."""
    grounds = (finding.key, *finding.rests_on)
    return not any(spell(key[:length]) in wrong for key in grounds for length in range(1, len(key) + 1))


def _set(tree: Tree, variable: Variable, shape: Table) -> list[Finding]:
    """Lay a variable's value over the tree; arrays the file does not have start as their default."""
    *way, last = variable.key
    defaults = plain(Settings())
    node: object = tree
    for name in way:
        default = _below(defaults, name)
        if isinstance(node, dict):
            node = node.setdefault(name, default if isinstance(default, list) else {})
        elif isinstance(node, list):
            if int(name) > len(node):
                return [Finding(variable.key, f"leaves a gap: the next free index is {len(node)}")]
            if int(name) == len(node):
                node.append({})
            node = node[int(name)]
        defaults = default
    if isinstance(node, dict):
        node[last] = variable.value
    elif isinstance(node, list):
        if int(last) > len(node):
            return [Finding(variable.key, f"leaves a gap: the next free index is {len(node)}")]
        node[int(last) : int(last) + 1] = [variable.value]
    return []


def _below(node: object, name: str) -> object:
    if isinstance(node, dict):
        return node.get(name)
    if isinstance(node, list) and int(name) < len(node):
        return node[int(name)]
    return None
