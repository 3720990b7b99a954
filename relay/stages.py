"""The life of a message, top to bottom: authenticate, MAIL, each RCPT, the end of DATA (STYLE.md §1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from config.schema import Settings
from policies.chain import Decision, decide
from policies.facts import Sender, SenderFacts, Stream
from policies.registry import Rules
from policies.sender.identity import ReversePath
from policies.sender.stream import FewRecipients
from policies.verdict import Defer, Reject, Reply
from relay.counters import Counters
from relay.gather import Gather, narrowing
from relay.identifiers import new_ref
from relay.login import Login
from relay.ports import Clock, Readable
from relay.record import Record
from relay.refusals import Refusals, Unrewritable
from relay.sending import Sending
from relay.transaction import Envelope, MailCommand, RcptCommand, Session, Transaction

RECIPIENT_OK = Reply(250, "2.1.5", "recipient ok")
SENDER_OK = Reply(250, "2.1.0", "sender ok")


@dataclass(slots=True)
class Stages:
    """What the SMTP listeners call; each call gathers facts, runs its stage's rules and records the answer."""

    settings: Settings
    rules: Rules
    gather: Gather
    login: Login
    sending: Sending
    counters: Counters
    refusals: Refusals
    record: Record
    clock: Clock

    def renew(self, settings: Settings, rules: Rules) -> None:
        """New settings after a reload; transactions under way keep what they have read already."""
        self.settings, self.rules = settings, rules
        self.login.rules = rules

    async def authenticate(self, session: Session, login: str, password: bytes, authzid: str) -> Reply:
        """235, or why not: wrong password first, standing only once it was right (clause 1.2)."""
        return await self.login.authenticate(session, login, password, authzid)

    async def mail(self, session: Session, command: MailCommand) -> tuple[Reply, Transaction | None]:
        """Screen the sender (clauses 1.1, 1.2, 5.3, 7.3) and open a transaction."""
        account = await self.gather.sender(session, command)
        stream = session.credential.stream if session.credential else Stream.MARKETING
        list_name = command.list_name or (session.credential.list_name if session.credential else "")
        now = self.clock.now()
        sender = Sender(account, command.reverse_path, list_name, command.size)
        facts = SenderFacts("bulk" if session.listener == "bulk" else "submission", stream, now)
        decision = decide(self.rules.sender, sender, facts)
        if account is None and not isinstance(decision.verdict, (Reject, Defer)):
            decision = self.refusals.nobodys(sender, facts, decision)
        ref = new_ref()
        if account is None or isinstance(decision.verdict, (Reject, Defer)):
            reply = self.refusals.reply(decision, ref)
            self.record.sender_refused(session, command, account, decision, reply, ref)
            return reply, None
        mailing_list = account.list_named(list_name) if list_name else None
        tx = Transaction(ref, session, account, stream, command, mailing_list, now)
        self.record.observed(tx, decision, "")
        return SENDER_OK, tx

    async def recipient(self, tx: Transaction, command: RcptCommand) -> Reply:
        """Judge one forward-path (clauses 2.3, 3.1, 3.4, 6.3); a duplicate is folded."""
        address = command.forward_path
        if address.key in tx.seen:
            return RECIPIENT_OK
        now = self.clock.now()
        today = await self.counters.copies_today(tx, now)
        recipient, facts = await self.gather.recipient(tx, address, now, today)
        decision = decide(self.rules.recipient, recipient, facts)
        if isinstance(decision.verdict, (Reject, Defer)):
            if _is_reported(tx, decision):
                tx.seen.add(address.key)
                tx.unpermitted.append((Envelope(command, recipient, facts), decision))
                return RECIPIENT_OK
            tx.refused += 1
            ref = new_ref()
            reply = self.refusals.reply(decision, ref)
            self.record.recipient_refused(tx, address, facts, decision, reply, ref)
            return reply
        self.record.observed(tx, decision, str(address))
        tx.seen.add(address.key)
        tx.recipients.append(Envelope(command, recipient, facts))
        return RECIPIENT_OK

    async def data_allowed(self, tx: Transaction) -> Reply | None:
        """Nothing speaks against DATA once a recipient was taken."""
        return None

    async def data(self, tx: Transaction, raw: bytes) -> Reply:
        """Judge the message and send, queue or refuse it; the answer is recorded exactly as it is given."""
        tx.account = self.gather.signing(tx, raw)
        readable = await self.gather.message(tx, raw)
        narrowed = await self._narrow(tx, readable)
        entered = await self.counters.enter(tx, readable, self.clock.now())
        facts = self.gather.transaction(tx, readable, self.clock.now(), len(narrowed), entered.counts)
        decision = decide(self.rules.message, readable.facts, facts)
        refused = [*tx.unpermitted, *narrowed]
        if refused and len(narrowed) == len(tx.recipients):
            decision = refused[0][1]
        if isinstance(decision.verdict, (Reject, Defer)):
            reply = self._refuse(tx, readable, decision)
        else:
            self.record.observed(tx, decision, "")
            reply = await self._send(tx, raw, readable, refused)
        if reply.code >= 300 and not reply.silent:
            await self.counters.leave(entered)
        return reply

    async def _send(
        self, tx: Transaction, raw: bytes, readable: Readable, refused: list[tuple[Envelope, Decision]]
    ) -> Reply:
        try:
            return await self.sending.send(tx, raw, readable, refused)
        except Unrewritable as trouble:
            return self._refuse(tx, readable, self.refusals.unrewritable(trouble))

    async def _narrow(self, tx: Transaction, readable: Readable) -> list[tuple[Envelope, Decision]]:
        """Recipients that the list named in X-Relay-List does not permit (INTERFACE.md §3)."""
        named = narrowing(tx.account, readable.facts)
        if named is None or named == tx.mailing_list:
            return []
        tx.mailing_list = named
        refused = []
        for at, envelope in enumerate(tx.recipients):
            facts = await self.gather.permission(tx, named, envelope.recipient.address)
            tx.recipients[at] = narrowed = replace(envelope, facts=facts)
            decision = decide(self.rules.recipient, envelope.recipient, facts)
            if isinstance(decision.verdict, (Reject, Defer)):
                refused.append((narrowed, decision))
        return refused

    def _refuse(self, tx: Transaction, readable: Readable, decision: Decision) -> Reply:
        reply = self.refusals.reply(decision, tx.ref)
        self.record.message_refused(tx, readable, decision, reply)
        return reply

    async def malformed(self, tx: Transaction, what: str) -> Reply:
        """A framing fault (RELIABILITY.md rows 1-3)."""
        decision, reply = self.refusals.framing(tx.ref, what)
        self.record.message_refused(tx, None, decision, reply)
        return reply

    async def too_large(self, tx: Transaction) -> Reply:
        """More octets arrived than [limits] max_size allows."""
        decision, reply = self.refusals.too_large(tx.ref, self.settings.limits.max_size)
        self.record.message_refused(tx, None, decision, reply)
        return reply

    async def size_refused(self, session: Session, command: MailCommand) -> Reply:
        """The announced SIZE is over the limit (RFC 1870 §6.1)."""
        ref = new_ref()
        decision, reply = self.refusals.too_large(ref, self.settings.limits.max_size)
        self.record.sender_refused(session, command, None, decision, reply, ref)
        return reply

    def session_refused(self, session: Session, reply: Reply) -> None:
        """A session we ended or did not begin."""
        self.record.session_refused(session, reply, new_ref())

    def internal(self, session: Session, error: BaseException) -> Reply:
        """Our own fault: 451 4.3.0 with a REF, never 5xx, never a pass."""
        ref = new_ref()
        reply = self.refusals.internal(ref)
        self.record.internal(session, reply, ref, error)
        return reply


def _is_reported(tx: Transaction, decision: Decision) -> bool:
    """Whether the login hears of this refusal by DSN; what it sends wrong as a whole it hears at once."""
    credential = tx.session.credential
    if credential is None or credential.refuse != "report" or isinstance(decision.verdict, Defer):
        return False
    return decision.rule not in (FewRecipients.id, ReversePath.id)
