"""The keeper of the queue: when a copy is tried again, what ends it, and what the sender is told."""

from __future__ import annotations

import asyncio
import email
from dataclasses import replace
from datetime import timedelta
from email import policy

import pytest
from posting import ACME, FAST, RAW, FakeClock, Post, copy_to, pool_to, recipe, render, render_again, transaction
from sink import CLOSE, Sink, Stage

from policies.facts import Standing, SuppressionReason
from relay.forwarding.copies import Letter
from relay.forwarding.dsn import Reports
from relay.forwarding.retry import Keeper, Rhythm
from relay.forwarding.states import Timetable
from relay.ports import CopyState, SpooledCopy, SpooledMessage

BUSY = "451 4.3.0 busy"


async def queued(post: Post, sink: Sink, *recipients: str, fault: str = BUSY, stage: Stage = Stage.MAIL, **mail: str):
    """One message in the queue; its REF. The smarthost is well again afterwards."""
    sink.faults[stage] = fault
    reply, tx = await post.send(*recipients, tx=transaction("queue", **mail))
    assert reply.code == 250
    sink.faults.clear()
    return tx.ref


async def test_a_queued_copy_goes_out_at_its_time_and_not_before():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org")

        assert await post.keeper.round() == 0
        clock.advance(seconds=61)
        assert await post.keeper.round() == 1

        assert sink.bodies_for("anne@example.org") == [render(RAW, "anne@example.org")]
        assert post.spool.copies(ref)[0].state is CopyState.SENT
        assert post.journal.rows[0].contact_id == 5
        assert await post.keeper.round() == 0
        await post.smarthosts.close()


def test_waiting_doubles_up_to_the_longest_and_has_some_jitter():
    clock = FakeClock()
    waits = [
        (Timetable(FAST, lambda: 0.0).next_attempt(n, clock.now()) - clock.now()).total_seconds()
        for n in range(1, 12)
    ]
    assert waits == [60, 120, 240, 480, 960, 1920, 3840, 7680, 14400, 14400, 14400]
    late = Timetable(FAST, lambda: 0.999).next_attempt(1, clock.now()) - clock.now()
    assert timedelta(seconds=60) < late < timedelta(seconds=66)


