"""Made-up accounts, subscribers and messages for rule tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from policies.address import Address
from policies.facts import (
    Account,
    Confirm,
    FooterIdentity,
    Found,
    MailingList,
    MessageFacts,
    PartFacts,
    Recipient,
    RecipientFacts,
    SenderFacts,
    Standing,
    Stream,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionReason,
    TransactionFacts,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEWS, OFFERS = 1, 2

ANNE = Address.parse("Anne@example.com")
ACME = Account(
    account_id=7,
    name="acme",
    organisation="Acme Ltd",
    email=Address.parse("owner@acme.test"),
    standing=Standing.ACTIVE,
    domains=frozenset({"acme.test"}),
    lists=(MailingList(NEWS, "news"), MailingList(OFFERS, "offers", Confirm.SINGLE)),
    footer=FooterIdentity("Acme Ltd", "1 High Street\nLeeds LS1 1AA"),
)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


MONTH_AGO = days_ago(30)


def recipient(
    address: str = "Anne@example.com",
    *,
    own: bool = False,
    standing: Standing = Standing.ACTIVE,
    pending_because: str = "",
    sent_today: int = 0,
) -> Recipient:
    return Recipient(Address.parse(address), own, "acme", standing, pending_because, sent_today)


def confirmed(list_id: int = NEWS, *, at: datetime | None = MONTH_AGO) -> Subscription:
    return Subscription(
        list_id,
        "news" if list_id == NEWS else "offers",
        Confirm.DOUBLE,
        SubscriptionStatus.CONFIRMED,
        confirmed_at=at,
    )


def imported(
    list_id: int = OFFERS,
    *,
    confirm: Confirm = Confirm.SINGLE,
    at: datetime | None = MONTH_AGO,
    source: str = "shop till",
    contact: datetime | None = None,
) -> Subscription:
    name = "news" if list_id == NEWS else "offers"
    return Subscription(list_id, name, confirm, SubscriptionStatus.IMPORTED, at, None, contact, source)


def refused(rule: str, list_id: int = NEWS, *, at: datetime | None = None) -> Subscription:
    return replace(confirmed(list_id, at=None), status=SubscriptionStatus.REFUSED, refused_rule=rule, consented_at=at)


def no(
    reason: SuppressionReason = SuppressionReason.OPT_OUT,
    *,
    list_id: int = 0,
    all_accounts: bool = False,
    lifted_for: frozenset[int] = frozenset(),
) -> Suppression:
    return Suppression(reason, days_ago(3), "one-click", list_id, all_accounts, lifted_for)


def facts(
    *subscriptions: Subscription,
    suppressions: tuple[Suppression, ...] = (),
    list_id: int = 0,
    stream: Stream = Stream.MARKETING,
) -> RecipientFacts:
    name = {0: "", NEWS: "news", OFFERS: "offers"}[list_id]
    return RecipientFacts(11 if subscriptions else 0, subscriptions, suppressions, list_id, name, stream, NOW)


def at_mail(listener: Literal["submission", "bulk"] = "submission") -> SenderFacts:
    return SenderFacts(listener, Stream.MARKETING, NOW)


def transaction(
    account: Account = ACME,
    *,
    listener: Literal["submission", "bulk"] = "submission",
    stream: Stream = Stream.MARKETING,
    recipients: int = 1,
    without_permission: int = 0,
) -> TransactionFacts:
    return TransactionFacts(account, listener, stream, NOW, recipients, without_permission)


LINK = Found("1", 20, "Unsubscribe: https://acme.test/out")
FOOTER = Found("1", 21, "Acme Ltd, 1 High Street, Leeds LS1 1AA")


def part(
    number: str = "1",
    *,
    link: Found | None = LINK,
    placeholder: Found | None = None,
    address: Found | None = FOOTER,
    cannot_inject: str = "",
    near: Found | None = None,
) -> PartFacts:
    return PartFacts(number, "text/plain", link, placeholder, address, cannot_inject, near)


GOOD = MessageFacts(
    size=4096,
    author=Address.parse("news@acme.test"),
    sender=None,
    faults=(),
    parts=(part(),),
    opaque="",
    received=1,
    own_received=0,
)
