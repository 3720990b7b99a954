"""A confirmation mail by staff's hand: question, limits and evidence as from the hosted form (clause 6.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from config.schema import Settings
from policies.address import Address
from relay.adapters.clock import SystemClock
from relay.adapters.store.engine import Engine
from relay.adapters.store.history import record_event
from relay.adapters.store.names import NotAllowed
from relay.permission.double_opt_in import Wish
from relay.permission.questions import Asked, Visitor
from relay.platform_signature import platform_signature
from relay.ports import DeliveredRow, Event
from relay.premises import Premises
from relay.public_pages import double_opt_in
from relay.tokens import Tokens

WORDS = {
    Asked.SENT: "a confirmation mail is on its way",
    Asked.WAITING: "no mail: a confirmation mail of the last 24 hours waits for the person's answer",
    Asked.LIMITED: "no mail: the person got as many today as [sign_up] per_person allows",
    Asked.PAUSED: "no mail: the person said lately that they had not asked, and is left in peace for 90 days",
}


@dataclass(frozen=True, slots=True)
class Noted:
    """A command's journal: its events become rows, not lines on standard output."""

    events: list[Event] = field(default_factory=list)

    def write(self, event: Event) -> None:
        self.events.append(event)

    def delivered(self, row: DeliveredRow, event: Event) -> None:
        """No command delivers."""
        self.events.append(event)


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom staff want to ask, and what they know of the wish."""

    account: str
    list_name: str
    address: Address
    by: str
    language: str
    name: str = ""
    source: str = ""
    consented_at: datetime | None = None


async def ask(engine: Engine, settings: Settings, invitation: Invitation) -> Asked:
    """Queue the mail, where the person may be asked; NotAllowed where the account may not send at all."""
    clock, noted = SystemClock(), Noted()
    premises = Premises(settings, clock.now())
    premises.platform_key()
    sign = platform_signature(settings, premises.dkim, clock)
    asking = double_opt_in(settings, engine, Tokens(premises.keys), sign, noted, clock)
    form = await asking.form(invitation.account, invitation.list_name)
    if form is None:
        raise NotAllowed(f"{invitation.account} may not send to the public: nobody is asked in its name")
    one = invitation
    wish = Wish(one.address, Visitor(), one.language, "staff", one.by, one.name, one.source, one.consented_at)
    asked = await asking.ask(form, wish)
    async with engine.begin() as connection:
        for event in noted.events:
            await record_event(connection, event)
    return asked
