"""Refusals as the client sees them: one form, with rule id, REF and the refusal's own page (INTERFACE.md §3)."""

from __future__ import annotations

from dataclasses import dataclass

from policies.chain import Decision
from policies.facts import Sender, SenderFacts
from policies.sender.identity import ReversePath
from policies.verdict import Defer, Refusal, Reject, Reply
from relay.masking import masked_text
from relay.ports import RefusalRow
from relay.tokens import Tokens


class Unrewritable(Exception):
    """The rewritten message does not show what it must; the text says what is missing and where."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Turns decisions into replies; knows the base of links and the key that signs page names."""

    public_url: str
    tokens: Tokens

    def url(self, ref: str) -> str:
        """The page that explains this refusal, no login needed."""
        return f"{self.public_url.rstrip('/')}/r/{self.tokens.refusal(ref)}"

    def reply(self, decision: Decision, ref: str) -> Reply:
        """The reply of a Reject or Defer; TypeError for anything that is none."""
        match decision.verdict:
            case Reject(refusal=refusal) | Defer(refusal=refusal):
                return refusal.reply(decision.rule, ref, self.url(ref))
            case other:
                raise TypeError(f"{type(other).__name__} refuses nothing")

    def nobodys(self, sender: Sender, facts: SenderFacts, decision: Decision) -> Decision:
        """No account can be found for this mail: it cannot be taken even where the rule only observes."""
        rule = ReversePath()
        return Decision(rule.check(sender, facts), rule.id, rule.clause, decision.observed)

    def unrewritable(self, trouble: Unrewritable) -> Decision:
        """The rewritten message does not show what it must: refused, not sent (clause 5.5)."""
        refusal = Refusal(550, "7.0", f"an unsubscribe link cannot be written into this message: {trouble}")
        return Decision(Reject(refusal, why=str(trouble)), "unsubscribe.link", "5.5")

    def framing(self, ref: str, what: str) -> tuple[Decision, Reply]:
        """`550 5.5.2 message.malformed`; the session closes after it."""
        decision = Decision(Reject(Refusal(550, "5.2", what), why=what), "message.malformed")
        reply = self.reply(decision, ref)
        return decision, Reply(reply.code, reply.enhanced, reply.text, close=True)

    def too_large(self, ref: str, max_size: int) -> tuple[Decision, Reply]:
        """`552 5.3.4 message.too_large`."""
        refusal = Refusal(552, "3.4", f"the message is over {max_size} octets")
        decision = Decision(Reject(refusal, why=f"over [limits] max_size = {max_size}"), "message.too_large")
        return decision, self.reply(decision, ref)

    def internal(self, ref: str) -> Reply:
        """`451 4.3.0 internal`: nothing of the fault itself is told."""
        return Refusal(451, "3.0", "a fault of ours, not of your message; try again later").reply(
            "internal", ref, self.url(ref)
        )


def sentence(row: RefusalRow) -> str:
    """What a reply says between the rule id and the REF, addresses masked."""
    _, _, rest = row.reply.partition(f"{row.rule}: ")
    text = masked_text(rest.rpartition(f" [{row.ref}]")[0] or rest)
    return text if "@" in text.partition(" ")[0] else text[:1].upper() + text[1:]
