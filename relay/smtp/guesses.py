"""Password guessing is slowed and stopped without locking the owner out (RELIABILITY.md row 32, figure 21)."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

WINDOW = 3600.0
"""Seconds a wrong guess is remembered."""

_MOST_KEYS = 50_000
"""Logins and networks remembered at most; the longest untouched go first."""


class Guesses:
    """Wrong passwords of one worker: per login and network, and per login over all strange networks.

    A network from which the login succeeded before is not strange: strangers' guesses never close it.
    """

    def __init__(self, monotonic: Callable[[], float], per_network: int = 10, per_login: int = 20) -> None:
        self._monotonic = monotonic
        self._per_network = per_network
        self._per_login = per_login
        self._failed: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def blocked(self, login: str, client: str) -> bool:
        """Whether this login is not even tried from there now: 454 4.7.0 whatever the password."""
        network = network_of_guess(client)
        if self._count((login, network)) >= self._per_network:
            return True
        return (login, network) not in self._known and self._count((login, "")) >= self._per_login

    def failed(self, login: str, client: str) -> None:
        network = network_of_guess(client)
        self._remember((login, network))
        if (login, network) not in self._known:
            self._remember((login, ""))

    def succeeded(self, login: str, client: str) -> None:
        key = (login, network_of_guess(client))
        self._failed.pop(key, None)
        self._known[key] = None
        self._known.move_to_end(key)
        if len(self._known) > _MOST_KEYS:
            self._known.popitem(last=False)

    def _count(self, key: tuple[str, str]) -> int:
        since = self._monotonic() - WINDOW
        return sum(at > since for at in self._failed.get(key, ()))

    def _remember(self, key: tuple[str, str]) -> None:
        now = self._monotonic()
        recent = [at for at in self._failed.get(key, ()) if at > now - WINDOW]
        self._failed[key] = [*recent, now][-self._per_login :]
        self._failed.move_to_end(key)
        if len(self._failed) > _MOST_KEYS:
            self._failed.popitem(last=False)


def network_of_guess(client: str) -> str:
    """The /24 of an IPv4 address, the /48 of an IPv6 one."""
    try:
        prefix = 48 if ":" in client else 24
        return str(ipaddress.ip_network((client.partition("%")[0], prefix), strict=False))
    except ValueError:
        return client
