"""Owners are told of refusals: the whole of it on real stores, with a clock that is moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from fakes import ListJournal
from sqlalchemy import delete, insert, select, update
from store_clock import MARCH_1, SetClock

from config.schema import Notices, Platform
from relay.adapters.store.engine import to_us
from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.notice_rows import EXAMPLES, RULES, StoreNotices
from relay.adapters.tables import account, journal, spool_bytes, spool_copy, spool_message
from relay.enforcement.notice_letters import Letters
from relay.enforcement.notices import OwnerPost, RefusalNotices
from relay.identifiers import new_ref
from relay.journal import LineJournal
from relay.key_ring import KeyRing
from relay.permission.stationery import Stationery
from relay.ports import Event, OwnMail
from relay.ports.notices import NoticeRows, Told
from relay.tokens import Purpose, Tokens

ACME, BETA = 7, 8
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLATFORM = Platform(mail_domain="b.test", public_url="https://policy.test")
TOKENS = Tokens(KeyRing({1: b"1" * 32}))


class World:
    """One store, its journal as workers write it, and keepers that tell owners."""

    def __init__(self, store: MailStore, clock: SetClock) -> None:
        self.store = store
        self.clock = clock
        self.writing = LineJournal("n", [], store.journal)
        self.journal = ListJournal()
        self.woken = 0
        self.keeper = self.another()

    def another(self, rows: NoticeRows | None = None, settings: Notices | None = None) -> RefusalNotices:
        """One more keeper on this store."""
        post = OwnerPost(Stationery(PLATFORM.mail_domain, lambda raw: raw), TOKENS, self.clock, 86_400.0)
        return RefusalNotices(
            settings or Notices(),
            rows or StoreNotices(self.store.engine, self.store.writer),
            lambda notices: Letters(PLATFORM, lambda ref: f"https://policy.test/r/{ref}", notices.digest_hour),
            post,
            self.journal,
            self.clock,
            self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def refused(
        self,
        recipient: str = "bob@example.org",
        rule: str = "consent.missing",
        *,
        account_id: int = ACME,
        event: str = "recipient.refused",
        reply: str = "550 5.7.1",
        evidence: Sequence[str] = (),
    ) -> str:
        """A refusal as a worker writes it; its REF."""
        ref = new_ref(int(self.clock.at.timestamp() * 1000))
        fields: dict[str, str | int | float | None] = {"rule": rule, "reply": f"{reply} {rule}: no [{ref}] https://x"}
        if recipient:
            fields["recipient"] = recipient
        kept = {"recipients": list(evidence)} if evidence else {}
        self.writing.write(Event(event, ref, self.clock.at, "warning", account_id, "acme", fields, kept))
        await self.store.writer.run(lambda _: None)
        self.clock.advance(1)
        return ref

    async def mails(self) -> list[str]:
        """Texts of the mails in the queue, oldest first."""
        wanted = select(spool_bytes.c.raw, spool_bytes.c.compressed, spool_bytes.c.ref).order_by(spool_bytes.c.ref)
        async with self.store.engine.connect() as connection:
            rows = (await connection.execute(wanted)).all()
        claimed = {one.message.ref: one.message for one in await self.store.spool.claim(*self._now())}
        self._claimed.update({ref: message.raw.decode() for ref, message in claimed.items()})
        return [self._claimed[row.ref].replace("=\r\n", "") for row in rows]

    def _now(self) -> tuple[object, ...]:
        return self.clock.at, self.clock.at + HOUR, 100

    _claimed: dict[str, str]

    async def subjects(self) -> list[str]:
        found = [mail.partition("\r\nSubject: ")[2].partition("\r\nDate:")[0] for mail in await self.mails()]
        return [subject.replace("\r\n ", " ") for subject in found]

    async def told(self) -> Told | None:
        return await StoreNotices(self.store.engine, self.store.writer).told(ACME)

    def at_digest(self, days: int = 0) -> None:
        """Two minutes after the next seven o'clock, or so many days later."""
        end = self.clock.at.replace(hour=7, minute=2, second=0, microsecond=0)
        self.clock.at = end + DAY * (days + (end <= self.clock.at))


@pytest.fixture
async def world(store: MailStore, clock: SetClock) -> World:
    async with store.engine.begin() as connection:
        for account_id, name in ((ACME, "acme"), (BETA, "beta")):
            row = {"account_id": account_id, "name": name, "email": f"owner@{name}.test", "organisation": name}
            more = {"standing_system": "active", "standing_staff": "active", "created_at": to_us(MARCH_1)}
            await connection.execute(insert(account).values(**row, **more))
    made = World(store, clock)
    made._claimed = {}
    return made


