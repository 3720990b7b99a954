"""How often forms that anybody may send are taken: by client and by form (RELIABILITY.md row 51)."""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class FormLimits:
    """Counts of the last hour, in this process's memory; what a person gets is counted in the store."""

    def __init__(self, per_client: int, per_form: int) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._per_client = RateLimitItemPerHour(per_client)
        self._per_form = RateLimitItemPerHour(per_form)

    def taken(self, client: str, form: str) -> int:
        """Count one form; 0, or the seconds until another is taken. What is not taken does not count."""
        asked = ((self._per_client, "client", neighbourhood(client)), (self._per_form, "form", form))
        for one in asked:
            if not self._windows.test(*one):
                return max(1, math.ceil(self._windows.get_window_stats(*one).reset_time - time.time()))
        for one in asked:
            self._windows.hit(*one)
        return 0


def neighbourhood(client: str) -> str:
    """What one subscriber line has: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
