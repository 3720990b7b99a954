"""Settings that are each well-formed and still cannot work: names, URLs, policies."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator

from config.endpoint import Endpoint, is_address, is_name
from config.keys import GROUPS, nearest, shape_of, spell
from config.listeners import check_listeners, network_fault
from config.schema import RULES, Settings
from config.urls import contact_fault, public_fault, smarthost_fault, store_fault
from config.validation import Finding, plain, values_of

INJECTING = "footer.postal_address"


def check(settings: Settings) -> list[Finding]:
    """Everything wrong, in relay.toml's order."""
    return [
        *_control_characters(settings),
        *_names(settings),
        *check_listeners(settings),
        *_tls_pair(settings),
        *_outside(settings),
        *_policies(settings),
    ]


def _control_characters(settings: Settings) -> Iterator[Finding]:
    for key, value in values_of(plain(settings), shape_of(Settings)):
        if isinstance(value, str) and not value.isprintable():
            yield Finding(key, "must not hold control characters")


def _names(settings: Settings) -> Iterator[Finding]:
    platform = settings.platform
    for key, name in (
        (("hostname",), settings.hostname),
        (("platform", "mail_domain"), platform.mail_domain),
    ):
        if not is_name(name):
            kind = "an address, not" if is_address(name) else "not"
            yield Finding(key, f"is {kind} a domain name; write other scripts as A-labels (xn--…)")
    if not platform.name.strip() or len(platform.name) > 100:
        yield Finding(("platform", "name"), "must be 1 to 100 characters")
    if fault := public_fault(platform.public_url):
        yield Finding(("platform", "public_url"), fault)
    if fault := contact_fault(platform.contact):
        yield Finding(("platform", "contact"), fault)
    if not _is_timezone(platform.timezone):
        yield Finding(("platform", "timezone"), "is no time zone of the IANA database, such as UTC or Asia/Jakarta")


def _is_timezone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _tls_pair(settings: Settings) -> Iterator[Finding]:
    tls = settings.tls
    if tls.certificate and not tls.key:
        yield Finding(("tls", "key"), "must be given with certificate", (("tls", "certificate"),))
    if tls.key and not tls.certificate:
        yield Finding(("tls", "certificate"), "must be given with key", (("tls", "key"),))


def _outside(settings: Settings) -> Iterator[Finding]:
    if not settings.smarthost:
        yield Finding(("smarthost",), "must hold at least one smarthost")
    for index, smarthost in enumerate(settings.smarthost):
        if fault := smarthost_fault(smarthost.url):
            yield Finding(("smarthost", str(index), "url"), fault)
    if fault := store_fault(settings.store.url):
        yield Finding(("store", "url"), fault)
    for index, network in enumerate(settings.web.trusted_proxies):
        if fault := network_fault(network):
            yield Finding(("web", "trusted_proxies", str(index)), fault)
    for index, server in enumerate(settings.dns.servers):
        if fault := _server_fault(server):
            yield Finding(("dns", "servers", str(index)), fault)


def _server_fault(server: str) -> str:
    try:
        endpoint = Endpoint.parse(server)
    except ValueError as exc:
        return str(exc)
    return "" if is_address(endpoint.host) and endpoint.port else "must be ADDRESS:PORT: 192.0.2.53:53"


def _policies(settings: Settings) -> Iterator[Finding]:
    for name, policy in settings.policy.items():
        key = ("policy", name)
        if name not in RULES and name not in GROUPS:
            known = spell(nearest(key, (("policy", one) for one in (*RULES, *GROUPS))))
            yield Finding(key, f"no rule or group has this name, did you mean {known}?")
        elif policy.missing and name != INJECTING:
            yield Finding((*key, "missing"), f'is a setting of [policy."{INJECTING}"] only')