async def test_the_first_refusal_is_told_at_once_and_the_keeper_woken(world: World) -> None:
    ref = await world.refused()
    await world.keeper.round()

    (mail,) = await world.mails()
    assert "To: <owner@acme.test>" in mail
    assert "acme: mail was refused (consent.missing)" in mail
    assert ref in mail
    assert "bob@example.org" not in mail
    assert world.woken == 1
    (event,) = world.journal.named("service.owner_told")
    assert (event.account, event.fields["recipient"]) == ("acme", "owner@acme.test")


async def test_it_is_mail_of_our_own_whose_bounces_come_back_to_us(world: World) -> None:
    await world.refused()
    await world.keeper.round()

    async with world.store.engine.connect() as connection:
        (message,) = (await connection.execute(select(spool_message))).all()
        (copy,) = (await connection.execute(select(spool_copy))).all()
    assert (message.purpose, message.promised, message.recipe) == ("notice", 1, "")
    local, _, domain = copy.reverse_path.partition("@")
    claim = TOKENS.read_local_part(local, Purpose.OWN_BOUNCE)
    assert (domain, claim and claim.account_id) == ("b.test", ACME)


async def test_later_refusals_wait_for_one_digest_a_day(world: World) -> None:
    first = await world.refused()
    await world.keeper.round()
    again = [await world.refused("bob@example.org") for _ in range(3)]
    await world.refused("eve@example.org")
    await world.refused("", "message.malformed", event="message.refused", evidence=["carl@example.org"])
    for _ in range(3):
        await world.keeper.round()
    assert len(await world.subjects()) == 1

    world.at_digest()
    for _ in range(3):
        await world.keeper.round()

    _, digest = await world.subjects()
    assert digest == "acme: 5 refusals up to 2026-03-02 07:00 UTC"
    mail = (await world.mails())[1]
    assert "consent.missing - 4 refusals, 2 recipients" in mail
    assert "message.malformed - 1 refusal" in mail
    assert again[-1] in mail
    assert first not in mail


async def test_digests_go_on_daily_until_a_whole_day_was_quiet_and_then_the_next_is_a_first(world: World) -> None:
    await world.refused()
    await world.keeper.round()
    for _ in range(2):
        await world.refused()
        world.at_digest()
        await world.keeper.round()
    world.at_digest()
    await world.keeper.round()
    told = await world.told()
    assert told is not None
    assert told.due_at is None

    await world.refused(rule="consent.expired")
    await world.keeper.round()

    assert [one.partition(": ")[2].partition(" up")[0] for one in await world.subjects()] == [
        "mail was refused (consent.missing)",
        "1 refusal",
        "1 refusal",
        "mail was refused (consent.expired)",
    ]


async def test_days_that_nobody_kept_are_told_in_one_digest(world: World) -> None:
    await world.refused()
    await world.keeper.round()
    for _ in range(3):
        await world.refused()
        world.clock.at += DAY
    world.at_digest(1)

    later = world.another()
    await later.round()
    await later.round()

    assert [one.partition(": ")[2] for one in (await world.subjects())[1:]] == [
        "3 refusals up to 2026-03-06 07:00 UTC"
    ]


@pytest.mark.parametrize("event", ["auth.failed", "sender.refused", "recipient.refused", "message.refused"])
async def test_every_5xx_of_a_known_account_counts(world: World, event: str) -> None:
    await world.refused("", "standing.suspended", event=event, reply="525 5.7.13")
    await world.keeper.round()

    assert len(await world.subjects()) == 1


async def test_what_is_no_refusal_of_a_known_account_is_not_told(world: World) -> None:
    await world.refused(account_id=0)
    await world.refused(rule="volume.per_day", event="sender.refused", reply="450 4.7.1")
    await world.refused(event="recipient.deferred", reply="451 4.3.0")
    await world.refused(rule="", event="auth.failed", reply="535 5.7.8")
    await world.refused(event="delivery.failed")
    await world.refused('"reply":"550 x"@example.org', reply="450 4.7.1")
    await world.refused(account_id=99)
    await world.keeper.round()

    assert await world.subjects() == []


