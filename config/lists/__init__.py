"""Data that rules need, one entry a line; a line that starts with '#' is a comment."""

from __future__ import annotations

from importlib.resources import files


def lines(name: str) -> tuple[str, ...]:
    """The entries of a file of this package, in order, without comments and blank lines."""
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
