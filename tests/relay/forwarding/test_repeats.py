"""The same message offered again: an answer perhaps not read is given again, one that was read is not (§E5)."""

from __future__ import annotations

import asyncio

import pytest
from posting import FakeClock, Post, copy_to, pool_to, recipe, transaction
from sink import CLOSE, Sink, Stage

from relay.forwarding.copies import Letter
from relay.ports import CopyState

ONE = ("anne@example.org",)
THREE = ("anne@example.org", "bob@example.org", "cleo@example.org")
LETTER = b"From: shop@acme.example\r\n%sSubject: hello\r\n\r\nHello %s\r\n"


async def end(tx):
    """The session ends without a further word of its client."""
    for answered in tx.session.unread:
        await answered.lost()


async def go_on(tx):
    """The client says something after its answer."""
    for answered in tx.session.unread:
        await answered.read()


def offer(post, people, raw=LETTER % (b"", b"you"), message_id="<ours@relay.example>"):
    tx = transaction("queue")
    return post.commit.settle(tx, [copy_to(one, raw) for one in people], Letter(raw, recipe(tx.ref), message_id)), tx


@pytest.mark.parametrize("people", [ONE, THREE], ids=["one", "three"])
async def test_what_was_not_read_answers_the_same_message_and_nothing_is_sent(people):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        first, tx = await post.send(*people)
        await end(tx)

        again, retry = await post.send(*people)

        assert str(again) == str(first)
        assert len(sink.taken) == len(people)
        (event,) = post.journal.named("service.repeated")
        assert (event.ref, event.fields["first"]) == (retry.ref, tx.ref)
        await go_on(retry)
        intended, _ = await post.send(*people)
        assert str(intended) != str(first)
        assert len(sink.taken) == 2 * len(people)
        await post.smarthosts.close()


@pytest.mark.parametrize("people", [ONE, THREE], ids=["one", "three"])
async def test_what_was_read_is_sent_again_as_it_is_meant(people):
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        _, tx = await post.send(*people)
        await go_on(tx)

        await post.send(*people)

        assert len(sink.taken) == 2 * len(people)
        await post.smarthosts.close()


async def test_one_copy_that_was_queued_is_not_queued_twice():
    clock = FakeClock()
    async with Sink(faults={Stage.DOT: CLOSE}) as sink:
        post = Post(pool_to(sink, clock), clock)
        first, tx = await post.send(*ONE)
        await end(tx)

        again, _ = await post.send(*ONE)

        assert str(again) == str(first)
        assert list(post.spool.entries) == [tx.ref]
        await post.smarthosts.close()


async def test_other_recipients_or_two_days_later_is_another_message():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        _, tx = await post.send(*THREE)
        await end(tx)

        await post.send(*THREE[:2])
        assert len(sink.taken) == 5
        clock.advance(hours=49)
        reply, _ = await post.send(*THREE)

        assert len(sink.taken) == 8, reply
        await post.smarthosts.close()


async def test_a_mail_program_that_dates_its_message_anew_is_known_by_message_id():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        for text in (b"at ten", b"at eleven"):
            raw = LETTER % (b"Message-ID: <7@acme.example>\r\n", text)
            reply, tx = offer(post, ONE, raw, "<7@acme.example>")
            await reply
            await end(tx)
        assert len(sink.taken) == 1
        for text in (b"one", b"other"):
            reply, tx = offer(post, ONE, LETTER % (b"", text))
            await reply
            await end(tx)

        assert len(sink.taken) == 3, "without a Message-ID of its own the octets decide"
        await post.smarthosts.close()


async def test_who_comes_back_while_the_first_try_is_under_way_gets_its_answer():
    clock = FakeClock()
    async with Sink(thinks=0.1) as sink:
        post = Post(pool_to(sink, clock), clock)
        first, tx = offer(post, ONE)
        under_way = asyncio.create_task(first)
        await asyncio.sleep(0.03)
        tx.session.left = True

        second, _ = offer(post, ONE)

        assert str(await second) == str(await under_way)
        assert len(sink.taken) == 1
        await post.smarthosts.close()


async def test_two_at_once_whose_clients_are_there_are_two_messages():
    clock = FakeClock()
    async with Sink(thinks=0.05) as sink:
        post = Post(pool_to(sink, clock), clock)
        replies = [offer(post, ONE)[0] for _ in range(2)]

        assert len({str(one) for one in await asyncio.gather(*replies)}) == 2
        assert len(sink.taken) == 2
        await post.smarthosts.close()


async def test_after_silence_the_same_message_must_wait():
    clock = FakeClock()
    async with Sink() as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.stop_at = {"answer"}
        silence, _ = await post.send(*THREE)
        post.spool.stop_at = set()

        reply, _ = await post.send(*THREE)
        clock.advance(minutes=2)
        later, tx = await post.send(*THREE)

        assert silence.silent
        assert str(reply).startswith("451 4.3.0 internal: this message was handed over before")
        assert later.code == 250
        assert len(sink.taken) == 6
        assert {copy.state for copy in post.spool.copies(tx.ref)} == {CopyState.SENT}
        await post.smarthosts.close()


@pytest.mark.parametrize("people", [ONE, THREE], ids=["one", "three"])
async def test_a_full_store_is_452(people):
    clock = FakeClock()
    async with Sink(faults={Stage.BANNER: CLOSE}) as sink:
        post = Post(pool_to(sink, clock), clock)
        post.spool.full = True

        reply, tx = await post.send(*people)

        assert str(reply).startswith("452 4.3.1 internal: no space")
        assert f"[{tx.ref}]" in reply.text
        await post.smarthosts.close()
