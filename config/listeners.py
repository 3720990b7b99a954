"""Listeners that could not do their job, or would do another's (INTERFACE.md §3)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from config.endpoint import Endpoint, is_private
from config.keys import Key, spell
from config.schema import Listener, Settings
from config.validation import Finding


def check_listeners(settings: Settings) -> Iterator[Finding]:
    """Each listener by itself, then all ports together."""
    if not settings.listener:
        yield Finding(("listener",), "must hold at least one listener")
    endpoints: dict[Key, Endpoint] = {}
    for key, bind in _binds(settings):
        try:
            endpoints[key] = Endpoint.parse(bind)
        except ValueError as exc:
            yield Finding(key, str(exc))
    for index, listener in enumerate(settings.listener):
        key = ("listener", str(index))
        yield from _kind(key, listener)
        yield from _trusted(key, listener)
        yield from _proxies(key, listener)
        if endpoint := endpoints.get((*key, "bind")):
            yield from _encryption(key, listener, endpoint, settings)
    yield from _clashes(endpoints)


def _binds(settings: Settings) -> Iterator[tuple[Key, str]]:
    for index, listener in enumerate(settings.listener):
        yield ("listener", str(index), "bind"), listener.bind
    yield ("web", "bind"), settings.web.bind
    if settings.console.bind is not None:
        yield ("console", "bind"), settings.console.bind


def _kind(key: Key, listener: Listener) -> Iterator[Finding]:
    """Keys that mean nothing to a listener of this kind."""
    kind = ((*key, "kind"),)
    if listener.kind == "submission" and listener.auth == "optional":
        yield Finding((*key, "auth"), "a submission listener always requires AUTH", kind)
    if listener.kind != "bulk" and listener.trusted:
        yield Finding((*key, "trusted"), "only a bulk listener has trusted networks", kind)
    if listener.kind == "intake" and listener.auth:
        yield Finding((*key, "auth"), "an intake listener has no AUTH", kind)
    if listener.kind == "intake" and listener.on_unavailable:
        yield Finding((*key, "on_unavailable"), "an intake listener relays nothing", kind)


def _trusted(key: Key, listener: Listener) -> Iterator[Finding]:
    kind = (*key, "kind")
    if listener.kind == "bulk" and not listener.trusted:
        grounds = (kind, (*key, "trusted"))
        yield Finding((*key, "trusted"), "must name the networks that may connect to a bulk listener", grounds)
    for index, text in enumerate(listener.trusted):
        place = (*key, "trusted", str(index))
        if fault := network_fault(text):
            yield Finding(place, fault)
        elif listener.kind == "bulk" and listener.auth != "required" and not _is_ours(text):
            what = 'is not a private network: anybody there could send; set auth = "required", or narrow it'
            yield Finding(place, what, (kind, (*key, "auth")))


def _proxies(key: Key, listener: Listener) -> Iterator[Finding]:
    """Whoever is listed may claim to be any address."""
    for index, text in enumerate(listener.proxies):
        place = (*key, "proxies", str(index))
        if fault := network_fault(text):
            yield Finding(place, fault)
        elif ipaddress.ip_network(text).prefixlen == 0:
            yield Finding(place, "is everybody: list the load balancers themselves")


def _is_ours(text: str) -> bool:
    return is_private(ipaddress.ip_network(text))


def network_fault(text: str) -> str:
    """What keeps a text from being a network; empty: it is one."""
    try:
        near = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "must be a network such as 10.0.0.0/8 or fd00::/8"
    address = text.partition("/")[0]
    if ipaddress.ip_address(address) != near.network_address:
        return f"has bits set beyond its prefix, did you mean {near}?"
    return ""


def _encryption(key: Key, listener: Listener, endpoint: Endpoint, settings: Settings) -> Iterator[Finding]:
    """Passwords go in clear on loopback only; a certificate is made up for loopback only."""
    if endpoint.loopback:
        return
    tls, grounds = (*key, "tls"), ((*key, "kind"), (*key, "auth"))
    if listener.tls != "none":
        if settings.tls.certificate is None and settings.tls.key is None:
            what = f"must be given: {spell(key)} takes TLS beyond loopback"
            yield Finding(("tls", "certificate"), what, (tls,))
    elif listener.kind == "submission":
        yield Finding(tls, "may be none on loopback only", grounds)
    elif listener.kind == "bulk" and listener.auth == "required":
        yield Finding(tls, "may be none on loopback only where AUTH is required", grounds)


def _clashes(endpoints: dict[Key, Endpoint]) -> Iterator[Finding]:
    seen: list[tuple[Key, Endpoint]] = []
    for key, endpoint in endpoints.items():
        for other, taken in seen:
            if endpoint.clashes(taken):
                yield Finding(key, f"is the same port as {spell(other)}", (other,))
                break
        seen.append((key, endpoint))
