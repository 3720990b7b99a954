"""Counts what logins of the service and personal streams send, before it goes (POLICY.md, Streams)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from policies.facts import NOT_COUNTED, Stream, StreamCounts
from relay.message.fingerprint import content_fingerprint
from relay.ports import Readable, StoreUnavailable, Tallies, Tally
from relay.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Entered:
    """A message as it was counted; marketing is not."""

    counts: StreamCounts = NOT_COUNTED
    tallies: tuple[Tally, ...] = ()


@dataclass(frozen=True, slots=True)
class Counters:
    """Counted first and taken back where the message does not go: two sessions never share the last place."""

    tallies: Tallies

    async def copies_today(self, tx: Transaction, now: datetime) -> int:
        """Copies of a personal login since midnight UTC, those of this transaction so far included."""
        if tx.stream is not Stream.PERSONAL:
            return 0
        before = await self.tallies.counted(tx.account.account_id, _copies(tx), _midnight(now))
        return before + len(tx.recipients)

    async def enter(self, tx: Transaction, readable: Readable, now: datetime) -> Entered:
        """Count a message and its copies; what now stands there is what the rules judge by."""
        tallies = _tallies(tx, readable, now)
        if not tallies:
            return Entered()
        found = await self.tallies.add(list(tallies.values()))
        return Entered(StreamCounts(**dict(zip(tallies, found, strict=True))), tuple(tallies.values()))

    async def leave(self, entered: Entered) -> None:
        """Take back what was not sent; a store that cannot leaves one count too many, which is the safe side."""
        if not entered.tallies:
            return
        try:
            await self.tallies.add([replace(one, count=-one.count) for one in entered.tallies])
        except StoreUnavailable:
            return


def _tallies(tx: Transaction, readable: Readable, now: datetime) -> dict[str, Tally]:
    """By the name of the fact that each becomes."""
    account_id, found = tx.account.account_id, dict[str, Tally]()
    if tx.stream is Stream.PERSONAL:
        content = f"content:{content_fingerprint(readable.message, readable.displayed)}"
        found["copies_today"] = Tally(account_id, _copies(tx), _midnight(now), len(tx.recipients))
        found["same_content_today"] = Tally(account_id, content, _midnight(now), 1)
    if tx.stream is not Stream.MARKETING and tx.mail.reverse_path is None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        found["reports_this_hour"] = Tally(account_id, f"reports:{_login(tx)}", hour, 1)
    return found


def _copies(tx: Transaction) -> str:
    return f"copies:{_login(tx)}"


def _login(tx: Transaction) -> int:
    return tx.session.credential.credential_id if tx.session.credential else 0


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
