"""Every fault of a smarthost, at every stage, for one copy and for several: the reply, what is kept, what arrives."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from posting import ACME, FAST, RAW, FakeClock, Post, copy_to, pool_to, recipe, render, transaction
from sink import CLOSE, GARBAGE, HANG, RESET, Sink, Stage

from policies.facts import Standing, SuppressionReason
from relay.forwarding.copies import Letter
from relay.ports import CopyState, Delivered, Outcome, Outgoing

BUSY, NO, CLOSING = "451 4.3.0 busy", "550 5.7.1 no", "421 4.3.2 closing"
FAULTS = (CLOSE, RESET, HANG, GARBAGE, BUSY, NO, CLOSING)
STAGES = (Stage.BANNER, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT)
PEOPLE = ("anne@example.org", "bob@example.org", "cleo@example.org")


def expected(stage: Stage, fault: str) -> str:
    """unavailable, busy, refused or doubt (RELIABILITY.md rows 66, 67)."""
    if stage in (Stage.BANNER, Stage.EHLO):
        return "unavailable"
    if fault in (BUSY, NO):
        return "busy" if fault is BUSY else "refused"
    if stage in (Stage.BODY, Stage.DOT) and fault is not CLOSING:
        return "doubt"
    return "unavailable"


def reply_to(kind: str, on_unavailable: str, ref: str, copies: int) -> str:
    page = f"[{ref}] https://relay.example/r/{ref}"
    if kind == "refused":
        return f"550 5.7.1 smarthost.refused: no {page}"
    if kind == "doubt" or on_unavailable == "queue":
        return f"250 2.0.0 {ref} queued" + ("" if copies == 1 else f", 0 of {copies} sent already")
    if kind == "busy":
        return f"451 4.3.0 smarthost.refused: busy {page}"
    words = "the mail server cannot be reached right now, nothing was sent; try again later"
    return f"451 4.4.1 smarthost.unavailable: {words} {page}"


@pytest.mark.faults
@pytest.mark.parametrize("on_unavailable", ["queue", "defer"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", STAGES)
async def test_every_fault_has_its_reply_and_nothing_promised_is_lost(stage, fault, count, on_unavailable):
    clock = FakeClock()
    clocks = replace(FAST, inline_deadline=0.25, connect_timeout=0.2)
    async with Sink(faults={stage: fault}) as sink:
        post = Post(pool_to(sink, clock), clock, clocks)
        people = PEOPLE[:count]
        kind = expected(stage, fault)

        reply, tx = await post.send(*people, on_unavailable=on_unavailable)

        assert str(reply) == reply_to(kind, on_unavailable, tx.ref, count)
        assert sink.taken == []
        promised = reply.code == 250
        assert (tx.ref in post.spool.entries) is promised
        if promised:
            state = CopyState.IN_DOUBT if kind == "doubt" else CopyState.PENDING
            assert {copy.state for copy in post.spool.copies(tx.ref)} == {state}
            assert post.spool.answers[tx.ref] == str(reply)
        sink.faults.clear()
        clock.advance(hours=1)
        await post.keeper.round()
        for one in people:
            assert sink.bodies_for(one) == ([render(RAW, one)] if promised else [])
        await post.smarthosts.close()


@pytest.mark.parametrize("on_unavailable", ["queue", "defer"])
async def test_one_copy_that_the_smarthost_takes_is_accepted_and_never_stored(on_unavailable):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)

        reply, tx = await post.send("anne@example.org", on_unavailable=on_unavailable)

        assert str(reply) == f"250 2.0.0 {tx.ref} accepted"
        assert sink.bodies_for("anne@example.org") == [render(RAW, "anne@example.org")]
        assert sink.taken[0].reverse_path == "v.anne@b.relay.example"
        assert post.spool.writes == []
        assert [row.recipient_key for row in post.journal.rows] == ["anne@example.org"]
        await post.smarthosts.close()


async def test_several_copies_are_written_ahead_and_answered_after_the_second_commit():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)

        reply, tx = await post.send(*PEOPLE)

        assert str(reply) == f"250 2.0.0 {tx.ref} accepted for 3 recipients"
        assert post.spool.writes[0] == "commit"
        assert post.spool.writes[-1] == "answer"
        assert {copy.state for copy in post.spool.copies(tx.ref)} == {CopyState.SENT}
        assert len(sink.taken) == 3
        await post.smarthosts.close()


async def test_one_refused_among_several_gets_a_dsn_and_the_rest_is_accepted():
    clock = FakeClock()
    async with Sink(refuse=lambda to: "550 5.1.1 no such user" if to.startswith("bob") else "") as sink:
        post = Post(pool_to(sink, clock), clock)

        reply, tx = await post.send(*PEOPLE, on_unavailable="defer")

        assert str(reply) == f"250 2.0.0 {tx.ref} queued, 2 of 3 sent already"
        assert [copy.state.value for copy in post.spool.copies(tx.ref)] == ["sent", "failed", "sent"]
        await post.keeper.round()
        dsn = sink.bodies_for("shop@acme.example")[0]
        assert b"Final-Recipient: rfc822; bob@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n" in dsn
        assert b"anne@example.org" not in dsn
        await post.smarthosts.close()


async def test_all_refused_with_different_codes_is_554_and_no_dsn():
    clock = FakeClock()
    async with Sink(refuse=lambda to: f"55{len(to) % 3} 5.1.1 no such user") as sink:
        post = Post(pool_to(sink, clock), clock)

        reply, _ = await post.send(*PEOPLE)

        assert str(reply).startswith("554 5.1.1 smarthost.refused: no such user [")
        assert post.spool.entries == {}
        await post.smarthosts.close()


async def test_refused_and_busy_is_deferred_on_bulk_and_queued_on_submission():
    def refuse(to: str) -> str:
        return "550 5.1.1 no" if to.startswith("bob") else "450 4.2.1 mailbox busy"

    clock = FakeClock()
    async with Sink(refuse=refuse) as sink:
        post = Post(pool_to(sink, clock), clock)

        deferred, _ = await post.send(*PEOPLE, on_unavailable="defer")
        queued, tx = await post.send(*PEOPLE, on_unavailable="queue")

        assert str(deferred).startswith("450 4.2.1 smarthost.refused: mailbox busy [")
        assert str(queued) == f"250 2.0.0 {tx.ref} queued, 0 of 3 sent already"
        await post.smarthosts.close()


# ---------------------------------------------------------------- the store fails


@pytest.mark.parametrize("call", ["finished_answer", "commit"])
async def test_a_stopped_store_before_the_first_dot_is_451_and_nothing_is_sent(call):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.stop_at = {call}

        reply, _ = await post.send(*PEOPLE)

        assert str(reply).startswith("451 4.3.0 internal: ")
        assert sink.taken == []
        await post.smarthosts.close()


async def test_a_store_that_cannot_note_sending_stops_every_copy():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.stop_at = {"update"}

        reply, _ = await post.send(*PEOPLE)

        assert str(reply).startswith("451 4.3.0 internal: ")
        assert sink.taken == []
        assert post.spool.entries == {}
        await post.smarthosts.close()


async def test_a_failed_second_commit_after_something_was_sent_is_silence():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.stop_at = {"answer"}

        reply, _ = await post.send(*PEOPLE)

        assert reply.silent
        assert len(sink.taken) == 3
        await post.smarthosts.close()


async def test_a_failure_is_kept_only_together_with_its_dsn():
    clock = FakeClock()
    async with Sink(refuse=lambda to: "550 5.1.1 no such user" if to == PEOPLE[0] else "") as sink:
        post = Post(pool_to(sink, clock), clock, replace(FAST, parallel_copies=1))
        post.spool.stop_at = {"answer"}

        _, tx = await post.send(*PEOPLE)

        # A crash before the second commit leaves this: the queue tries the refused copy again and tells the sender.
        assert [copy.state.value for copy in post.spool.copies(tx.ref)] == ["pending", "sent", "sending"]
        await post.smarthosts.close()


async def test_one_copy_in_doubt_that_cannot_be_kept_is_silence():
    clock = FakeClock()
    async with Sink(faults={Stage.DOT: CLOSE}) as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.stop_at = {"commit"}

        reply, _ = await post.send("anne@example.org")

        assert reply.silent
        await post.smarthosts.close()


async def test_one_copy_that_was_not_sent_and_cannot_be_queued_is_451():
    clock = FakeClock()
    async with Sink(faults={Stage.MAIL: BUSY}) as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.stop_at = {"commit"}

        reply, _ = await post.send("anne@example.org")

        assert str(reply).startswith("451 4.3.0 internal: ")
        await post.smarthosts.close()


# ---------------------------------------------------------------- permission, right before the dot


@pytest.mark.parametrize("people", [PEOPLE[:1], PEOPLE])
async def test_who_opted_out_after_rcpt_gets_nothing(people):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.suppressions.said_no["anne@example.org"] = SuppressionReason.OPT_OUT

        reply, tx = await post.send(*people)

        assert sink.bodies_for("anne@example.org") == []
        if len(people) == 1:
            assert str(reply).startswith("550 5.7.1 consent.withdrawn: anne@example.org has opted out [")
        else:
            assert reply.code == 250
            assert post.spool.copies(tx.ref)[0].state is CopyState.CANCELLED
        await post.smarthosts.close()


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.DEACTIVATED])
@pytest.mark.parametrize("people", [PEOPLE[:1], PEOPLE])
async def test_an_account_that_lost_its_standing_after_mail_sends_nothing(people, standing):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.directory.account_row = replace(ACME, standing=standing)

        reply, tx = await post.send(*people)

        assert str(reply).startswith(f"550 5.7.1 standing.{standing.value}: acme is {standing.value} [{tx.ref}] ")
        assert sink.taken == []
        assert post.spool.entries == {}
        await post.smarthosts.close()


@pytest.mark.parametrize("people", [PEOPLE[:1], PEOPLE])
async def test_who_cannot_ask_for_permission_does_not_send(people):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.suppressions.stopped = True

        reply, _ = await post.send(*people)

        assert str(reply).startswith("451 4.3.0 internal: ")
        assert sink.taken == []
        await post.smarthosts.close()


async def test_a_suspension_between_two_dots_leaves_the_rest_in_the_queue():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock, replace(FAST, parallel_copies=1))
        sink.silent = lambda _taken: suspend(post)

        reply, tx = await post.send(*PEOPLE)

        assert str(reply) == f"250 2.0.0 {tx.ref} queued, 1 of 3 sent already"
        assert [copy.state.value for copy in post.spool.copies(tx.ref)] == ["sent", "pending", "pending"]
        await post.smarthosts.close()


def suspend(post):
    """While the smarthost takes a copy; its reply comes all the same."""
    post.directory.account_row = replace(ACME, standing=Standing.SUSPENDED)
    return False


async def test_all_stopped_before_the_dot_is_a_refusal_of_their_rule():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.suppressions.said_no = dict.fromkeys(PEOPLE, SuppressionReason.OPT_OUT)

        reply, _ = await post.send(*PEOPLE)

        assert str(reply).startswith("550 5.7.1 consent.withdrawn: anne@example.org has opted out [")
        assert sink.taken == []
        assert post.spool.entries == {}
        await post.smarthosts.close()


# ---------------------------------------------------------------- sessions, rendering, deadline


class Held:
    """A smarthost that waits to be let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.sent: list[str] = []

    async def deliver(self, outgoing: Outgoing, timeout: float) -> Outcome:
        self.begun.set()
        await self.go_on.wait()
        self.sent.append(outgoing.forward_path)
        return Delivered("held", "250 ok")

    def reachable(self) -> bool:
        return True

    async def probe(self) -> bool:
        return True

    async def close(self) -> None:
        return None


