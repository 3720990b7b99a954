"""Journal lines of deliveries: done, deferred, failed, each with smarthost, phase and error (INTERFACE.md §5)."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.address import Address
from relay.forwarding.copies import read_copy_recipe
from relay.ports import (
    Clock,
    CopyState,
    Delivered,
    DeliveredRow,
    Event,
    InDoubt,
    Journal,
    Outcome,
    Postponed,
    Refused,
    SpooledCopy,
    SpooledMessage,
)
from relay.transaction import Transaction

Value = str | int | float | None


@dataclass(slots=True)
class Deliveries:
    """Writes the lines of one message; made anew for each."""

    journal: Journal
    clock: Clock
    ref: str
    account_id: int
    account: str
    list_id: int
    campaign: str
    shared: dict[str, Value] = field(default_factory=dict)
    """What every line of the message carries."""

    @classmethod
    def of(
        cls, journal: Journal, clock: Clock, tx: Transaction, size: int, message_id: str, campaign: str
    ) -> Deliveries:
        session, account, mailing_list = tx.session, tx.account, tx.mailing_list
        shared: dict[str, Value] = {
            "stream": tx.stream.value,
            "listener": session.listener,
            "client": session.client,
            "reverse_path": str(tx.mail.reverse_path) if tx.mail.reverse_path else "",
            "size": size,
        }
        if mailing_list is not None:
            shared["list"] = mailing_list.name
        if campaign:
            shared["campaign"] = campaign
        if message_id:
            shared["message_id"] = message_id
        list_id = mailing_list.list_id if mailing_list else 0
        return cls(journal, clock, tx.ref, account.account_id, account.name, list_id, campaign, shared)

    @classmethod
    def of_queued(cls, journal: Journal, clock: Clock, message: SpooledMessage, account: str) -> Deliveries:
        shared: dict[str, Value] = {"reverse_path": message.reverse_path, "size": len(message.raw)}
        shared |= {"campaign": message.campaign} if message.campaign else {}
        shared |= {"message_id": message.message_id} if message.message_id else {}
        return cls(
            journal, clock, message.ref, message.account_id, account, message.list_id, message.campaign, shared
        )

    def done(self, address: Address, contact_id: int, outcome: Delivered, started: float) -> None:
        """The smarthost took a copy; `started` is the monotonic time of the try's begin."""
        now = self.clock.now()
        reply, smarthost = outcome.reply, outcome.smarthost
        fields = {
            **self.shared,
            "recipient": str(address),
            "smarthost": smarthost,
            "smarthost_reply": reply,
            "duration_ms": round((self.clock.monotonic() - started) * 1000, 1),
        }
        key, list_id, account_id = address.key, self.list_id, self.account_id
        row = DeliveredRow(account_id, self.ref, contact_id, now, list_id, key, smarthost, reply, self.campaign)
        self.journal.delivered(row, Event("delivery.done", self.ref, now, "info", account_id, self.account, fields))

    def done_queued(self, copy: SpooledCopy, outcome: Delivered, started: float) -> None:
        """The same for a copy from the queue; our own mail has no contact."""
        contact_id = read_copy_recipe(copy.copy).contact_id if copy.copy else 0
        self.done(Address.parse(copy.recipient), contact_id, outcome, started)

    def not_done(self, recipient: str, copy: SpooledCopy, error: str, started: float) -> None:
        """A try that ended otherwise: delivery.failed where it is final, else delivery.deferred."""
        final = copy.state in (CopyState.FAILED, CopyState.CANCELLED, CopyState.QUARANTINED)
        fields: dict[str, Value] = {
            **self.shared,
            "recipient": recipient,
            "smarthost": copy.smarthost,
            "phase": copy.phase,
            "error": f"{copy.code} {error}" if copy.code else error,
            "state": copy.state.value,
            "attempts": copy.attempts,
            "duration_ms": round((self.clock.monotonic() - started) * 1000, 1),
        }
        level = "error" if copy.state is CopyState.QUARANTINED else "warning"
        self._write("delivery.failed" if final else "delivery.deferred", level, fields)

    def stopped(self, recipient: str, rule: str, why: str) -> None:
        """A copy that permission or standing stopped right before its dot."""
        self._write("recipient.refused", "info", {**self.shared, "recipient": recipient, "rule": rule, "why": why})

    def trouble(self, error: str, recipient: str = "") -> None:
        """A fault of our own while delivering."""
        self._write("service.delivery", "error", {**self.shared, "recipient": recipient, "error": error})

    def _write(self, event: str, level: str, fields: dict[str, Value]) -> None:
        self.journal.write(Event(event, self.ref, self.clock.now(), level, self.account_id, self.account, fields))


def in_words(outcome: Outcome) -> str:
    """What the smarthost said or did, without its code."""
    match outcome:
        case Refused(enhanced=enhanced, text=text):
            return f"{enhanced} {text}".strip()
        case Postponed(enhanced=enhanced, error=error, code=code):
            return f"{enhanced} {error}".strip() if code else error
        case InDoubt(error=error):
            return f"the message was handed over, but {error}"
        case Delivered(reply=reply):
            return reply
