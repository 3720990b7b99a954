"""`relay check`: what would happen to a message, without sending or recording anything (clause 3.5)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from policies.address import Address
from policies.chain import Decision, Facts, Observed, Rule, Subject, decide
from policies.facts import Account, FooterIdentity, Sender, SenderFacts, Stream
from policies.registry import Rules
from policies.verdict import Accept, Defer, Hold, Reject, Verdict
from relay.gather import Gather, narrowing
from relay.identifiers import new_ref
from relay.message.careful import read_carefully
from relay.message.dkim import SigningKeys
from relay.message.html import read_html
from relay.message.pen import wide_codec
from relay.message.postal_address import RegisteredAddress
from relay.message.recipe import for_message
from relay.message.rewrite import prepare
from relay.message.verify import problems
from relay.ports import Clock, Readable
from relay.recipes import Recipes
from relay.transaction import Envelope, MailCommand, RcptCommand, Session, Transaction

Word = Literal["accepted", "rejected", "held"]
_EXCERPT = 200
_LINE_END = re.compile(rb"\r?\n")


@dataclass(frozen=True, slots=True)
class RecipientVerdict:
    """One recipient as RCPT would have answered."""

    address: str
    verdict: Word
    rule: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one rule says of one recipient, or of the message."""

    subject: str
    """The recipient; empty: the message, or its account."""
    rule: str
    verdict: str
    """A `Word`, or 'observed': it would refuse, but only observes."""
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
    judgements: tuple[Judgement, ...] = ()
    """What every rule says, in the order in which they are asked."""
    received: bytes = b""
    """The message as it would have come: lines ended by CRLF."""


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
        judged = [await self._recipient(tx, address, now) for address in to]
        decisions = [decision for decision, _ in judged]
        recipients = tuple(_recipient(address, one) for address, one in zip(to, decisions, strict=True))
        decision = self._decide(tx, readable, decisions, now)
        seen = _not_counted(readable, account.footer, self.recipes.settings.platform.public_url)
        findings = (*_findings(readable, [decision, *decisions]), *seen)
        said = (*itertools.chain.from_iterable(said for _, said in judged), *self._of_message(tx, readable, now))
        report = Report(_word(decision), decision.rule, decision.why, recipients, findings)
        if isinstance(decision.verdict, Accept):
            report = self._rewritten(tx, readable, recipients, findings)
        return replace(report, judgements=said, received=octets)

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

    def _of_message(self, tx: Transaction, readable: Readable, now: datetime) -> list[Judgement]:
        standing = SenderFacts("submission", tx.stream, now)
        facts = self.gather.transaction(tx, readable, now)
        return [
            *_judgements(self.rules.authentication, Sender(tx.account), standing),
            *_judgements(self.rules.message, readable.facts, facts),
        ]

    async def _recipient(self, tx: Transaction, address: Address, now: datetime) -> tuple[Decision, list[Judgement]]:
        recipient, facts = await self.gather.recipient(tx, address, now)
        decision = decide(self.rules.recipient, recipient, facts)
        if not isinstance(decision.verdict, (Reject, Defer)):
            tx.recipients.append(Envelope(RcptCommand(address), recipient, facts))
        return decision, _judgements(self.rules.recipient, recipient, facts, str(address))

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


def _judgements(
    rules: Sequence[Rule[Subject, Facts]], subject: Subject, facts: Facts, name: str = ""
) -> list[Judgement]:
    """Every rule by itself, one line for a rule that stands in a stage twice."""
    said: dict[str, Judgement] = {}
    for rule in rules:
        verdict = rule.check(subject, facts)
        if isinstance(verdict, Accept):
            said.setdefault(rule.id, Judgement(name, rule.id, "accepted"))
        elif rule.id not in said or said[rule.id].verdict == "accepted":
            word = "observed" if isinstance(rule, Observed) else _word_of(verdict)
            said[rule.id] = Judgement(name, rule.id, word, verdict.why)
    return list(said.values())


def _word(decision: Decision) -> Word:
    return _word_of(decision.verdict)


def _word_of(verdict: Verdict) -> Word:
    match verdict:
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


def _not_counted(readable: Readable, footer: FooterIdentity, public_url: str) -> list[Found]:
    """Opt-out links that do not count, with the careful reader's reason: it reads the whole page, at its leisure."""
    found = []
    address = RegisteredAddress(footer.postal_address)
    own_links = f"{public_url.rstrip('/')}/u/"
    for one in readable.displayed:
        if not one.html:
            continue
        page = one.decoded.decode(wide_codec(one) or one.charset, "replace").encode()
        careful = read_carefully(page, footer, address, own_links)
        said = [
            (link.line, f"does not count: {link.text or '(no words)'}: {link.why}") for link in careful.not_counted
        ]
        fast = read_html(page, footer, address, own_links)
        if fast.doubt and not fast.bottom:
            said += [(0, f"in doubt, so a link is written in: {fast.doubt}")]
        found += [Found("unsubscribe.link", one.part.number, line, excerpt[:_EXCERPT]) for line, excerpt in said]
    return found
