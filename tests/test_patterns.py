"""No regular expression takes long over text from outside, whoever wrote it (RELIABILITY.md row 20)."""

import importlib
import re
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for package in ("config", "policies", "relay")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts and path.name != "__main__.py" and "re.compile" in path.read_text("utf-8")
]
PIECES = (
    "a",
    " ",
    "\t",
    "-",
    ".",
    "<",
    "<!--",
    "(",
    '"',
    "a@",
    "a.",
    "a b",
    " \n",
    "\r\n ",
    "=?",
    "{{",
    "&#",
    "0",
    "_",
    ":",
    ";a=",
    "%7B",
    "/*",
    "http://a",
)
LENGTH = 4_000
SECONDS = 0.25
"""For one match from one place through so many characters; what is linear takes a millisecond. That whole messages
take time in proportion to their length is tested with the scanner and the readers."""


def patterns(module):
    """Compiled patterns that stand in a module, alone or within tuples, lists and dictionaries."""
    waiting, found = list(vars(importlib.import_module(module)).values()), {}
    while waiting:
        one = waiting.pop()
        if isinstance(one, re.Pattern):
            found[one.pattern] = one
        elif isinstance(one, tuple | list | frozenset | set):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
    return found.values()


@pytest.mark.parametrize("module", MODULES)
def test_every_pattern_is_through_long_text_in_no_time(module):
    slow = []
    for pattern in patterns(module):
        binary = isinstance(pattern.pattern, bytes)
        for piece in PIECES:
            for text in (piece * (LENGTH // len(piece)) + "\x00", "a" + piece * (LENGTH // len(piece)) + "!"):
                began = time.process_time()
                (pattern.match(text.encode()) if binary else pattern.match(text))
                if time.process_time() - began > SECONDS:
                    slow.append(f"{pattern.pattern!r} on {piece!r}")
                    break

    assert not slow
