"""Settings from the environment: RELAY__TABLE__KEY, and RELAY__TABLE__KEY_FILE for a value kept in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.keys import Array, Key, Leaf, Named, Shape, Table, leaves_of, nearest, spell, variable
from config.mistakes import Mistake

PREFIX = "RELAY__"
TRUE, FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class Variable:
    """One RELAY__ name that sets a known key."""

    name: str
    key: Key
    leaf: Leaf
    text: str

    @property
    def value(self) -> object:
        """The text as its key's type; what does not fit stays text, for validation to refuse."""
        return _typed(self.text, self.leaf)


def read_environment(environ: Mapping[str, str], shape: Table, folder: Path) -> tuple[list[Variable], list[Mistake]]:
    """All RELAY__ names, in the order of their keys; `_FILE` paths are relative to `folder`."""
    found: dict[Key, Variable] = {}
    mistakes: list[Mistake] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        read = _variable(name, environ[name], shape, folder)
        if isinstance(read, Variable) and read.key in found:
            read = Mistake(spell(read.key), f"is also set by {found[read.key].name}", name)
        if isinstance(read, Mistake):
            mistakes.append(read)
        else:
            found[read.key] = read
    return sorted(found.values(), key=lambda one: _order(one.key)), mistakes


def _variable(name: str, text: str, shape: Table, folder: Path) -> Variable | Mistake:
    parts = tuple(name.removeprefix(PREFIX).lower().split("__"))
    if not _is_text(name + text):
        return Mistake(".".join(parts), "is not UTF-8", name)
    plain = resolve(shape, parts)
    if plain is not None:
        return Variable(name, *plain, text)
    stem = parts[-1].removesuffix("_file")
    secret = resolve(shape, (*parts[:-1], stem)) if stem != parts[-1] else None
    if secret is None:
        return Mistake(".".join(parts), f"unknown, did you mean {variable(nearest(parts, leaves_of(shape)))}?", name)
    try:
        kept = (folder / text).read_bytes().decode("utf-8")
    except OSError as exc:
        return Mistake(spell(secret[0]), f"names a file that cannot be read: {exc.strerror}", name)
    except ValueError:
        return Mistake(spell(secret[0]), "names a file that is not UTF-8", name)
    return Variable(name, *secret, kept.rstrip("\r\n"))


def resolve(shape: Shape, parts: Key) -> tuple[Key, Leaf] | None:
    """The key that a variable's parts name, and its leaf.

    A rule id's dot is a dot or a double underscore (shells export no names with dots):
    RELAY__POLICY__FOOTER.POSTAL_ADDRESS__MODE, RELAY__POLICY__FOOTER__POSTAL_ADDRESS__MODE.
    """
    match shape, parts:
        case Leaf(), ():
            return (), shape
        case Leaf(), (index,) if shape.array and _is_index(index):
            return (str(int(index)),), Leaf(str)
        case Table(keys), (name, *rest) if name in keys:
            return _under((name,), keys[name], tuple(rest))
        case Array(entry), (index, *rest) if _is_index(index):
            return _under((str(int(index)),), entry, tuple(rest))
        case Named(entry), (_, *_, last):
            return _under((".".join(parts[:-1]),), entry, (last,))
    return None


def _under(head: Key, shape: Shape, rest: Key) -> tuple[Key, Leaf] | None:
    found = resolve(shape, rest)
    return None if found is None else ((*head, *found[0]), found[1])


def _is_index(text: str) -> bool:
    return text.isdecimal() and len(text) <= 4


def _is_text(text: str) -> bool:
    """The operating system hands octets that are not UTF-8 over as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _order(key: Key) -> tuple[tuple[int, str], ...]:
    """Indexes as numbers, so that entry 2 comes before entry 10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in key)


def _typed(text: str, leaf: Leaf) -> object:
    choices = leaf.choices
    if type(None) in choices and not text:
        return None
    if leaf.array:
        return _items(text)
    if bool in choices:
        word = text.lower()
        return True if word in TRUE else False if word in FALSE else text
    for kind in (int, float):
        if kind in choices:
            try:
                return kind(text)
            except ValueError:
                return text
    return text


def _items(text: str) -> object:
    """An array: JSON (["a", "b"]) or separated by commas; empty text is the empty array."""
    if text.startswith('["') or text == "[]":
        try:
            items: object = json.loads(text)
        except ValueError:
            return text
        return items
    return [item.strip() for item in text.split(",")] if text.strip() else []
