"""A domain one slip of the finger away from one that very many people have: likely that one (clause 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_SHORTEST = 8
"""Signs of a domain below which one slip makes too many others: 126.com, mail.ru."""


class Typos:
    """Knows the slips for a list of domains: a letter too many, too few, another one, or two in the wrong order."""

    def __init__(self, domains: Iterable[str], near: Iterable[str]) -> None:
        self._domains = tuple(domains)
        self._real = frozenset(self._domains) | frozenset(near)
        self._shorter: dict[str, list[str]] = {}
        for domain in self._domains:
            if len(domain) >= _SHORTEST:
                for one in {domain, *_without_one(domain)}:
                    self._shorter.setdefault(one, []).append(domain)

    def meant(self, domain: str) -> str:
        """The domain that was likely meant; empty where this one is nobody's slip."""
        if domain in self._real or len(domain) < _SHORTEST - 1:
            return ""
        for one in (domain, *_without_one(domain)):
            for meant in self._shorter.get(one, ()):
                if _one_slip(domain, meant) and not _abroad(domain, meant):
                    return meant
        return ""


def _without_one(text: str) -> Iterator[str]:
    for at in range(len(text)):
        yield text[:at] + text[at + 1 :]


def _abroad(typed: str, meant: str) -> bool:
    """Whether only the country differs: providers have mailboxes in many."""
    name, _, country = typed.rpartition(".")
    other, _, home = meant.rpartition(".")
    return name == other and len(country) == len(home) == 2


def _one_slip(typed: str, meant: str) -> bool:
    """Whether one letter was added, left out, replaced, or two neighbours changed places."""
    start = next((at for at, (one, two) in enumerate(zip(typed, meant, strict=False)) if one != two), None)
    if start is None:
        return abs(len(typed) - len(meant)) == 1
    rest, wanted = typed[start:], meant[start:]
    return (
        rest[1:] == wanted
        or rest == wanted[1:]
        or rest[1:] == wanted[1:]
        or (rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:])
    )
