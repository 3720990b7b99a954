from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, text, update
from store_clock import MARCH_1, SetClock

from relay.adapters.store.mail_store import MailStore
from relay.adapters.store.spool_state import spool_state
from relay.adapters.tables import account
from relay.identifiers import new_ref
from relay.ports import CopyState, Lease, OwnMail, Recovered, SpooledCopy, SpooledMessage, StaleLease

ACME = 7
ACCOUNT = {"account_id": ACME, "name": "acme", "created_at": 1}
RAW = b"Subject: hello\r\n\r\n" + b"The same line again and again.\r\n" * 200
MINUTE = timedelta(minutes=1)
LEASE = MARCH_1 + MINUTE


def message(ref: str, raw: bytes = RAW, fingerprint: str = "f1") -> SpooledMessage:
    return SpooledMessage(
        ref=ref,
        account_id=ACME,
        raw=raw,
        recipe='{"a": 1}',
        reverse_path="news@acme.example",
        received_at=MARCH_1,
        expires_at=MARCH_1 + timedelta(days=4),
        fingerprint=fingerprint,
        list_id=3,
        envid="E1",
        ret="HDRS",
        message_id="<1@acme.example>",
        campaign="spring",
    )


def copies(ref: str, *states: CopyState) -> list[SpooledCopy]:
    return [
        SpooledCopy(ref, place, f"r{place}@example.com", "{}", f"v{place}@b.example", state, next_attempt_at=MARCH_1)
        for place, state in enumerate(states or (CopyState.PENDING,))
    ]


def dsn(ref: str) -> OwnMail:
    return OwnMail(ref, ACME, "dsn", "", "news@acme.example", b"DSN", MARCH_1, MARCH_1 + timedelta(days=4))


async def refs_claimed(store: MailStore, minutes: float = 0) -> list[str]:
    now = MARCH_1 + minutes * MINUTE
    return [one.message.ref for one in await store.spool.claim(now, now + MINUTE, 10)]


async def states(store: MailStore, ref: str) -> list[CopyState]:
    found = await spool_state(store.engine, ref)
    return [] if found is None else [one.state for one in found.copies]


@pytest.mark.parametrize("raw", [b"short", RAW, bytes(range(256)) * 300], ids=["short", "packed", "unpackable"])
async def test_what_is_claimed_is_what_was_committed(store: MailStore, raw: bytes) -> None:
    ref = new_ref()
    await store.spool.commit(replace(message(ref, raw), answer="250 2.0.0 queued"), copies(ref), None)
    [claimed] = await store.spool.claim(MARCH_1, LEASE, 10)
    assert claimed.message == replace(message(ref, raw), answer="250 2.0.0 queued")
    assert list(claimed.copies) == copies(ref)
    assert claimed.lease.until == LEASE


async def test_a_message_worked_on_is_claimed_by_nobody_else(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref), None)
    assert await refs_claimed(store) == [ref]
    assert await refs_claimed(store) == []


async def test_a_message_whose_client_still_waits_is_not_the_keepers(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref), LEASE)
    assert await refs_claimed(store) == []


async def test_what_is_not_due_yet_is_not_claimed(store: MailStore) -> None:
    ref = new_ref()
    later = [replace(copies(ref)[0], next_attempt_at=MARCH_1 + 5 * MINUTE)]
    await store.spool.commit(message(ref), later, None)
    assert await refs_claimed(store) == []
    assert await refs_claimed(store, 5) == [ref]


async def test_the_answer_and_the_dsns_are_kept_together_and_free_the_message(store: MailStore) -> None:
    ref, bounce = new_ref(), new_ref()
    lease = await store.spool.commit(message(ref), copies(ref, CopyState.PENDING, CopyState.PENDING), LEASE)
    sent, failed = copies(ref, CopyState.SENT, CopyState.FAILED)
    await store.spool.answer(lease, "250 2.0.0 queued", [sent, failed], [dsn(bounce)])
    state = await spool_state(store.engine, ref)
    assert state is not None
    assert (state.answer, state.leased_until, state.final_at) == ("250 2.0.0 queued", None, MARCH_1)
    assert await refs_claimed(store) == [bounce]


async def test_every_change_under_a_lease_that_was_lost_is_refused(store: MailStore) -> None:
    ref = new_ref()
    stale = await store.spool.commit(message(ref), copies(ref, CopyState.SENDING), LEASE)
    await store.spool.recover(MARCH_1 + 2 * MINUTE)
    changes = copies(ref, CopyState.SENT)
    for change in (
        store.spool.update(stale, changes),
        store.spool.answer(stale, "250", changes, [dsn(new_ref())]),
        store.spool.finish(stale, changes, []),
        store.spool.discard(stale),
    ):
        with pytest.raises(StaleLease):
            await change
    assert await states(store, ref) == [CopyState.IN_DOUBT]
    assert await refs_claimed(store, 3) == []


