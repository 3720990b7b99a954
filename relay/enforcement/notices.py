"""Owners are told of refusals: the first at once, then once a day (INTERFACE.md §4). In the keeper's process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from config.schema import Notices
from policies.facts import Standing
from relay.enforcement.digest_days import LOOK_BACK, DigestDays
from relay.enforcement.notice_letters import Letters
from relay.identifiers import new_ref, ref_at, ref_prefix
from relay.permission.stationery import Letter, Stationery
from relay.ports import Clock, Event, Journal, OwnMail, StoreUnavailable
from relay.ports.notices import NoticeRows, Owner, Told
from relay.tokens import Claim, Purpose, Tokens

POLL_SECONDS = 1.0
"""Between two looks for accounts that were refused for the first time."""
REST_SECONDS = 30.0
"""After a look that the store did not answer."""
AT_ONCE = 100
"""Accounts told in one round."""
LATE = timedelta(seconds=30)
"""How much later than its refusal a row is seen at most, as a rule."""
VERY_LATE, LOOK_AGAIN = timedelta(hours=1), timedelta(minutes=10)
"""So far back every so often: a store that was away, or a clock that is behind."""
SETTLED = timedelta(minutes=1)
"""After a day's end before its digest is written."""
UNREACHABLE_FOR = timedelta(days=7)
"""After a mail that its owner's address refused for good, no other goes there for so long."""
FAULTY_FOR = 3600.0
"""Seconds until an account is tried again for which no mail could be written."""


@dataclass(frozen=True, slots=True)
class OwnerPost:
    """Letters to owners as mail of our own: bounces come back to us, and what comes back is answered by nobody."""

    stationery: Stationery
    tokens: Tokens
    clock: Clock
    expire_after: float
    """Seconds after which a mail that cannot be delivered is given up."""

    def mail(self, account_id: int, letter: Letter) -> OwnMail:
        now = self.clock.now()
        ref = new_ref(int(now.timestamp() * 1000))
        claim = Claim(Purpose.OWN_BOUNCE, account_id, 0, 0, ref_prefix(ref))
        path = f"{self.tokens.local_part(claim)}@{self.stationery.mail_domain}"
        octets, expires_at = self.stationery.octets(letter, ref, now), now + timedelta(seconds=self.expire_after)
        return OwnMail(ref, account_id, "notice", path, letter.to, octets, now, expires_at)


@dataclass(slots=True)
class _Looking:
    """From when on refusals were not looked at yet."""

    since: datetime
    again_at: datetime


class RefusalNotices:
    """Runs in every keeper; the store lets one of them tell each thing."""

    def __init__(
        self,
        settings: Notices,
        rows: NoticeRows,
        letters: Callable[[Notices], Letters],
        post: OwnerPost,
        journal: Journal,
        clock: Clock,
        queued: Callable[[], None],
    ) -> None:
        """`queued` is told when there is mail to send; `letters` writes them as the settings say."""
        self._make_letters = letters
        self._rows = rows
        self._post = post
        self._journal = journal
        self._clock = clock
        self._queued = queued
        self._faulty: dict[int, float] = {}
        now = clock.now()
        self._looking = _Looking(now - LOOK_BACK, now + LOOK_AGAIN)
        self.renew(settings)

    def renew(self, settings: Notices) -> None:
        """After a reload."""
        self._settings = settings
        self._letters = self._make_letters(settings)
        self._days = DigestDays(settings.digest_hour, self._letters.platform.timezone)

    async def run(self, ending: asyncio.Event) -> None:
        """Until the process ends."""
        while not ending.is_set():
            wait = POLL_SECONDS if await self._looked() else REST_SECONDS
            try:
                async with asyncio.timeout(wait):
                    await ending.wait()
            except TimeoutError:
                continue

    async def _looked(self) -> bool:
        try:
            await self.round()
        except StoreUnavailable as fault:
            self._say("service.notices_failed", "warning", {"error": f"refusals could not be told of: {fault}"})
            return False
        return True

    async def round(self) -> None:
        """Tell whoever is to be told now."""
        if self._settings.refusals == "off":
            return
        now = self._clock.now()
        fresh = await self._rows.fresh(self._looking.since, AT_ONCE)
        for account_id in fresh:
            await self._one(account_id, self._first)
        if len(fresh) < AT_ONCE:
            self._look_on(now)
        for account_id in await self._rows.due(now - SETTLED, AT_ONCE):
            await self._one(account_id, self._digest)

    def _look_on(self, now: datetime) -> None:
        """The next look begins where rows may still come; from time to time much further back."""
        again = now >= self._looking.again_at
        again_at = now + LOOK_AGAIN if again else self._looking.again_at
        self._looking = _Looking(now - (VERY_LATE if again else LATE), again_at)

    async def _one(self, account_id: int, tell: Callable[[Owner, Told, datetime], Awaitable[None]]) -> None:
        """One account; what goes wrong with it keeps nobody else waiting."""
        now = self._clock.now()
        if self._faulty.get(account_id, 0.0) > self._clock.monotonic():
            return
        try:
            owner = await self._rows.owner(account_id)
            if owner is not None:
                told = await self._rows.told(account_id) or self._days.never_told(account_id, now)
                await tell(owner, told, now)
        except StoreUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - one broken row must not silence all others
            self._faulty[account_id] = self._clock.monotonic() + FAULTY_FOR
            error = f"the owner of account {account_id} could not be told: {type(fault).__name__}: {fault}"
            self._say("service.notices_failed", "error", {"error": error})

    async def _first(self, owner: Owner, told: Told, now: datetime) -> None:
        refusal = await self._rows.first(owner.account_id, told.until)
        if told.due_at is not None or refusal is None:
            return
        after = self._days.after_first(told, refusal.ref, refusal.at, now)
        letter = self._letters.first(owner, refusal)
        await self._tell(owner, after, letter, f"first refusal: {refusal.rule}")

    async def _digest(self, owner: Owner, told: Told, now: datetime) -> None:
        end = self._days.end_before(now - SETTLED)
        rules = await self._rows.summary(told, end)
        if not rules:
            await self._rows.keep(self._days.after_nothing(told, end), [])
            return
        letter = self._letters.digest(owner, told, end, rules)
        what = f"digest: {sum(one.count for one in rules)} refusals"
        await self._tell(owner, self._days.after_digest(told, end), letter, what)

    async def _tell(self, owner: Owner, after: Told, letter: Letter, what: str) -> None:
        """State and mail at once, or the state alone where nobody can be told."""
        if not await self._may_write(owner, after):
            await self._rows.keep(after, [])
            return
        mail = self._post.mail(owner.account_id, letter)
        if await self._rows.keep(replace(after, notice_ref=mail.ref), [mail]):
            fields = {"recipient": owner.email, "why": what}
            event = Event(
                "service.owner_told", mail.ref, self._clock.now(), "info", owner.account_id, owner.account, fields
            )
            self._journal.write(event)
            self._queued()

    async def _may_write(self, owner: Owner, told: Told) -> bool:
        """Nobody is told of an account that a person closed, nor at an address that took no mail lately."""
        if owner.standing is Standing.DEACTIVATED or not owner.email:
            return False
        if not told.notice_ref or self._clock.now() - ref_at(told.notice_ref) >= UNREACHABLE_FOR:
            return True
        return await self._rows.bounced(told) != owner.email

    def _say(self, event: str, level: str, fields: dict[str, str | int | float | None]) -> None:
        self._journal.write(Event(event, new_ref(), self._clock.now(), level, fields=fields))