async def test_a_cancelled_session_does_not_cancel_the_delivery():
    held = Held()
    post = Post(held, FakeClock())
    session = asyncio.create_task(post.send("anne@example.org"))
    await held.begun.wait()
    session.cancel()
    held.go_on.set()

    await post.commit.drain()

    assert held.sent == ["anne@example.org"]
    assert len(post.journal.rows) == 1


async def test_a_copy_that_cannot_be_rendered_stays_while_the_others_go():
    def broken(_eight_bit: bool) -> bytes:
        raise RecursionError("too deep")

    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock, replace(FAST, parallel_copies=1))
        tx = transaction()
        copies = [copy_to("anne@example.org"), replace(copy_to("bob@example.org"), render=broken)]

        reply = await post.commit.settle(tx, copies, Letter(RAW, recipe(tx.ref)))

        assert str(reply) == f"250 2.0.0 {tx.ref} queued, 1 of 2 sent already"
        assert [copy.state.value for copy in post.spool.copies(tx.ref)] == ["sent", "pending"]
        await post.smarthosts.close()


async def test_what_is_not_delivered_by_the_deadline_belongs_to_the_queue():
    clock = FakeClock()
    async with Sink(faults={Stage.MAIL: HANG}, fail_times={Stage.MAIL: 1}) as sink:
        post = Post(pool_to(sink, clock, limit=1), clock, replace(FAST, parallel_copies=1))

        reply, tx = await post.send(*PEOPLE)

        assert str(reply) == f"250 2.0.0 {tx.ref} queued, 0 of 3 sent already"
        assert post.woken == 1
        assert ACME.name == post.journal.named("delivery.deferred")[0].account
        await post.smarthosts.close()