async def test_a_lease_given_back_is_worth_nothing(store: MailStore) -> None:
    ref = new_ref()
    lease = await store.spool.commit(message(ref), copies(ref), LEASE)
    await store.spool.answer(lease, "250", copies(ref), [])
    with pytest.raises(StaleLease):
        await store.spool.update(lease, copies(ref, CopyState.SENT))


async def test_a_discarded_message_leaves_no_row(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.discard(await store.spool.commit(message(ref), copies(ref), LEASE))
    async with store.engine.connect() as connection:
        for table in ("spool_message", "spool_bytes", "spool_copy"):
            assert (await connection.execute(text(f"SELECT COUNT(*) FROM {table}"))).scalar() == 0


RECOVERY = [
    (False, CopyState.PENDING, [CopyState.CANCELLED], Recovered(1, 0, 0)),
    (False, CopyState.FAILED, [CopyState.CANCELLED], Recovered(1, 0, 0)),
    (False, CopyState.SENT, [CopyState.SENT, CopyState.PENDING], Recovered(0, 0, 1)),
    (False, CopyState.SENDING, [CopyState.IN_DOUBT, CopyState.PENDING], Recovered(0, 1, 1)),
    (False, CopyState.IN_DOUBT, [CopyState.IN_DOUBT, CopyState.PENDING], Recovered(0, 0, 1)),
    (True, CopyState.PENDING, [CopyState.PENDING], Recovered(0, 0, 1)),
    (True, CopyState.SENDING, [CopyState.IN_DOUBT, CopyState.PENDING], Recovered(0, 1, 1)),
]


@pytest.mark.parametrize(("promised", "found", "after", "counted"), RECOVERY)
async def test_recovery_goes_forward_where_something_left_us_and_drops_what_nobody_was_promised(
    store: MailStore, promised: bool, found: CopyState, after: list[CopyState], counted: Recovered
) -> None:
    ref = new_ref()
    before = copies(ref, found, *[CopyState.PENDING] * (len(after) - 1))
    if promised:
        await store.spool.commit(message(ref), copies(ref, *[CopyState.PENDING] * len(after)), None)
        [claimed] = await store.spool.claim(MARCH_1, LEASE, 10)
        await store.spool.update(claimed.lease, before)
    else:
        await store.spool.commit(message(ref), before, LEASE)
    assert await store.spool.recover(MARCH_1) == Recovered(0, 0, 0)
    assert await store.spool.recover(LEASE) == counted
    assert await states(store, ref) == after
    assert await store.spool.verify() == []


async def test_a_copy_in_doubt_is_sent_again_after_a_quarter_of_an_hour(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref, CopyState.SENDING), LEASE)
    await store.spool.recover(LEASE)
    assert await refs_claimed(store, 15) == []
    assert await refs_claimed(store, 17) == [ref]


async def test_a_claim_takes_over_what_a_dead_process_left(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref), None)
    await refs_claimed(store)
    assert await refs_claimed(store, 2) == []
    suspect = await store.spool.claim_suspect(MARCH_1 + 2 * MINUTE, MARCH_1 + 3 * MINUTE)
    assert suspect is not None
    assert (suspect.message.ref, suspect.message.crashes) == (ref, 1)


async def test_a_message_at_which_three_processes_died_is_left_to_a_person(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref), None)
    await refs_claimed(store)
    now = LEASE
    for before in (1, 2):
        assert await store.spool.recover(now) == Recovered(0, 0, 1)
        suspect = await store.spool.claim_suspect(now, now + MINUTE)
        assert suspect is not None
        assert suspect.message.crashes == before
        now += MINUTE
    assert await store.spool.recover(now) == Recovered(0, 0, 0, 1)
    assert await states(store, ref) == [CopyState.QUARANTINED]
    assert await store.spool.claim_suspect(now + MINUTE, now + 2 * MINUTE) is None


async def test_a_try_that_ends_in_order_clears_the_suspicion(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref), None)
    await refs_claimed(store)
    await store.spool.recover(LEASE)
    suspect = await store.spool.claim_suspect(LEASE, LEASE + MINUTE)
    assert suspect is not None
    await store.spool.finish(suspect.lease, suspect.copies, [], 1)
    assert await refs_claimed(store, 2) == []
    again = await store.spool.claim_suspect(LEASE + MINUTE, LEASE + 2 * MINUTE)
    assert again is not None
    await store.spool.finish(again.lease, again.copies, [])
    assert await refs_claimed(store, 3) == [ref]


async def test_a_client_that_may_not_have_read_its_answer_gets_the_same_one_again(store: MailStore) -> None:
    ref = new_ref()
    lease = await store.spool.commit(message(ref), copies(ref), LEASE)
    assert await store.spool.finished_answer(ACME, "f1", MARCH_1) is None
    await store.spool.answer(lease, f"250 2.0.0 {ref} queued", copies(ref), [])
    assert await store.spool.finished_answer(ACME, "f1", MARCH_1) == f"250 2.0.0 {ref} queued"
    assert await store.spool.finished_answer(ACME, "f1", MARCH_1 + MINUTE) is None
    assert await store.spool.finished_answer(ACME + 1, "f1", MARCH_1) is None
    await store.spool.seen(ACME, ref)
    assert await store.spool.finished_answer(ACME, "f1", MARCH_1) is None
    await store.spool.discard(await store.spool.commit(message(new_ref()), [], LEASE))
    assert await seen_at(store, ref) is not None


