"""Every configured smarthost behind one door: links kept open over SMTP, or a Maildir."""

from __future__ import annotations

import random
from pathlib import Path

from config.schema import Settings, Smarthost
from relay.adapters.clock import SystemClock
from relay.adapters.maildir import Maildir
from relay.adapters.smarthost import Opener, Route, client_context
from relay.forwarding.breaker import Breaker
from relay.forwarding.links import Links
from relay.forwarding.smarthosts import Pool, Weighted


def smarthosts(settings: Settings, clock: SystemClock) -> Pool:
    """The pool that all copies go through."""
    doors = [Weighted(_door(settings, one, clock), one.weight) for one in settings.smarthost]
    return Pool(doors, random.random)


def _door(settings: Settings, one: Smarthost, clock: SystemClock) -> Links | Maildir:
    if one.url.startswith("maildir:"):
        return Maildir(Path(one.url.removeprefix("maildir:")))
    route, clocks = Route.parse(one.url), settings.delivery
    opener = Opener(route, settings.hostname, clocks.connect_timeout, client_context(one.verify))
    breaker = Breaker(clock.monotonic)
    return Links(route.name, opener.open, one.connections, one.messages_per_connection, clocks.idle_timeout, breaker)
