"""`relay check`: what would happen to a message, without sending or recording anything (clause 3.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from policies.address import Address
from policies.chain import Decision, decide
from policies.facts import Account, FooterIdentity, Sender, SenderFacts, Stream
from policies.registry import Rules
from policies.verdict import Accept, Defer, Hold, Reject
from relay.gather import Gather, narrowing
from relay.identifiers import new_ref
from relay.message.careful import read_carefully
from relay.message.dkim import SigningKeys
from relay.message.pen import wide_codec
from relay.message.postal_address import RegisteredAddress
from relay.message.recipe import for_message
from relay.message.rewrite import prepare
from relay.message.verify import problems
from relay.ports import Clock, Readable
from relay.recipes import Recipes
from relay.transaction import Envelope, MailCommand, RcptCommand, Session, Transaction

Word = Literal["accepted", "rejected", "held"]
_LINE_END = re.compile(rb"\r?\n")


@dataclass(frozen=True, slots=True)
class RecipientVerdict:
    """One recipient as RCPT would have answered."""

    address: str
    verdict: Word
    rule: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found, and where."""

    rule: str
    part: str
    line: int
    excerpt: str


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of a dry run; member names are INTERFACE.md §1's."""

    verdict: Word
    rule: str
    why: str
    recipients: tuple[RecipientVerdict, ...]
    findings: tuple[Found, ...] = ()
    changes: tuple[tuple[str, str], ...] = ()
    """(part, what)."""
    copies: tuple[tuple[str, bytes], ...] = field(default=())
    """(recipient, octets) of each copy that would leave."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """The stages' own rules and rewriting over a message from a file."""

    rules: Rules
    gather: Gather
    recipes: Recipes
    keys: SigningKeys
    clock: Clock

    async def run(self, raw: bytes, account: Account, to: Sequence[Address], list_name: str) -> Report:
        """Judge a message to these recipients; lines may end in LF, as files have them."""
        now = self.clock.now()
        tx = _transaction(account, list_name, now)
        octets = _LINE_END.sub(b"\r\n", raw)
        tx.account = self.gather.signing(tx, octets)
        readable = await self.gather.message(tx, octets)
        tx.mailing_list = narrowing(account, readable.facts) or tx.mailing_list
        decisions = [await self._recipient(tx, address, now) for address in to]
        recipients = tuple(_recipient(address, one) for address, one in zip(to, decisions, strict=True))
        decision = self._decide(tx, readable, decisions, now)
        seen = _hidden_links(readable, account.footer, self.recipes.settings.platform.public_url)
        findings = (*_findings(readable, [decision, *decisions]), *seen)
        if not isinstance(decision.verdict, Accept):
            return Report(_word(decision), decision.rule, decision.why, recipients, findings)
        return self._rewritten(tx, readable, recipients, findings)

    def _decide(self, tx: Transaction, readable: Readable, decisions: list[Decision], now: datetime) -> Decision:
        """Standing first, then the message; where nobody may be mailed, the first recipient's verdict."""
        facts = SenderFacts("submission", tx.stream, now)
        standing = decide(self.rules.authentication, Sender(tx.account), facts)
        if not isinstance(standing.verdict, Accept):
            return standing
        message = decide(self.rules.message, readable.facts, self.gather.transaction(tx, readable, now))
        if isinstance(message.verdict, Accept) and not tx.recipients and decisions:
            return decisions[0]
        return message

    async def _recipient(self, tx: Transaction, address: Address, now: datetime) -> Decision:
        recipient, facts = await self.gather.recipient(tx, address, now)
        decision = decide(self.rules.recipient, recipient, facts)
        if not isinstance(decision.verdict, (Reject, Defer)):
            tx.recipients.append(Envelope(RcptCommand(address), recipient, facts))
        return decision

    def _rewritten(
        self,
        tx: Transaction,
        readable: Readable,
        recipients: tuple[RecipientVerdict, ...],
        findings: tuple[Found, ...],
    ) -> Report:
        author = readable.facts.author
        recipe = self.recipes.message(tx, author.domain if author else "", readable.facts.campaign, tx.started_at)
        recipe = for_message(recipe, readable.facts.opaque)
        prepared = prepare(readable.message, readable.displayed, recipe, self.keys)
        copies = [self.recipes.copy(tx, envelope) for envelope in tx.recipients]
        wrong = problems(prepared, copies[0], tx.account.footer, recipe) if copies else []
        if wrong:
            return Report("rejected", "unsubscribe.link", "; ".join(wrong), recipients, findings)
        changes = tuple((one.part, one.what) for one in prepared.changes)
        rendered = tuple((copy.recipient, prepared.render(copy, True)) for copy in copies)
        return Report("accepted", "", "", recipients, findings, changes, rendered)


def _transaction(account: Account, list_name: str, now: datetime) -> Transaction:
    session = Session("submission", "dry run", "defer", "127.0.0.1", 0, helo="dry-run.localhost", esmtp=True)
    mailing_list = account.list_named(list_name) if list_name else None
    command = MailCommand(account.email, list_name=list_name)
    return Transaction(new_ref(), session, account, Stream.MARKETING, command, mailing_list, now)


def _recipient(address: Address, decision: Decision) -> RecipientVerdict:
    return RecipientVerdict(str(address), _word(decision), decision.rule, decision.why)


def _word(decision: Decision) -> Word:
    match decision.verdict:
        case Accept():
            return "accepted"
        case Hold():
            return "held"
        case _:
            return "rejected"


def _findings(readable: Readable, decisions: Sequence[Decision]) -> tuple[Found, ...]:
    """What rules objected to, and the links, placeholders and addresses that were seen."""
    found = [
        Found(decision.rule, one.part, one.line, one.excerpt) for decision in decisions for one in decision.findings
    ]
    for part in readable.facts.parts:
        for rule, seen in (
            ("unsubscribe.link", part.opt_out),
            ("unsubscribe.link", part.placeholder),
            ("footer.postal_address", part.postal_address or part.near_address),
        ):
            if seen is not None:
                found.append(Found(rule, seen.part, seen.line, seen.excerpt))
    for fault in readable.facts.faults:
        found.append(Found("message.malformed", fault.where, 0, fault.fault.value))
    return tuple(dict.fromkeys(found))


def _hidden_links(readable: Readable, footer: FooterIdentity, public_url: str) -> list[Found]:
    """Opt-out links that do not count, with the careful reader's reason: it reads the whole page, at its leisure."""
    found = []
    for one in readable.displayed:
        if not one.html:
            continue
        page = one.decoded.decode(wide_codec(one) or one.charset, "replace").encode()
        reading = read_carefully(page, footer, RegisteredAddress(footer.postal_address), public_url)
        found += [Found("unsubscribe.link", one.part.number, 0, f"does not count: {why}") for why in reading.hidden]
    return found