async def seen_at(store: MailStore, ref: str) -> int | None:
    """From the row, once the writer's next transaction is through."""
    async with store.engine.connect() as connection:
        found = await connection.execute(text("SELECT answer_seen_at FROM spool_message WHERE ref = :r"), {"r": ref})
        return found.scalar_one()  # type: ignore[no-any-return]


@pytest.mark.parametrize("state", CopyState)
async def test_a_message_whose_owner_died_answers_a_retry_where_it_may_have_gone(
    store: MailStore, clock: SetClock, state: CopyState
) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref, state), LEASE)
    assert await store.spool.finished_answer(ACME, "f1", MARCH_1) is None
    clock.at = LEASE
    gone = state in (CopyState.SENT, CopyState.SENDING, CopyState.IN_DOUBT)
    answer = f"250 2.0.0 {ref} queued" if gone else None
    assert await store.spool.finished_answer(ACME, "f1", MARCH_1) == answer


async def test_a_copy_that_passed_through_is_remembered_without_its_octets(store: MailStore, clock: SetClock) -> None:
    ref = new_ref()
    sent = replace(message(ref), raw=b"", recipe="", answer=f"250 2.0.0 {ref} accepted")
    await store.spool.remember(sent, copies(ref, CopyState.SENT))
    assert await store.spool.finished_answer(ACME, "f1", MARCH_1) == f"250 2.0.0 {ref} accepted"
    assert await store.spool.verify() == []
    assert await refs_claimed(store, minutes=60) == []
    assert await states(store, ref) == [CopyState.SENT]


@pytest.mark.parametrize("column", ["standing_system", "standing_staff"])
async def test_a_suspended_accounts_mail_is_not_due_before_the_decision(store: MailStore, column: str) -> None:
    waits, told = new_ref(), new_ref()
    await store.spool.commit(message(waits), copies(waits), None)
    await store.spool.insert_own([dsn(told)])
    async with store.engine.begin() as connection:
        await connection.execute(insert(account).values(**ACCOUNT, **{column: "suspended"}))
    assert await refs_claimed(store) == [told]
    other = "standing_staff" if column == "standing_system" else "standing_system"
    async with store.engine.begin() as connection:
        await connection.execute(update(account).values({other: "deactivated"}))
    assert await refs_claimed(store) == [waits]


async def test_a_message_recovered_before_its_answer_answers_its_clients_retry(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref, CopyState.SENT), LEASE)
    await store.spool.recover(LEASE)
    assert await store.spool.finished_answer(ACME, "f1", MARCH_1) == f"250 2.0.0 {ref} queued"


async def test_bytes_go_once_every_copy_is_final_and_time_has_passed(store: MailStore, clock: SetClock) -> None:
    final, open_one = new_ref(), new_ref()
    for ref, state in ((final, CopyState.SENT), (open_one, CopyState.PENDING)):
        lease = await store.spool.commit(message(ref), copies(ref), LEASE)
        await store.spool.answer(lease, "250", copies(ref, state), [])
    assert await store.spool.purge(MARCH_1) == 0
    assert await store.spool.purge(MARCH_1 + MINUTE) == 1
    assert await store.spool.verify() == []
    assert await refs_claimed(store) == [open_one]


async def test_a_message_with_damaged_bytes_is_found_and_left_to_a_person(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.commit(message(ref), copies(ref), None)
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE spool_bytes SET raw = :raw, compressed = 0"), {"raw": b"\0"})
    assert [damage.ref for damage in await store.spool.verify()] == [ref]
    assert await refs_claimed(store) == []
    assert await states(store, ref) == [CopyState.QUARANTINED]


async def test_verify_names_rows_that_belong_to_nothing(store: MailStore) -> None:
    kept, lost = new_ref(), new_ref()
    for ref in (kept, lost):
        await store.spool.commit(message(ref), copies(ref), None)
    async with store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM spool_message WHERE ref = :ref"), {"ref": lost})
        await connection.execute(text("DELETE FROM spool_bytes WHERE ref = :ref"), {"ref": kept})
    found = {(damage.ref, damage.what) for damage in await store.spool.verify()}
    assert found == {
        (lost, "has bytes, but no message"),
        (lost, "has copies, but no message"),
        (kept, "has no bytes, and is not final"),
    }


async def test_our_own_mail_is_due_at_once(store: MailStore) -> None:
    ref = new_ref()
    await store.spool.insert_own([dsn(ref)])
    [claimed] = await store.spool.claim(MARCH_1, LEASE, 10)
    assert (claimed.message.recipe, claimed.message.raw, claimed.message.purpose) == ("", b"DSN", "dsn")
    assert (claimed.copies[0].recipient, claimed.copies[0].reverse_path) == ("news@acme.example", "")
    assert claimed.lease == Lease(ref, 2, LEASE, ACME)
