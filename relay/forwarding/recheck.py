"""Asks permission and standing again right before a copy goes (clause 3.1, RELIABILITY.md row 75)."""

from __future__ import annotations

from dataclasses import dataclass

from policies.address import Address
from policies.facts import Account, Standing, Stream, SuppressionReason
from relay.forwarding.copies import read_recipe
from relay.ports import Directory, Permissions, SpooledCopy, SpooledMessage

OFF = frozenset({Standing.SUSPENDED, Standing.DEACTIVATED})


class Stopped(Exception):
    """A 'no' came between RCPT and the dot: the copy is not sent. Not an error, but it must cross `deliver`."""

    def __init__(self, reason: SuppressionReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Halted(Exception):
    """The account may not send any more, or not before a person has decided. Crosses `deliver` like Stopped."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(f"the account is {standing.value}")
        self.standing = standing


@dataclass(frozen=True, slots=True)
class Recheck:
    """Store faults pass through as StoreUnavailable: who cannot ask does not send."""

    directory: Directory
    permissions: Permissions
    enforced: frozenset[SuppressionReason] = frozenset(SuppressionReason)
    """Those whose rule is not in observe mode."""
    off: frozenset[Standing] = OFF
    """The same for standing."""

    async def standing(self, account_id: int) -> Account:
        """The account as it stands now; Halted where it may not send."""
        account = await self.directory.account(account_id)
        standing = Standing.DEACTIVATED if account is None else account.standing
        if account is None or standing in self.off:
            raise Halted(standing)
        return account

    async def suppression(
        self, account_id: int, list_id: int, stream: Stream, address: Address
    ) -> SuppressionReason | None:
        """The standing 'no' that stops this stream; an opt-out stops marketing only (POLICY.md, Streams)."""
        reason = await self.permissions.suppressed(account_id, list_id, address)
        if reason is SuppressionReason.OPT_OUT and stream is not Stream.MARKETING:
            return None
        return reason if reason in self.enforced else None

    async def queued(self, message: SpooledMessage, copy: SpooledCopy) -> str:
        """Why a queued copy may not go any more, in words; empty: it may. Halted where it must wait."""
        try:
            account = await self.standing(message.account_id)
        except Halted as halt:
            if halt.standing is Standing.SUSPENDED:
                raise
            return str(halt)
        address = Address.parse(copy.recipient)
        if _own(account, address):
            return ""
        stream = Stream.MARKETING if read_recipe(message.recipe).list_headers else Stream.PERSONAL
        reason = await self.suppression(account.account_id, message.list_id, stream, address)
        return f"the recipient has {reason.value}" if reason else ""


def _own(account: Account, address: Address) -> bool:
    return account.owns(address.domain) or address == account.email
