"""Copies rendered again from what the spool kept: the same octets as the first time (RELIABILITY.md §E3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from policies.facts import FooterIdentity
from relay.forwarding.copies import read_copy_recipe, read_recipe
from relay.message.dkim import SigningKeys
from relay.message.rewrite import Prepared, prepare
from relay.ports import SpooledCopy, SpooledMessage
from relay.reading import read_now


class Rendering:
    """Prepares a spooled message once for all its copies; our own mail goes out as it is."""

    def __init__(self, keys: SigningKeys, hostname: str, public_url: str) -> None:
        self._keys = keys
        self._hostname = hostname
        self._public_url = public_url
        self._last: tuple[str, Prepared] | None = None

    def __call__(self, message: SpooledMessage, copy: SpooledCopy) -> Callable[[bool], bytes]:
        """What makes the copy's octets; raises where the message cannot be rendered any more."""
        if not message.recipe:
            return lambda eight_bit: message.raw
        return partial(self._prepared(message).render, read_copy_recipe(copy.copy))

    def _prepared(self, message: SpooledMessage) -> Prepared:
        if self._last is None or self._last[0] != message.ref:
            recipe = read_recipe(message.recipe)
            footer = FooterIdentity(recipe.organisation, recipe.postal_address)
            readable = read_now(message.raw, footer, self._hostname, self._public_url)
            self._last = message.ref, prepare(readable.message, readable.displayed, recipe, self._keys)
        return self._last[1]
