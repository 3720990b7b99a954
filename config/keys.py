"""The keys relay.toml may hold, read off the schema's dataclasses, and the nearest one to a mistyped key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import TypeAlias, get_args, get_origin, get_type_hints

from config.schema import RULES

Key: TypeAlias = tuple[str, ...]
"""A key's parts; an array's index is its decimal digits: ('listener', '0', 'bind')."""

GROUPS = tuple(dict.fromkeys(rule.partition(".")[0] for rule in RULES))
"""Rule groups, each as good as a rule id in [policy."…"]."""

BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single value, or an array of plain values."""

    hint: object

    @property
    def choices(self) -> frozenset[object]:
        """The types a value may have: int for int, str and NoneType for `str | None`."""
        return frozenset(get_args(self.hint) if get_origin(self.hint) is not tuple else ()) or frozenset(
            [get_origin(self.hint) or self.hint]
        )

    @property
    def array(self) -> bool:
        return get_origin(self.hint) is tuple


@dataclass(frozen=True, slots=True)
class Table:
    """A [table]."""

    keys: Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Array:
    """[[tables]], reached by index."""

    entry: Table


@dataclass(frozen=True, slots=True)
class Named:
    """Tables under names of their own: [policy."rule.id"]."""

    entry: Table


Shape: TypeAlias = Leaf | Table | Array | Named


def shape_of(cls: type) -> Table:
    """The shape of a table's dataclass."""
    return Table({name: _shape(hint) for name, hint in get_type_hints(cls).items()})


def _shape(hint: object) -> Shape:
    if isinstance(hint, type) and is_dataclass(hint):
        return shape_of(hint)
    entries = [one for one in get_args(hint) if isinstance(one, type) and is_dataclass(one)]
    if not entries:
        return Leaf(hint)
    return Array(shape_of(entries[0])) if get_origin(hint) is tuple else Named(shape_of(entries[0]))


def spell(key: Key) -> str:
    """As relay.toml spells it: listener.0.bind, policy."footer.postal_address".mode."""
    return ".".join(part if BARE.fullmatch(part) else f'"{part}"' for part in key)


def variable(key: Key) -> str:
    """The environment variable that sets a key."""
    return "__".join(("RELAY", *(part.upper() for part in key)))


def keys_of(shape: Shape, prefix: Key = ()) -> Iterator[Key]:
    """Every key, tables too; an array stands with its entry 0, [policy] with each rule id and group."""
    if prefix:
        yield prefix
    for name, child in _below(shape):
        yield from keys_of(child, (*prefix, name))


def leaves_of(shape: Shape, prefix: Key = ()) -> Iterator[Key]:
    """The keys that have a value themselves."""
    if isinstance(shape, Leaf):
        yield prefix
    for name, child in _below(shape):
        yield from leaves_of(child, (*prefix, name))


def _below(shape: Shape) -> Iterable[tuple[str, Shape]]:
    match shape:
        case Table(keys):
            return keys.items()
        case Array(entry):
            return [("0", entry)]
        case Named(entry):
            return [(name, entry) for name in (*RULES, *GROUPS)]
    return ()


def nearest(key: Key, known: Iterable[Key]) -> Key:
    """The known key most like an unknown one, alike as a whole and in its last part."""
    index = next((part for part in key if part.isdecimal()), "0")
    placed = [tuple(index if part == "0" else part for part in one) for one in known]
    return max(placed, key=lambda one: _likeness(spell(key), spell(one)) + _likeness(key[-1], one[-1]))


def _likeness(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a.lower(), b.lower()).ratio()
