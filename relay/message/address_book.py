"""The registered postal addresses of every account, ready to be met in a footer (clause 5.3)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policies.facts import Account, Found
from relay.message.parts import DisplayedPart
from relay.message.postal_address import RegisteredAddress

TAIL = 4096
"""Octets at the end of a part that count as its footer here."""
_ALIKE = 50
"""Addresses kept under one word at most."""
_FEW = 24
"""Words up to which looking for each costs less than taking the tail apart."""
_APART = bytes(octet if chr(octet).isalnum() and octet < 128 else 32 for octet in range(256))
"""Leaves ASCII letters and digits, blanks in between."""
_WORD = re.compile(rb"[a-z0-9]{4,}")
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class _Entry:
    account_id: int
    text: str


class AddressBook:
    """Finds another account's address; each stands under its most telling word, so a look costs one set."""

    def __init__(self, addresses: Iterable[tuple[int, str]]) -> None:
        self._index: dict[bytes, list[_Entry]] = {}
        self._own: dict[int, list[str]] = {}
        for account_id, text in addresses:
            self._own.setdefault(account_id, []).append(text)
            word = _telling(text)
            entries = self._index.setdefault(word, []) if word else []
            if len(entries) < _ALIKE:
                entries.append(_Entry(account_id, text))

    def foreign(self, account: Account, displayed: Sequence[DisplayedPart]) -> Found | None:
        """An address in the footer that only other accounts registered."""
        for one in displayed if self._index else ():
            tail = one.decoded[-TAIL:]
            for word in self._met(tail.lower()):
                for entry in self._index[word]:
                    if entry.account_id == account.account_id:
                        continue
                    found = _stands(entry.text, one, tail, word)
                    if found is not None and not self._is_own(entry.text, account):
                        return found
        return None

    def _met(self, lower: bytes) -> Iterable[bytes]:
        """Words of the index that stand in a tail, perhaps within longer ones."""
        if len(self._index) <= _FEW:
            return [word for word in self._index if word in lower]
        return self._index.keys() & set(lower.translate(_APART).split())

    def _is_own(self, text: str, account: Account) -> bool:
        """Whether the account registered the same place, for itself or for one of its brands."""
        wanted = RegisteredAddress(text)
        own = (account.footer.postal_address, *self._own.get(account.account_id, ()))
        return any(found.exact for one in own if (found := wanted.find(one)) is not None)


def _telling(text: str) -> bytes:
    """The longest number of an address, such as its post code, else its longest word; empty: it has none."""
    words = _WORD.findall(text.lower().encode())
    return max((one for one in words if one.isdigit()), key=len, default=max(words, key=len, default=b""))


def _stands(text: str, one: DisplayedPart, tail: bytes, word: bytes) -> Found | None:
    shown = tail.decode(one.charset, "replace")
    if one.html:
        shown = html.unescape(_TAG.sub(" ", shown))
    found = RegisteredAddress(text).find(shown)
    if found is None or not found.exact:
        return None
    line = one.decoded.count(b"\n", 0, max(one.decoded.lower().rfind(word), 0)) + 1
    return Found(one.part.number, line, found.excerpt)
