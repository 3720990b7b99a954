"""A tree of plain values to Settings: unknown keys, types and ranges, all mistakes of one reading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from config.keys import Array, Key, Leaf, Named, Shape, Table, keys_of, nearest, spell
from config.schema import Settings
from config.toml_file import Tree

WORDS = {
    "missing": "must be given",
    "dataclass_type": "must be a table",
    "dict_type": "must hold tables",
    "tuple_type": "must be an array",
    "literal_error": "must be {expected}",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text in quotes",
    "path_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
}
"""pydantic's error types in an administrator's words; none quotes the value."""

PLACEHOLDERS = {"kind": "intake", "bind": "127.0.0.1:0"}
"""Stand in for required keys that are missing or wrong, so that the rest can still be checked."""

PLACEHOLDER_ENTRIES: dict[Key, object] = {("listener",): PLACEHOLDERS, ("smarthost",): {}}
"""Stand in for entries of arrays that are no tables; other arrays hold text."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake before its place is known; pointless where a key it rests on is itself wrong."""

    key: Key
    what: str
    rests_on: tuple[Key, ...] = ()


def drop_unknown(tree: Tree, shape: Table) -> list[Finding]:
    """Take keys the schema does not know out of the tree, and say what each may have meant."""
    unknown = list(_unknown(tree, shape))
    for key in unknown:
        _remove(tree, key)
    return [Finding(key, f"unknown key, did you mean {spell(_meant(key, shape))}?") for key in unknown]


def _meant(key: Key, shape: Table) -> Key:
    """The nearest known key that is not a table around this one."""
    return nearest(key, (one for one in keys_of(shape) if len(one) >= len(key) or key[: len(one)] != one))


def _unknown(node: object, shape: Shape, prefix: Key = ()) -> Iterator[Key]:
    """Keys without a place in the shape; values of the wrong form are left for validation."""
    for name, child, below in _children(node, shape):
        if below is None:
            yield (*prefix, name)
        else:
            yield from _unknown(child, below, (*prefix, name))


def _children(node: object, shape: Shape) -> list[tuple[str, object, Shape | None]]:
    """What a table or array holds, each with its shape; None: the schema has none for it."""
    match shape, node:
        case Table(keys), dict():
            return [(name, child, keys.get(name)) for name, child in node.items()]
        case Named(entry), dict():
            return [(name, child, entry) for name, child in node.items()]
        case Array(entry), list():
            return [(str(index), child, entry) for index, child in enumerate(node)]
    return []


def validate(tree: Tree) -> tuple[Settings, list[Finding]]:
    """Settings and what is wrong with them; what is wrong takes its default or a placeholder."""
    adapter = TypeAdapter(Settings)
    findings: list[Finding] = []
    while True:
        try:
            # JSON is where pydantic's strict mode takes tables for dataclasses and text for paths.
            return adapter.validate_json(json.dumps(tree, default=_date), strict=True), findings
        except ValidationError as exc:
            errors = exc.errors(include_url=False, include_input=False)
        for error in errors:
            key = tuple(str(part) for part in error["loc"])
            findings.append(Finding(key, _words(error)))
            _mend(tree, key)


def _date(value: object) -> object:
    """TOML dates and times: no setting is one, and an object is of no setting's type."""
    return {"date": str(value)}


def _words(error: ErrorDetails) -> str:
    return WORDS.get(error["type"], "{msg}").format(msg=error["msg"], **error.get("ctx", {}))


def _mend(tree: Tree, key: Key) -> None:
    """Make a wrong key harmless: a placeholder where something must stand, else its default."""
    parent = _node(tree, key[:-1])
    if isinstance(parent, list):
        parent[int(key[-1])] = PLACEHOLDER_ENTRIES.get(key[:-1], "")
    elif isinstance(parent, dict) and key[0] == "listener" and key[-1] in PLACEHOLDERS:
        parent[key[-1]] = PLACEHOLDERS[key[-1]]
    else:
        _remove(tree, key)


def _node(tree: Tree, key: Key) -> object:
    node: object = tree
    for part in key:
        node = node[int(part)] if isinstance(node, list) else node.get(part) if isinstance(node, dict) else None
    return node


def _remove(tree: Tree, key: Key) -> None:
    parent = _node(tree, key[:-1])
    assert isinstance(parent, dict), f"{key} was found in a table"
    del parent[key[-1]]


def plain(value: object) -> object:
    """Settings, or a part of them, as TOML would hold them: tables, arrays, text for paths."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return str(value) if isinstance(value, Path) else value


def values_of(node: object, shape: Shape, prefix: Key = ()) -> Iterator[tuple[Key, object]]:
    """Every leaf of a plain tree of settings with its key, in the schema's order."""
    if isinstance(shape, Leaf):
        yield prefix, node
    for name, child, below in _children(node, shape):
        assert below is not None, "settings hold what the schema knows"
        yield from values_of(child, below, (*prefix, name))
