"""The ordered rule lists of every stage, built from Settings: read this first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Protocol

from config.lists import lines
from config.schema import Settings
from policies.chain import Facts, MessageRule, Observed, RecipientRule, Rule, SenderRule, Subject
from policies.facts import Stream
from policies.imports.batch import Ramp
from policies.message.identity import From, Unaligned
from policies.message.narrowed_list import NamedList, PartlyPermitted
from policies.message.postal_address import ForeignAddress, PostalAddress
from policies.message.structure import Loop, Malformed, Opaque, TooLarge
from policies.message.unsubscribe import UnsubscribeLink
from policies.recipient.consent import Expired, Missing, Unconfirmed
from policies.recipient.imported import Quarantined, VolumeRamp
from policies.recipient.role_address import RoleAddress
from policies.recipient.suppression import Complained, Known, Unreachable, Withdrawn
from policies.sender.announced import AnnouncedList, AnnouncedSize
from policies.sender.identity import OneReportRecipient, ReportsOnly, ReversePath
from policies.sender.standing import AT_AUTH, AT_MAIL, Deactivated, Pending, Suspended
from policies.sender.stream import Caps, FewRecipients, OwnWords
from policies.sender.volume import PerDay, Reports


class Registered(Protocol):
    """What every rule shows of itself, whatever its stage."""

    @property
    def id(self) -> str: ...

    @property
    def clause(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of each stage, in order: of two that say no alike, the first is heard."""

    authentication: tuple[SenderRule, ...]
    """Once the password was right."""
    sender: tuple[SenderRule, ...]
    """At MAIL."""
    recipient: tuple[RecipientRule, ...]
    """At each RCPT, and again for the list that X-Relay-List names."""
    message: tuple[MessageRule, ...]
    """At the end of DATA."""

    def everything(self) -> tuple[Registered, ...]:
        """All stages' rules; some stand at more than one place."""
        return tuple(chain[Registered](self.authentication, self.sender, self.recipient, self.message))


def build(settings: Settings) -> Rules:
    """Every rule with its own numbers, wrapped where [policy."rule.id"] says it only observes."""
    return Rules(
        authentication=_observing(settings, _authentication(settings)),
        sender=_observing(settings, _sender(settings)),
        recipient=_observing(settings, _recipient(settings)),
        message=_observing(settings, _message(settings)),
    )


def _observing(settings: Settings, rules: Sequence[Rule[Subject, Facts]]) -> tuple[Rule[Subject, Facts], ...]:
    return tuple(Observed(rule) if settings.rule(rule.id).mode == "observe" else rule for rule in rules)


def _contact(settings: Settings) -> str:
    return settings.platform.contact.removeprefix("mailto:")


def _authentication(settings: Settings) -> tuple[SenderRule, ...]:
    contact = _contact(settings)
    return (Deactivated(AT_AUTH, contact), Suspended(AT_AUTH, contact))


def _sender(settings: Settings) -> tuple[SenderRule, ...]:
    contact = _contact(settings)
    return (
        Deactivated(AT_MAIL, contact),
        Suspended(AT_MAIL, contact),
        ReversePath(),
        AnnouncedList(),
        AnnouncedSize(settings.limits.max_size),
    )


def _recipient(settings: Settings) -> tuple[RecipientRule, ...]:
    """What the account itself knows, then consent.missing, then what others know (POLICY.md, Permission)."""
    roles = frozenset(lines("role_names.txt"))
    max_age = timedelta(days=settings.imports.max_age_days)
    return (
        Pending(settings.limits.sandbox_per_day),
        OneReportRecipient(),
        FewRecipients(*_caps(settings)),
        Complained(Known.TO_ACCOUNT),
        Withdrawn(Known.TO_ACCOUNT),
        Unreachable(Known.TO_ACCOUNT),
        RoleAddress(roles, Known.TO_ACCOUNT),
        Expired(max_age),
        Unconfirmed(),
        Missing(),
        Quarantined(max_age),
        Complained(Known.TO_ALL),
        Withdrawn(Known.TO_ALL),
        Unreachable(Known.TO_ALL),
        RoleAddress(roles, Known.TO_ALL),
        PerDay(),
        VolumeRamp(Ramp(settings.imports.ramp_percent, settings.imports.ramp_first_day), max_age),
    )


def _caps(settings: Settings) -> tuple[Caps, Caps]:
    """Of the service and of the personal stream (POLICY.md, Streams)."""
    streams = settings.streams
    personal = Caps(streams.personal_recipients, streams.personal_per_day, streams.personal_same_content)
    return Caps(recipients=1), personal


def _message(settings: Settings) -> tuple[MessageRule, ...]:
    bare = {Stream.PERSONAL} if settings.streams.personal_footer == "off" else set()
    footed = frozenset(Stream) - bare
    return (
        Malformed(),
        Loop(),
        TooLarge(settings.limits.max_size),
        Opaque(),
        From(),
        Unaligned(),
        ReportsOnly(),
        OwnWords(*_caps(settings)),
        Reports(settings.streams.reports_per_hour),
        NamedList(),
        PartlyPermitted(),
        PostalAddress(settings.rule("footer.postal_address").missing or "inject", footed),
        ForeignAddress(),
        UnsubscribeLink(footed),
    )
