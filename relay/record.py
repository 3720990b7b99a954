"""What the stages answered, as journal events with the evidence behind them (clause 7.1, INTERFACE.md §5)."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from policies.address import Address
from policies.chain import Decision
from policies.facts import Account, RecipientFacts
from policies.verdict import Reply
from relay.message.rewrite import Prepared
from relay.ports import Clock, Event, Journal, Readable
from relay.transaction import Envelope, MailCommand, Session, Transaction

Fields = dict[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Record:
    """Writes one event an answer; never raises, since the journal never does."""

    journal: Journal
    clock: Clock

    def session_refused(self, session: Session, reply: Reply, ref: str) -> None:
        self._write("session.refused", ref, _session(session), reply, level="warning")

    def auth_failed(self, session: Session, login: str, why: str, reply: Reply, ref: str) -> None:
        """`login` as it was typed: it names the account tried, never a password."""
        self._write("auth.failed", ref, {**_session(session), "login": login, "why": why}, reply, level="warning")

    def auth_refused(self, session: Session, account: Account, decision: Decision, reply: Reply, ref: str) -> None:
        """The password was right, the standing is not."""
        self._write("auth.failed", ref, _session(session), reply, decision, account, level="warning")

    def sender_refused(
        self,
        session: Session,
        command: MailCommand,
        account: Account | None,
        decision: Decision,
        reply: Reply,
        ref: str,
    ) -> None:
        path = "<>" if command.reverse_path is None else str(command.reverse_path)
        fields = {**_session(session), "reverse_path": path}
        if command.list_name:
            fields["list"] = command.list_name
        self._write("sender.refused", ref, fields, reply, decision, account, level="warning")

    def recipient_refused(
        self, tx: Transaction, address: Address, facts: RecipientFacts, decision: Decision, reply: Reply, ref: str
    ) -> None:
        """One row a refused recipient: 5xx `recipient.refused`, 4xx `recipient.deferred`."""
        event = "recipient.refused" if reply.code >= 500 else "recipient.deferred"
        fields = {**_transaction(tx), "recipient": str(address)}
        evidence = {"transaction": tx.ref, "facts": asdict(facts)}
        self._write(event, ref, fields, reply, decision, tx.account, evidence, level="warning")

    def stranger_refused(self, tx: Transaction, address: Address, reply: Reply, ref: str) -> None:
        """Somebody wrote to an address that is none of ours; no rule and no account."""
        fields = {**_session(tx.session), "recipient": str(address)}
        self._write("recipient.refused", ref, fields, reply, evidence={"transaction": tx.ref}, level="info")

    def message_refused(self, tx: Transaction, readable: Readable | None, decision: Decision, reply: Reply) -> None:
        event = "message.refused" if reply.code >= 500 else "message.deferred"
        fields, evidence = {**_transaction(tx), **_message(readable)}, _evidence(tx, readable, decision)
        self._write(event, tx.ref, fields, reply, decision, tx.account, evidence, level="warning")

    def message_answered(self, tx: Transaction, readable: Readable, reply: Reply, prepared: Prepared) -> None:
        """Accepted, queued or deferred by the smarthost; what was changed stands in the evidence."""
        event = (
            "message.accepted" if reply.code < 300 else "message.refused" if reply.code >= 500 else "message.deferred"
        )
        level = "info" if reply.code < 300 else "warning"
        fields: Fields = {**_transaction(tx), **_message(readable), "copies": len(tx.recipients)}
        fields["message_id"] = prepared.message_id
        if reply.code >= 300:
            fields["rule"] = "internal" if reply.silent else reply.text.partition(":")[0]
        evidence: Mapping[str, object] = {}
        if len(tx.recipients) > 1 or reply.code >= 300 or "queued" in reply.text:
            evidence = {"changes": [f"{one.part}: {one.what}" for one in prepared.changes]}
        self._write(event, tx.ref, fields, reply, None, tx.account, evidence, level=level)

    def observed(self, tx: Transaction, decision: Decision, recipient: str) -> None:
        """What rules in observe mode would have said."""
        for seen in decision.observed:
            fields: Fields = {**_transaction(tx), "rule": seen.rule, "clause": seen.clause, "why": seen.verdict.why}
            if recipient:
                fields["recipient"] = recipient
            account = tx.account
            self.journal.write(
                Event("service.observed", tx.ref, self.clock.now(), "info", account.account_id, account.name, fields)
            )

    def internal(self, session: Session, reply: Reply, ref: str, error: BaseException) -> None:
        trace = "".join(traceback.format_exception(error))[-8000:]
        fields: Fields = {**_session(session), "rule": "internal", "why": f"{type(error).__name__}"}
        self._write("message.deferred", ref, fields, reply, evidence={"trace": trace}, level="error")

    def _write(
        self,
        event: str,
        ref: str,
        fields: Fields,
        reply: Reply,
        decision: Decision | None = None,
        account: Account | None = None,
        evidence: Mapping[str, object] | None = None,
        *,
        level: str,
    ) -> None:
        if decision is not None:
            fields |= {"rule": decision.rule, "clause": decision.clause, "why": decision.why}
        fields["reply"] = str(reply)
        account_id, name = (account.account_id, account.name) if account else (0, "")
        self.journal.write(Event(event, ref, self.clock.now(), level, account_id, name, fields, evidence or {}))


def _session(session: Session) -> Fields:
    fields: Fields = {"listener": session.listener, "client": session.client}
    if session.tls:
        fields["tls"] = session.tls
    return fields


def _transaction(tx: Transaction) -> Fields:
    path = "<>" if tx.mail.reverse_path is None else str(tx.mail.reverse_path)
    fields: Fields = {**_session(tx.session), "stream": tx.stream.value, "reverse_path": path}
    if tx.mailing_list is not None:
        fields["list"] = tx.mailing_list.name
    return fields


def _message(readable: Readable | None) -> Fields:
    if readable is None:
        return {}
    facts = readable.facts
    fields: Fields = {"message_id": facts.message_id, "size": facts.size}
    if facts.campaign:
        fields["campaign"] = facts.campaign
    return fields


def _envelopes(tx: Transaction) -> list[Envelope]:
    """All recipients taken at RCPT, those of whom a DSN would tell too."""
    return [*tx.recipients, *(envelope for envelope, _ in tx.unpermitted)]


def _evidence(tx: Transaction, readable: Readable | None, decision: Decision) -> dict[str, object]:
    evidence: dict[str, object] = {"recipients": [str(one.recipient.address) for one in _envelopes(tx)]}
    evidence["findings"] = [asdict(one) for one in decision.findings]
    if readable is not None:
        evidence["message"] = {
            "subject": readable.facts.subject,
            "parts": [asdict(one) for one in readable.facts.parts],
        }
    return evidence
