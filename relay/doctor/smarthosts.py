"""Each smarthost: whether it answers, by the way its URL asks for, and with the login it was given."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

from config.schema import Settings, Smarthost
from relay.adapters.smarthost import Opener, Route, client_context
from relay.doctor.data_dir import nearest
from relay.doctor.finding import Finding, error, info, ok, warning
from relay.ports import Phase, Postponed

_MEND = {
    Phase.TLS: "ask its operator; on loopback [[smarthost]] verify = false takes any certificate",
    Phase.AUTH: "look at user and password in [[smarthost]] url",
}


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Says EHLO, STARTTLS and AUTH where asked for, and QUIT; sends nothing."""
    for one in settings.smarthost:
        if one.url.startswith("maildir:"):
            yield _maildir(Path(one.url.removeprefix("maildir:")))
            continue
        route = Route.parse(one.url)
        for finding in _protection(route, one):
            yield finding
        yield await _greeted(settings, one, route)


def _maildir(folder: Path) -> Finding:
    if not os.access(nearest(folder / "tmp"), os.W_OK | os.X_OK):
        mend = "give the folder to the relay's user"
        return error("smarthost.unreachable", f"{folder} cannot be written to", mend, unreachable=True)
    return info(
        "smarthost.maildir", f"mail is filed in {folder} and goes nowhere else", "set [[smarthost]] url to send it"
    )


def _protection(route: Route, settings: Smarthost) -> list[Finding]:
    if route.on_loopback:
        return []
    if route.scheme == "smtp":
        what = f"mail goes to {route.name} in clear"
        return [warning("smarthost.unencrypted", what, "write smtp+starttls:// or smtps:// in [[smarthost]] url")]
    if not settings.verify:
        what = f"the certificate of {route.name} is not checked: anybody on the way may read the mail"
        return [warning("smarthost.unverified", what, "set [[smarthost]] verify = true")]
    return []


async def _greeted(settings: Settings, one: Smarthost, route: Route) -> Finding:
    timeout = settings.delivery.connect_timeout
    link = await Opener(route, settings.hostname, timeout, client_context(one.verify)).open(timeout)
    if isinstance(link, Postponed):
        name = {Phase.TLS: "smarthost.tls", Phase.AUTH: "smarthost.auth"}.get(link.phase, "smarthost.unreachable")
        mend = _MEND.get(link.phase, "look at [[smarthost]] url, the network and the smarthost itself")
        return error(name, f"{route.name}: {link.error}", mend, unreachable=True)
    link.close()
    how = {"smtp": "in clear", "smtps": "over TLS", "smtp+starttls": "over STARTTLS"}[route.scheme]
    return ok("smarthost", f"{route.name} answers {how}{', logged in' if route.user else ''}")
