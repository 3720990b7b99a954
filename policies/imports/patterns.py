"""Clause 3.3: what addresses look like that a machine made up or collected."""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.address import Address

TRAPS, MACHINE_LIKE = "traps", "machine-like"
_NUMBERED = re.compile(r"(.*?)(\d{1,18})", re.ASCII)
_CHANGES = re.compile(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", re.ASCII)
_LONG, _MANY_CHANGES = 10, 4
_LETTERS, _FEW_VOWELS = 12, 0.15


def by_chance(local: str) -> bool:
    """Whether a local part is likely letters and digits by chance: 'x7k2q9vd31', 'qwrtpsdfghjkl'."""
    name = local.lower()
    if len(name) >= _LONG and len(_CHANGES.findall(name)) >= _MANY_CHANGES:
        return True
    vowels = sum(name.count(letter) for letter in "aeiouy")
    return len(name) >= _LETTERS and name.isalpha() and vowels < len(name) * _FEW_VOWELS


@dataclass(slots=True)
class Patterns:
    """Looks at the addresses of a file in their order."""

    traps: frozenset[str]
    """Address keys and domains, lower case."""
    _stem: str = ""
    _number: int = -1

    def marks(self, address: Address) -> tuple[str, ...]:
        """The signals that this address, after those before it, gives of its batch."""
        found = []
        if self.traps and (address.key in self.traps or address.domain in self.traps):
            found.append(TRAPS)
        if self._counts_on(address.local) or by_chance(address.local):
            found.append(MACHINE_LIKE)
        return tuple(found)

    def _counts_on(self, local: str) -> bool:
        """user7 after user6: nobody's list is in that order."""
        numbered = _NUMBERED.fullmatch(local)
        if numbered is None:
            self._stem, self._number = local, -1
            return False
        stem, number = numbered[1].lower(), int(numbered[2])
        on = stem == self._stem and number == self._number + 1 and self._number >= 0
        self._stem, self._number = stem, number
        return on
