"""Clause 3.3: what addresses look like that a machine made up or collected."""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.address import Address

TRAPS, MACHINE_LIKE = "traps", "machine-like"
_MACHINE = (MACHINE_LIKE,)
_MOST_DIGITS = 18
_MIXED = re.compile(r"\d+[a-z]+\d+[a-z]+\d|[a-z]\d+[a-z]+\d+[a-z]", re.ASCII | re.IGNORECASE)
"""Four changes between letters and digits."""
_VOWELS = str.maketrans("", "", "aeiouyAEIOUY")
_DIGITS = "0123456789"
_LONG, _LETTERS, _FEW_VOWELS = 10, 12, 0.15


def by_chance(local: str) -> bool:
    """Whether a local part is likely letters and digits by chance: 'x7k2q9vd31', 'qwrtpsdfghjkl'."""
    if len(local) < _LONG:
        return False
    if not local.isalpha():
        return _MIXED.search(local) is not None
    vowels = len(local) - len(local.translate(_VOWELS))
    return len(local) >= _LETTERS and vowels < len(local) * _FEW_VOWELS


@dataclass(slots=True)
class Patterns:
    """Looks at the addresses of a file in their order."""

    traps: frozenset[str]
    """Address keys and domains, lower case."""
    _stem: str = ""
    _number: int = -1

    def marks(self, address: Address) -> tuple[str, ...]:
        """The signals that this address, after those before it, gives of its batch."""
        machine = _MACHINE if self._counts_on(address.local) or by_chance(address.local) else ()
        if self.traps and (address.key in self.traps or address.domain in self.traps):
            return (TRAPS, *machine)
        return machine

    def _counts_on(self, local: str) -> bool:
        """user7 after user6: nobody's list is in that order."""
        stem = local.rstrip(_DIGITS)
        if len(stem) == len(local) or len(local) > len(stem) + _MOST_DIGITS:
            self._stem, self._number = local, -1
            return False
        number = int(local[len(stem) :])
        on = stem == self._stem and number == self._number + 1 and self._number >= 0
        self._stem, self._number = stem, number
        return on