async def test_accounts_are_told_apart(world: World) -> None:
    await world.refused()
    await world.refused(account_id=BETA)
    await world.keeper.round()
    await world.refused(account_id=BETA)
    world.at_digest()
    await world.keeper.round()

    assert sorted(one.partition(" up")[0] for one in await world.subjects()) == [
        "acme: mail was refused (consent.missing)",
        "beta: 1 refusal",
        "beta: mail was refused (consent.missing)",
    ]


async def test_a_keeper_that_starts_again_tells_nothing_twice(world: World) -> None:
    await world.refused()
    for _ in range(3):
        await world.another().round()
    await world.refused()
    world.at_digest()
    for _ in range(3):
        await world.another().round()

    assert len(await world.subjects()) == 2


class Racing(StoreNotices):
    """A keeper that another one overtakes between reading and keeping."""

    other: RefusalNotices | None = None

    async def keep(self, told: Told, mails: Sequence[OwnMail]) -> bool:
        if self.other is not None:
            other, self.other = self.other, None
            await other.round()
        return await super().keep(told, mails)


async def test_of_two_keepers_at_once_one_tells(world: World, url: str, clock: SetClock) -> None:
    racing = Racing(world.store.engine, world.store.writer)
    keeper = world.another(racing)
    for at_digest in (False, True):
        await world.refused()
        if at_digest:
            world.at_digest()
        racing.other = world.another()
        await keeper.round()

    assert len(await world.subjects()) == 2
    assert len(world.journal.named("service.owner_told")) == 2


async def test_the_owner_of_a_closed_account_is_not_told_a_suspended_one_is(world: World) -> None:
    async with world.store.engine.begin() as connection:
        for account_id, standing in ((ACME, "deactivated"), (BETA, "suspended")):
            wanted = update(account).where(account.c.account_id == account_id)
            await connection.execute(wanted.values(standing_staff=standing))
    await world.refused()
    await world.refused(account_id=BETA)
    for _ in range(2):
        await world.keeper.round()
    await world.refused()
    world.at_digest()
    await world.keeper.round()

    assert [one.partition(":")[0] for one in await world.subjects()] == ["beta"]


async def test_an_address_that_took_no_mail_gets_none_for_a_week_or_until_it_is_another(world: World) -> None:
    await world.refused()
    await world.keeper.round()
    async with world.store.engine.begin() as connection:
        await connection.execute(update(spool_copy).values(state="failed", code=550))
    for _ in range(7):
        await world.refused()
        world.at_digest()
        await world.keeper.round()
    assert len(await world.subjects()) == 1

    await world.refused()
    world.at_digest()
    await world.keeper.round()
    assert len(await world.subjects()) == 2

    async with world.store.engine.begin() as connection:
        await connection.execute(update(spool_copy).values(state="failed", code=550))
        await connection.execute(update(account).values(email="new@acme.test"))
    await world.refused()
    world.at_digest()
    await world.keeper.round()
    assert "To: <new@acme.test>" in (await world.mails())[-1]


async def test_a_flood_makes_one_short_digest(world: World) -> None:
    await world.refused()
    await world.keeper.round()
    for number in range(40):
        await world.refused(f"person{number % 8}@example.org", f"rule.number{number % (RULES + 5)}")
    world.at_digest()
    await world.keeper.round()

    summary = (await world.mails())[1].partition("Content-Type: text/html")[0]
    assert summary.count("About the rule") == RULES
    assert len(await world.subjects()) == 2
    assert summary.count("@e") < EXAMPLES * RULES * 2


async def test_off_is_off_and_on_again_after_a_reload(world: World) -> None:
    keeper = world.another(settings=Notices(refusals="off"))
    await world.refused()
    await keeper.round()
    assert await world.subjects() == []

    keeper.renew(Notices())
    await keeper.round()
    assert len(await world.subjects()) == 1


async def test_one_account_that_cannot_be_told_keeps_nobody_waiting(world: World) -> None:
    await world.refused()
    async with world.store.engine.begin() as connection:
        await connection.execute(update(account).where(account.c.account_id == ACME).values(email="a\r\nb@acme.test"))
    await world.refused(account_id=BETA)
    for _ in range(3):
        await world.keeper.round()

    assert len(await world.subjects()) == 1
    assert len(world.journal.named("service.notices_failed")) == 1


async def test_rows_that_went_meanwhile_are_no_fault(world: World) -> None:
    await world.refused()
    await world.keeper.round()
    await world.refused()
    async with world.store.engine.begin() as connection:
        await connection.execute(delete(journal))
    world.at_digest()
    await world.keeper.round()

    assert len(await world.subjects()) == 1
    assert world.journal.named("service.notices_failed") == []
