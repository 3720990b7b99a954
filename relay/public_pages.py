"""The public pages put together: what the web process and commands need for sign-up, confirmation and /me."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.schema import Settings
from relay.adapters.dns import DnsResolver
from relay.adapters.store.acquaintances import StoreAcquaintances
from relay.adapters.store.confirmations import Confirmations
from relay.adapters.store.engine import Engine
from relay.permission.double_opt_in import DoubleOptIn
from relay.permission.my_mail import MyMail
from relay.permission.opt_out import OptOuts
from relay.permission.stationery import Stationery
from relay.platform_signature import Sign
from relay.ports import Clock, Journal, Tallies
from relay.tokens import Tokens

if TYPE_CHECKING:
    from relay.web.site import Permission


def double_opt_in(
    settings: Settings, engine: Engine, tokens: Tokens, sign: Sign, journal: Journal, clock: Clock
) -> DoubleOptIn:
    """Asks people and takes their answers."""
    platform = settings.platform
    return DoubleOptIn(
        tokens,
        Confirmations(engine),
        Stationery(platform.mail_domain, sign),
        journal,
        clock,
        platform.public_url,
        platform.name,
        settings.sign_up.per_person,
        settings.delivery.expire_after,
    )


def my_mail(settings: Settings, engine: Engine, tallies: Tallies, sign: Sign, opt_outs: OptOuts) -> MyMail:
    """Shows people who here may write to them."""
    platform = settings.platform
    return MyMail(
        opt_outs.tokens,
        StoreAcquaintances(engine),
        tallies,
        opt_outs,
        Stationery(platform.mail_domain, sign),
        opt_outs.journal,
        opt_outs.clock,
        platform.public_url,
        platform.name,
        platform.contact,
        settings.sign_up.per_person,
        settings.delivery.expire_after,
    )


def permission(settings: Settings, engine: Engine, tallies: Tallies, sign: Sign, opt_outs: OptOuts) -> Permission:
    """Everything that pages of permission stand on."""
    from relay.web.site import Permission

    dns = settings.dns
    asking = double_opt_in(settings, engine, opt_outs.tokens, sign, opt_outs.journal, opt_outs.clock)
    resolver = DnsResolver(dns.servers, dns.timeout) if dns.check_domains else None
    return Permission(opt_outs, asking, my_mail(settings, engine, tallies, sign, opt_outs), resolver)
