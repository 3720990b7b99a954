"""The intake listener: takes mail to our signed and few fixed addresses, relays nothing (INTERFACE.md §2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from policies.address import Address
from policies.facts import (
    Account,
    FooterIdentity,
    Recipient,
    RecipientFacts,
    Standing,
    Stream,
)
from policies.verdict import Reply
from relay.identifiers import new_ref
from relay.intake.requests import asks_to_stop, everything_written
from relay.permission.opt_out import OptOuts, Scope, Subject, Way
from relay.ports import Clock, Event
from relay.record import Fields, Record
from relay.refusals import Refusals
from relay.tokens import Purpose, Tokens
from relay.transaction import Envelope, MailCommand, RcptCommand, Session, Transaction

NO_REPLY = "no-reply"
FIXED = frozenset({"fbl", "abuse", "postmaster", NO_REPLY})
"""Local parts at mail_domain that people and systems write to; filed for a person."""
_REPORTS = (Purpose.BOUNCE, Purpose.OWN_BOUNCE, Purpose.FEEDBACK)
SENDER_OK = Reply(250, "2.1.0", "sender ok")
RECIPIENT_OK = Reply(250, "2.1.5", "recipient ok")
NO_SUCH = Reply(550, "5.1.1", "no such mailbox here; this listener relays nothing")
NO_AUTH = Reply(502, "5.5.1", "AUTH is not offered here")


@dataclass(slots=True)
class Intake:
    """The same port as the submission stages, for mail to ourselves. Only opt-outs with a valid token act."""

    mail_domain: str
    max_size: int
    tokens: Tokens
    opt_outs: OptOuts
    file: Callable[[str, bytes], None]
    """Keeps a message durably for a person: (REF, octets)."""
    refusals: Refusals
    record: Record
    clock: Clock

    async def authenticate(self, session: Session, login: str, password: bytes, authzid: str) -> Reply:
        """Never offered here."""
        return NO_AUTH

    async def mail(self, session: Session, command: MailCommand) -> tuple[Reply, Transaction | None]:
        """Anybody may write to us, with the null reverse-path too."""
        nobody = _nobody(self.mail_domain)
        tx = Transaction(new_ref(), session, nobody, Stream.MARKETING, command, None, self.clock.now())
        return SENDER_OK, tx

    async def recipient(self, tx: Transaction, command: RcptCommand) -> Reply:
        """Only addresses of ours exist (RELIABILITY.md row 58)."""
        address = command.forward_path
        if not self._exists(address):
            self.record.stranger_refused(tx, address, NO_SUCH, new_ref())
            return NO_SUCH
        if address.key not in tx.seen:
            tx.seen.add(address.key)
            facts = RecipientFacts(0, (), (), 0, "", Stream.MARKETING, self.clock.now())
            tx.recipients.append(Envelope(command, Recipient(address), facts))
        return RECIPIENT_OK

    def _exists(self, address: Address) -> bool:
        if address.domain != self.mail_domain.lower():
            return False
        local = address.local.lower()
        purposes = (Purpose.OPT_OUT_MAIL, *_REPORTS)
        return local in FIXED or any(self.tokens.read_local_part(local, one) for one in purposes)

    async def data_allowed(self, tx: Transaction) -> Reply | None:
        """Nothing speaks against DATA."""
        return None

    async def data(self, tx: Transaction, raw: bytes) -> Reply:
        """Opt-outs are carried out; all else is filed. Both are durable before 250."""
        for_a_person = []
        for envelope in tx.recipients:
            found = await self._opt_out(tx, envelope.recipient.address.local, raw)
            if found is not None:
                subject, way = found
                await self.opt_outs.carry_out(subject, _scope(subject), way, tx.session.client)
            else:
                for_a_person.append(envelope.recipient.address)
        if for_a_person:
            self._file(tx, raw, for_a_person)
        return Reply(250, "2.0.0", f"{tx.ref} accepted")

    async def _opt_out(self, tx: Transaction, local: str, raw: bytes) -> tuple[Subject, Way] | None:
        """Who opts out by this mail, and how: our opt-out address, or an answer to a copy's own sender address.

        At no-reply@ an answer counts that quotes the copy with its opt-out link: without a token nothing acts.
        """
        subject = await self.opt_outs.by_local_part(local)
        if subject is not None:
            return subject, Way.MAILTO
        if tx.mail.reverse_path is None or not asks_to_stop(raw):
            return None
        if local.lower() == NO_REPLY:
            subject = await self.opt_outs.by_quoted_link(everything_written(raw))
        else:
            subject = await self.opt_outs.by_reverse_path(local)
        return (subject, Way.REPLY) if subject is not None else None

    def _file(self, tx: Transaction, raw: bytes, addresses: list[Address]) -> None:
        """Kept once, noted once for each address it was written to."""
        self.file(tx.ref, raw)
        for address in addresses:
            fields: Fields = {"listener": "intake", "client": tx.session.client, "size": len(raw)}
            fields["recipient"] = str(address)
            self.record.journal.write(Event("service.intake_filed", tx.ref, self.clock.now(), fields=fields))

    async def malformed(self, tx: Transaction, what: str) -> Reply:
        """A framing fault (RELIABILITY.md rows 1-3)."""
        decision, reply = self.refusals.framing(tx.ref, what)
        self.record.message_refused(tx, None, decision, reply)
        return reply

    async def too_large(self, tx: Transaction) -> Reply:
        """More octets arrived than [limits] max_size allows."""
        decision, reply = self.refusals.too_large(tx.ref, self.max_size)
        self.record.message_refused(tx, None, decision, reply)
        return reply

    async def size_refused(self, session: Session, command: MailCommand) -> Reply:
        """The announced SIZE is over the limit."""
        ref = new_ref()
        decision, reply = self.refusals.too_large(ref, self.max_size)
        self.record.sender_refused(session, command, None, decision, reply, ref)
        return reply

    def session_refused(self, session: Session, reply: Reply) -> None:
        """A session we ended or did not begin."""
        self.record.session_refused(session, reply, new_ref())

    def internal(self, session: Session, error: BaseException) -> Reply:
        """Our own fault: 451 4.3.0."""
        ref = new_ref()
        reply = self.refusals.internal(ref)
        self.record.internal(session, reply, ref, error)
        return reply


def _scope(subject: Subject) -> Scope:
    return Scope.LIST if subject.claim.list_id else Scope.SENDER


def _nobody(mail_domain: str) -> Account:
    """Intake mail belongs to no account."""
    email = Address.parse(f"postmaster@{mail_domain}")
    return Account(0, "", "", email, Standing.ACTIVE, frozenset(), (), FooterIdentity("", ""))
