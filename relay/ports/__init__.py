"""What the stages need of the world outside; adapters keep these promises, fakes keep them in tests.

Hot path calls (per message) are marked; everything else is cold (per click, per command). Every adapter turns its
library's exceptions into `StoreUnavailable` or an outcome.
"""

from relay.ports.journal import DeliveredRow, Event, Journal, RefusalRow, RefusalRows
from relay.ports.people import AddressBooks, Directory, PasswordsBusy, PasswordVerifier, Permissions
from relay.ports.reading import MessageReader, Readable, Resolver, TxtAnswer
from relay.ports.smarthosts import Delivered, InDoubt, Outcome, Outgoing, Phase, Postponed, Refused, Smarthosts
from relay.ports.spool import (
    POISON_TRIES,
    Claimed,
    CopyState,
    Lease,
    OwnMail,
    Recovered,
    Spool,
    SpooledCopy,
    SpooledMessage,
    StaleLease,
)
from relay.ports.tallies import Tallies, Tally
from relay.ports.world import Clock, StoreFull, StoreUnavailable

__all__ = [
    "POISON_TRIES",
    "AddressBooks",
    "Claimed",
    "Clock",
    "CopyState",
    "Delivered",
    "DeliveredRow",
    "Directory",
    "Event",
    "InDoubt",
    "Journal",
    "Lease",
    "MessageReader",
    "Outcome",
    "Outgoing",
    "OwnMail",
    "PasswordVerifier",
    "PasswordsBusy",
    "Permissions",
    "Phase",
    "Postponed",
    "Readable",
    "Recovered",
    "RefusalRow",
    "RefusalRows",
    "Refused",
    "Resolver",
    "Smarthosts",
    "Spool",
    "SpooledCopy",
    "SpooledMessage",
    "StaleLease",
    "StoreFull",
    "StoreUnavailable",
    "Tallies",
    "Tally",
    "TxtAnswer",
]
