"""From an accepted message to the answer: recipes, prepared copies, and the one settlement for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from policies.chain import Decision
from policies.facts import Account
from policies.verdict import Reply
from relay.forwarding.commit import Commit
from relay.forwarding.copies import Copy, Letter
from relay.message.dkim import SigningKeys
from relay.message.recipe import Recipe, for_message
from relay.message.rewrite import Prepared, prepare
from relay.message.verify import problems
from relay.ports import Clock, CopyState, Permissions, Readable, SpooledCopy
from relay.recipes import Recipes
from relay.record import Record
from relay.refusals import Refusals, Unrewritable
from relay.transaction import Envelope, Transaction

Refused = Sequence[tuple[Envelope, Decision]]


@dataclass(frozen=True, slots=True)
class Sending:
    """Prepares once per message, renders once per recipient, and hands the copies to `Commit.settle`."""

    recipes: Recipes
    keys: SigningKeys
    permissions: Permissions
    commit: Commit
    refusals: Refusals
    record: Record
    clock: Clock

    async def send(self, tx: Transaction, raw: bytes, readable: Readable, refused: Refused) -> Reply:
        """The reply to the final dot; Unrewritable where a copy would not show link and address."""
        gone = {envelope.recipient.address.key for envelope, _ in refused}
        envelopes = [await self._known(tx, one) for one in tx.recipients if one.recipient.address.key not in gone]
        author = readable.facts.author
        recipe = self.recipes.message(tx, author.domain if author else "", readable.facts.campaign, self.clock.now())
        recipe = for_message(recipe, readable.facts.opaque)
        prepared = prepare(readable.message, readable.displayed, recipe, self.keys, readable.body)
        language = next((one.language for one in readable.displayed if one.language), "")
        copies = [self._copy(tx, envelope, prepared, language) for envelope in envelopes]
        self._check(prepared, copies[0], tx.account, recipe)
        letter = Letter(raw, recipe, readable.facts.message_id or prepared.message_id)
        replies = [self.refusals.reply(decision, tx.ref) for _, decision in refused]
        rows = [
            _left_out(tx.ref, place, one[0], told)
            for place, (one, told) in enumerate(zip(refused, replies, strict=True))
        ]
        reply = await self.commit.settle(tx, copies, letter, rows)
        if reply.code < 300:
            for (envelope, decision), told in zip(refused, replies, strict=True):
                address = envelope.recipient.address
                self.record.recipient_refused(tx, address, envelope.facts, decision, told, tx.ref)
        self.record.message_answered(tx, readable, reply, prepared)
        return reply

    async def _known(self, tx: Transaction, envelope: Envelope) -> Envelope:
        """An own test address is on no list: it gets a contact id of its own, so that its links work."""
        if envelope.facts.contact_id:
            return envelope
        contact_id = await self.permissions.contact(tx.account.account_id, envelope.recipient.address)
        return replace(envelope, facts=replace(envelope.facts, contact_id=contact_id))

    def _copy(self, tx: Transaction, envelope: Envelope, prepared: Prepared, language: str) -> Copy:
        recipe = self.recipes.copy(tx, envelope, language)
        return Copy(
            envelope.recipient.address,
            recipe,
            partial(prepared.render, recipe),
            envelope.recipient.own,
            envelope.command.notify,
            envelope.command.orcpt,
        )

    def _check(self, prepared: Prepared, sample: Copy, account: Account, recipe: Recipe) -> None:
        """Read the result again from its octets (clause 5.5); once per message, every copy has its structure."""
        found = problems(prepared, sample.recipe, account.footer, recipe)
        if found:
            raise Unrewritable("; ".join(found))


def _left_out(ref: str, place: int, envelope: Envelope, told: Reply) -> SpooledCopy:
    """A recipient the message goes without, as the sender's one DSN tells of it."""
    return SpooledCopy(
        ref,
        place,
        str(envelope.recipient.address),
        "",
        "",
        CopyState.FAILED,
        reply=f"{told.enhanced} {told.text}",
        notify=",".join(sorted(envelope.command.notify)),
        orcpt=envelope.command.orcpt,
    )
