"""The replies to the final dot that depend on the smarthost (INTERFACE.md §3, RELIABILITY.md §E2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from policies.facts import Standing, SuppressionReason
from policies.verdict import Refusal, Reply
from relay.ports import CopyState, SpooledCopy, StoreFull

CONSENT_RULES = {
    SuppressionReason.OPT_OUT: ("consent.withdrawn", "7.1", "has opted out"),
    SuppressionReason.COMPLAINT: ("consent.complained", "7.1", "has reported such mail as spam"),
    SuppressionReason.UNREACHABLE: ("consent.unreachable", "1.1", "does not take mail any more"),
}
"""Rule, status detail and words where a 'no' came in between RCPT and the dot."""

SILENCE = Reply(421, "4.3.0", "closing without an answer", close=True, silent=True)
"""Something may have gone and we could not note it: no reply is better than a wrong one (§E3 step 4)."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Makes replies; `page` gives the URL of the page that explains a REF."""

    page: Callable[[str], str]

    def accepted(self, ref: str, copies: int) -> Reply:
        return Reply(250, "2.0.0", f"{ref} accepted" if copies == 1 else f"{ref} accepted for {copies} recipients")

    def queued(self, ref: str, copies: int, sent: int) -> Reply:
        return Reply(
            250, "2.0.0", f"{ref} queued" if copies == 1 else f"{ref} queued, {sent} of {copies} sent already"
        )

    def partly(self, ref: str, copies: int, total: int, sent: bool) -> Reply:
        """Some recipients were left out, by a rule (INTERFACE.md §3)."""
        return Reply(250, "2.0.0", f"{ref} {'accepted' if sent else 'queued'} for {copies} of {total}")

    def smarthost_said(self, ref: str, code: int, enhanced: str, text: str) -> Reply:
        """The smarthost's own code and words, 4xx or 5xx."""
        detail = enhanced.partition(".")[2] or "0.0"
        return Refusal(code, detail, text or "refused").reply("smarthost.refused", ref, self.page(ref))

    def unavailable(self, ref: str) -> Reply:
        refusal = Refusal(
            451, "4.1", "the mail server cannot be reached right now, nothing was sent; try again later"
        )
        return refusal.reply("smarthost.unavailable", ref, self.page(ref))

    def internal(self, ref: str) -> Reply:
        return Refusal(451, "3.0", "temporary fault on our side, nothing was sent; try again later").reply(
            "internal", ref, self.page(ref)
        )

    def undecided(self, ref: str) -> Reply:
        """The same message got no answer a moment ago, and may have gone."""
        words = "this message was handed over before and its fate is not known yet; try again later"
        return Refusal(451, "3.0", words).reply("internal", ref, self.page(ref))

    def full(self, ref: str) -> Reply:
        """The store has no room (RELIABILITY.md §E2)."""
        return Refusal(452, "3.1", "no space to keep the message, nothing was sent; try again later").reply(
            "internal", ref, self.page(ref)
        )

    def not_kept(self, ref: str, fault: Exception) -> Reply:
        """Nothing went, and the store could not take the message."""
        return self.full(ref) if isinstance(fault, StoreFull) else self.internal(ref)

    def stopped(self, ref: str, recipient: str, reason: SuppressionReason) -> Reply:
        rule, detail, words = CONSENT_RULES[reason]
        return Refusal(550, detail, f"{recipient} {words}").reply(rule, ref, self.page(ref))

    def halted(self, ref: str, account: str, standing: Standing) -> Reply:
        """The account lost its standing between MAIL and the dot."""
        rule = f"standing.{standing.value}"
        return Refusal(550, "7.1", f"{account} is {standing.value}").reply(rule, ref, self.page(ref))

    def none_sent(self, ref: str, copies: Sequence[SpooledCopy]) -> Reply:
        """Nothing left us and nothing is kept: 5xx where every copy was refused, else 4xx.

        The smarthost's own code where all agree (INTERFACE.md §3), 554 where they differ (§E2).
        """
        failed = [copy for copy in copies if copy.state is CopyState.FAILED]
        waiting = [copy for copy in copies if copy.state is CopyState.PENDING]
        if failed and not waiting:
            code = failed[0].code if len({copy.code for copy in failed}) == 1 else 554
            return self.smarthost_said(ref, code, *_words(failed[0]))
        if waiting and all(copy.code // 100 == 4 for copy in waiting):
            return self.smarthost_said(ref, waiting[0].code, *_words(waiting[0]))
        return self.unavailable(ref)


def _words(copy: SpooledCopy) -> tuple[str, str]:
    """Enhanced status and text as they stand in the copy's row."""
    head, _, tail = copy.reply.partition(" ")
    return (head, tail) if head[:2] in ("4.", "5.") and head.count(".") == 2 else ("", copy.reply)