async def test_a_refusal_of_a_queued_copy_is_reported_once_to_the_reverse_path():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org", "bob@example.org", envid="E+2B1")
        sink.refuse = lambda who: "" if who.startswith("shop") else "550 5.1.1 no such user"
        clock.advance(minutes=2)
        await post.keeper.round()
        await post.keeper.round()

        assert {copy.state for copy in post.spool.copies(ref)} == {CopyState.FAILED}
        (dsn,) = sink.taken
        assert (dsn.reverse_path, dsn.forward_paths) == ("", ("shop@acme.example",))
        report = email.message_from_bytes(dsn.body, policy=policy.default)
        assert report.get_content_type() == "multipart/report"
        assert report.get_param("report-type") == "delivery-status"
        assert report["From"] == "Mail Delivery System <postmaster@b.relay.example>"
        assert report["Auto-Submitted"] == "auto-replied"
        text, status, headers = report.iter_parts()
        assert f"Reference: {ref}" in text.get_content()
        head, anne, bob = status.iter_parts()
        assert head["Reporting-MTA"] == "dns; relay.example"
        assert head["Original-Envelope-Id"] == "E+2B1"
        assert (anne["Final-Recipient"], anne["Action"], anne["Status"]) == (
            "rfc822; anne@example.org",
            "failed",
            "5.1.1",
        )
        assert anne["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"
        assert bob["Final-Recipient"] == "rfc822; bob@example.org"
        assert headers.get_content_type() == "text/rfc822-headers"
        assert "Subject: hello" in headers.get_content()
        assert "Bye" not in headers.get_content()
        await post.smarthosts.close()


async def test_a_copy_that_expires_fails_with_5_4_7():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org")
        await tried_in_vain(post, sink, clock)
        clock.advance(days=4)
        await post.keeper.round()
        await post.keeper.round()

        (copy,) = post.spool.copies(ref)
        assert copy.state is CopyState.FAILED
        assert copy.reply == "5.4.7 not delivered within 4 days; last: 451 4.3.0 busy"
        assert sink.bodies_for("anne@example.org") == []
        assert b"Status: 5.4.7" in sink.bodies_for("shop@acme.example")[0]
        await post.smarthosts.close()


async def tried_in_vain(post: Post, sink: Sink, clock: FakeClock) -> None:
    """So often that what is late enough may expire."""
    sink.faults[Stage.MAIL] = BUSY
    for _ in range(7):
        clock.advance(hours=2)
        await post.keeper.round()
    sink.faults.clear()


async def test_a_clock_that_jumps_ahead_makes_no_copy_fail_that_was_hardly_tried():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org")
        sink.faults[Stage.MAIL] = BUSY
        clock.advance(days=3650)
        await post.keeper.round()
        assert post.spool.copies(ref)[0].state is CopyState.PENDING

        sink.faults.clear()
        clock.advance(hours=5)
        await post.keeper.round()
        assert post.spool.copies(ref)[0].state is CopyState.SENT
        await post.smarthosts.close()


async def test_a_copy_in_doubt_is_sent_again_with_the_same_octets_and_held_after_three():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org", stage=Stage.DOT, fault=CLOSE)
        clock.advance(minutes=14)
        assert await post.keeper.round() == 0
        sink.faults[Stage.DOT] = CLOSE
        for _ in range(2):
            clock.advance(minutes=16)
            await post.keeper.round()

        assert post.spool.copies(ref)[0].state is CopyState.QUARANTINED
        assert post.journal.named("delivery.failed")[0].level == "error"
        clock.advance(days=30)
        assert await post.keeper.round() == 0
        await post.smarthosts.close()


async def test_a_busy_reply_to_a_resend_leaves_the_copy_in_doubt():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org", stage=Stage.DOT, fault=CLOSE)
        sink.faults[Stage.MAIL] = BUSY
        clock.advance(minutes=16)
        await post.keeper.round()

        (copy,) = post.spool.copies(ref)
        assert (copy.state, copy.in_doubt) == (CopyState.IN_DOUBT, 1)
        await tried_in_vain(post, sink, clock)
        clock.advance(days=5)
        await post.keeper.round()
        assert post.spool.copies(ref)[0].state is CopyState.QUARANTINED
        await post.smarthosts.close()


async def test_who_opted_out_while_a_copy_waits_gets_nothing_and_the_sender_is_told():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org")
        post.suppressions.said_no["anne@example.org"] = SuppressionReason.OPT_OUT
        clock.advance(minutes=2)
        await post.keeper.round()
        await post.keeper.round()

        assert sink.bodies_for("anne@example.org") == []
        assert post.spool.copies(ref)[0].state is CopyState.CANCELLED
        assert b"the recipient has opted-out" in sink.bodies_for("shop@acme.example")[0]
        await post.smarthosts.close()


async def test_a_suspended_accounts_copies_wait_however_long_and_go_once_it_may_send_again():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org")
        post.directory.account_row = replace(ACME, standing=Standing.SUSPENDED)
        for _ in range(3):
            clock.advance(minutes=2)
            await post.keeper.round()

        assert sink.taken == []
        (copy,) = post.spool.copies(ref)
        assert (copy.state, copy.attempts) == (CopyState.PENDING, 1)
        assert "it waits for the decision" in str(post.journal.named("delivery.deferred")[-1].fields["error"])
        post.directory.account_row = ACME
        clock.advance(minutes=2)
        await post.keeper.round()
        assert sink.bodies_for("anne@example.org") == [render(RAW, "anne@example.org")]
        await post.smarthosts.close()


async def test_a_deactivated_accounts_copies_are_cancelled():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org")
        post.directory.account_row = replace(ACME, standing=Standing.DEACTIVATED)
        clock.advance(minutes=2)
        await post.keeper.round()

        assert sink.taken == []
        assert post.spool.copies(ref)[0].state is CopyState.CANCELLED
        await post.smarthosts.close()


async def test_a_copy_to_the_accounts_own_domain_needs_no_permission():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        await queued(post, sink, "test@acme.example", "anne@example.org")
        post.suppressions.said_no = dict.fromkeys(("test@acme.example",), SuppressionReason.OPT_OUT)
        clock.advance(minutes=2)
        await post.keeper.round()

        assert len(sink.bodies_for("test@acme.example")) == 1
        await post.smarthosts.close()


async def test_a_poison_message_is_set_aside_after_three_tries_and_others_go_on():
    def render_or_die(message: SpooledMessage, copy: SpooledCopy):
        if copy.recipient.startswith("bob"):
            raise RecursionError("too deep")
        return lambda _eight_bit: render(message.raw, copy.recipient)

    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org", "bob@example.org")
        await tried_in_vain(post, sink, clock)
        keeper = Keeper(post.office, post.directory, render_or_die)
        for state in ("pending", "pending", "quarantined"):
            clock.advance(hours=5)
            await keeper.round()
            assert [copy.state.value for copy in post.spool.copies(ref)] == ["sent", state]

        await post.smarthosts.close()


async def test_a_suspect_is_worked_on_while_nothing_else_is():
    under_way: list[str] = []
    together: list[set[str]] = []

    def noting(message: SpooledMessage, copy: SpooledCopy):
        under_way.append(message.ref)
        together.append(set(under_way))
        return lambda _eight_bit: done(message.ref) or render(message.raw, copy.recipient)

    def done(ref: str) -> None:
        under_way.remove(ref)

    clock = FakeClock()
    async with Sink(thinks=0.02) as sink:
        post = Post(pool_to(sink, clock), clock)
        refs = [await queued(post, sink, f"{name}@example.org") for name in ("anne", "bob", "cleo")]
        entry = post.spool.entries[refs[1]]
        entry.message = replace(entry.message, crashes=2)
        clock.advance(hours=1)
        assert await Keeper(post.office, post.directory, noting).round() == 3

        assert {refs[1]} in together
        assert not any(refs[1] in some and len(some) > 1 for some in together)
        assert entry.message.crashes == 0
        await post.smarthosts.close()


async def test_a_copy_whose_fate_was_unknown_too_often_is_not_sent_again():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org", stage=Stage.DOT, fault=CLOSE)
        entry = post.spool.entries[ref]
        entry.copies[0] = replace(entry.copies[0], in_doubt=3)
        clock.advance(hours=1)
        await post.keeper.round()

        assert entry.copies[0].state is CopyState.QUARANTINED
        assert sink.taken == []
        await post.smarthosts.close()


async def test_a_dsn_the_reverse_path_does_not_take_goes_to_the_account_and_then_nowhere():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        await queued(post, sink, "anne@example.org")
        sink.refuse = lambda who: "550 5.1.1 no such user"
        clock.advance(minutes=2)
        for _ in range(5):
            await post.keeper.round()

        asked = [line for line in sink.commands if line.startswith("RCPT TO:<") and "acme" in line]
        assert asked == ["RCPT TO:<shop@acme.example>", "RCPT TO:<owner@acme.example>"]
        await post.smarthosts.close()


@pytest.mark.parametrize(
    ("notify", "told"), [("NEVER", False), ("SUCCESS", False), ("DELAY,FAILURE", True), ("", True)]
)
def test_notify_is_honoured(notify, told):
    clock = FakeClock()
    reports = Reports("relay.example", "b.relay.example", "id", lambda raw: b"DKIM: x\r\n" + raw, clock, 1.0)
    message = SpooledMessage("R", 7, RAW, "{}", "shop@acme.example", clock.now(), clock.now(), "", ret="FULL")
    copy = SpooledCopy(
        "R", 0, "anne@example.org", "", "v@b", CopyState.FAILED, notify=notify, orcpt="rfc822;Anne@example.org"
    )

    assert reports.due(replace(message, reverse_path=""), [copy]) == [], "a report is never reported on"
    mails = reports.due(message, [copy])

    assert bool(mails) is told
    for mail in mails:
        assert (mail.reverse_path, mail.recipient) == ("", "shop@acme.example")
        assert mail.raw.startswith(b"DKIM: x\r\n")
        assert b"Original-Recipient: rfc822; Anne@example.org\r\n" in mail.raw
        assert b"Ini adalah sistem surat" in mail.raw
        assert RAW.rstrip(b"\r\n") in mail.raw
        assert mail.raw.count(b"\n") == mail.raw.count(b"\r\n")


@pytest.mark.parametrize("people", [("anne@example.org",), ("anne@example.org", "bob@example.org")])
async def test_a_wanted_report_of_success_says_relayed(people):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        tx = transaction()
        copies = [copy_to(people[0], notify=frozenset({"SUCCESS"})), *map(copy_to, people[1:])]
        reply = await post.commit.settle(tx, copies, Letter(RAW, recipe(tx.ref)))
        await post.keeper.round()

        assert reply.code == 250
        (report,) = sink.bodies_for("shop@acme.example")
        assert b"Final-Recipient: rfc822; anne@example.org\r\nAction: relayed\r\nStatus: 2.0.0\r\n" in report
        assert b"bob@example.org" not in report
        await post.smarthosts.close()


async def test_a_report_of_success_that_cannot_be_kept_changes_no_answer():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.stop_at = {"insert_own"}
        tx = transaction()
        copies = [copy_to("anne@example.org", notify=frozenset({"SUCCESS"}))]
        reply = await post.commit.settle(tx, copies, Letter(RAW, recipe(tx.ref)))

        assert str(reply) == f"250 2.0.0 {tx.ref} accepted"
        assert post.journal.named("service.delivery")
        await post.smarthosts.close()


# ---------------------------------------------------------------- leases, crashes, the loop


async def test_a_keeper_whose_lease_was_taken_over_sends_nothing():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org")
        clock.advance(minutes=2)
        original = post.office.spool.claim

        async def claim_and_lose(now, until, limit):
            claimed = await original(now, until, limit)
            post.spool.entries[ref].fence += 1
            return claimed

        post.spool.claim = claim_and_lose
        await post.keeper.round()

        assert sink.taken == []
        assert post.journal.named("service.queue")
        await post.smarthosts.close()


async def test_a_stopped_store_stops_queued_copies_before_their_dot():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        ref = await queued(post, sink, "anne@example.org")
        clock.advance(minutes=2)
        post.spool.stop_at = {"update", "finish"}
        await post.keeper.round()
        assert sink.taken == []

        post.spool.stop_at = set()
        clock.advance(minutes=16)
        await post.keeper.round()
        assert post.spool.copies(ref)[0].state is CopyState.SENT
        assert len(sink.taken) == 1
        await post.smarthosts.close()


@pytest.mark.parametrize("states", [("pending", "pending"), ("sent", "pending"), ("sending", "pending")])
async def test_recovery_drops_what_nobody_was_promised_and_delivers_the_rest(states):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.stop_at = {"answer", "discard"}
        _, tx = await post.send("anne@example.org", "bob@example.org")
        entry = post.spool.entries[tx.ref]
        entry.copies = {
            place: replace(copy, state=CopyState(state), next_attempt_at=clock.now())
            for (place, copy), state in zip(entry.copies.items(), states, strict=True)
        }
        sink.taken.clear()
        post.spool.stop_at = set()

        clock.advance(minutes=5)
        await post.keeper.recover()
        await post.keeper.round()

        expected = {"pending": 0, "sent": 0, "sending": 1}[states[0]]
        assert len(sink.bodies_for("anne@example.org")) == expected
        assert len(sink.bodies_for("bob@example.org")) == (0 if states[0] == "pending" else 1)
        assert post.journal.named("service.recovered")
        await post.smarthosts.close()


async def test_the_keeper_runs_when_woken_and_stops_when_told():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        keeper = Keeper(post.office, post.directory, render_again, Rhythm(poll=60.0))
        running = asyncio.create_task(keeper.run())
        await queued(post, sink, "anne@example.org")
        clock.advance(minutes=2)
        async with asyncio.timeout(5):
            while not sink.taken:
                keeper.wake()
                await asyncio.sleep(0)
        keeper.stop()
        await asyncio.wait_for(running, 5)
        await post.smarthosts.close()
