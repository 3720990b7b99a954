"""Standing as the store keeps it: every move is an audited row, a journal row and news for all caches."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.facts import Standing
from relay.adapters.store.engine import Engine, to_us
from relay.adapters.store.generation import DIRECTORY, bump
from relay.adapters.store.history import Act, StandingChange, record_event, record_standing, standing_history
from relay.adapters.store.names import NotAllowed, account_id_of
from relay.adapters.tables import account, footer_identity
from relay.enforcement.standing import (
    POLICY_VERSION,
    Move,
    MoveRefused,
    Side,
    Standings,
    by_staff,
    by_system,
    missing,
    settled,
)
from relay.identifiers import new_ref
from relay.ports import Event


@dataclass(frozen=True, slots=True)
class _Before:
    """An account as a move finds it, locked by the transaction."""

    account_id: int
    name: str
    standings: Standings
    reason: str
    owed: str
    """What keeps it in the sandbox, in words; empty: nothing."""


class AccountStandings:
    """Moves of standing; one transaction a call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def move(self, name: str, move: Move, reason: str, act: Act) -> Standings:
        """A person's move, with its reason; NotAllowed where the account's standing does not permit it."""
        async with self._engine.begin() as connection:
            before = await _before(connection, await account_id_of(connection, name))
            try:
                after = by_staff(before.standings, move, before.owed)
            except MoveRefused as refused:
                raise NotAllowed(f"{name}: {refused}") from None
            cause = before.owed if move is Move.REINSTATE else reason
            await _keep(connection, before, after, cause)
            await _tell(connection, before, after, Side.STAFF, reason, act)
            return after

    async def move_down(self, account_id: int, to: Standing, reason: str, act: Act) -> Standings:
        """The system's move, no further than suspended; NotAllowed for any other."""
        async with self._engine.begin() as connection:
            before = await _before(connection, account_id)
            try:
                after = by_system(before.standings, to)
            except MoveRefused as refused:
                raise NotAllowed(f"{before.name}: {refused}") from None
            await _keep(connection, before, after, reason)
            await _tell(connection, before, after, Side.SYSTEM, reason, act)
            return after

    async def approve(self, name: str, reason: str, act: Act) -> Standings:
        """Record that a person looked at the account; NotAllowed while it owes something."""
        async with self._engine.begin() as connection:
            account_id = await account_id_of(connection, name)
            before = await _before(connection, account_id)
            if before.owed:
                raise NotAllowed(f"{name} cannot be approved: {before.owed}")
            await connection.execute(update(account).where(account.c.account_id == account_id).values(approved=True))
            await _audit(connection, before, before.standings, Side.STAFF, f"approved: {reason}", act)
            await bump(connection, DIRECTORY)
            return before.standings

    async def history(self, name: str) -> list[StandingChange]:
        """Every step, oldest first."""
        async with self._engine.connect() as connection:
            return await standing_history(connection, name)


async def accept(connection: AsyncConnection, account_id: int, how: str, act: Act) -> None:
    """Record that the account accepted today's policy, within the caller's transaction."""
    values = {
        "policy_version": POLICY_VERSION,
        "policy_accepted_at": to_us(act.at),
        "policy_accepted_how": how,
    }
    await connection.execute(update(account).where(account.c.account_id == account_id).values(**values))
    before = await _before(connection, account_id)
    text = f"policy version {POLICY_VERSION} accepted {how}"
    await _audit(connection, before, before.standings, Side.SYSTEM, text, act)


async def settle(connection: AsyncConnection, account_id: int, act: Act) -> None:
    """Let an account out of the sandbox that owes nothing any more, within the caller's transaction."""
    before = await _before(connection, account_id)
    after = settled(before.standings, before.owed)
    if after == before.standings:
        return
    await _keep(connection, before, after, before.reason)
    reason = "the policy is accepted and a postal address is registered"
    await _tell(connection, before, after, Side.SYSTEM, reason, act)


async def _before(connection: AsyncConnection, account_id: int) -> _Before:
    joined = account.outerjoin(
        footer_identity,
        (footer_identity.c.account_id == account.c.account_id) & (footer_identity.c.name == "registered"),
    )
    statement = (
        select(account, footer_identity.c.postal_address)
        .select_from(joined)
        .where(account.c.account_id == account_id)
        .with_for_update(of=account)
    )
    row = (await connection.execute(statement)).one()
    return _Before(
        account_id,
        row.name,
        Standings(Standing(row.standing_system), Standing(row.standing_staff)),
        row.standing_reason,
        missing(row.policy_version, row.postal_address or ""),
    )


async def _keep(connection: AsyncConnection, before: _Before, after: Standings, cause: str) -> None:
    values = {
        "standing_system": after.system.value,
        "standing_staff": after.staff.value,
        "standing_reason": cause,
    }
    await connection.execute(update(account).where(account.c.account_id == before.account_id).values(**values))
    await bump(connection, DIRECTORY)


async def _audit(
    connection: AsyncConnection, before: _Before, after: Standings, side: Side, reason: str, act: Act
) -> StandingChange:
    """One row that says where the account stood and stands, all sides told."""
    change = StandingChange(
        new_ref(to_us(act.at) // 1000),
        act.at,
        act.by,
        side,
        before.standings.effective.value,
        after.effective.value,
        reason,
    )
    await record_standing(connection, before.account_id, change)
    return change


async def _tell(
    connection: AsyncConnection, before: _Before, after: Standings, side: Side, reason: str, act: Act
) -> None:
    change = await _audit(connection, before, after, side, reason, act)
    level = "info" if after.effective is Standing.ACTIVE else "warning"
    fields = {"before": change.before, "after": change.after, "why": reason, "actor": act.by, "side": side.value}
    evidence = {
        "system": [before.standings.system.value, after.system.value],
        "staff": [before.standings.staff.value, after.staff.value],
    }
    event = Event("standing.changed", change.ref, act.at, level, before.account_id, before.name, fields, evidence)
    await record_event(connection, event)
