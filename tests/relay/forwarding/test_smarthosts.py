"""Links and pool against a real sink: what is kept, what is dropped, TLS and AUTH, hostile replies, failover."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme
import uvloop
from posting import RAW, FakeClock, links_to, pool_to, render
from sink import CLOSE, HANG, Sink, Stage

from relay.adapters.smarthost import Opener, Route, client_context
from relay.adapters.smarthost_link import UnsafeOctets, stuffed
from relay.adapters.smarthost_replies import GarbledReply, ReplyReader
from relay.forwarding.breaker import Breaker
from relay.forwarding.smarthosts import Pool, Weighted
from relay.ports import Delivered, InDoubt, Outgoing, Phase, Postponed, Refused


@pytest.fixture(params=["asyncio", "uvloop"], scope="module")
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """Every test on both loops: uvloop is used only while TLS works on it as well (DESIGN.md §1)."""
    return uvloop.EventLoopPolicy() if request.param == "uvloop" else asyncio.DefaultEventLoopPolicy()


def to(recipient: str = "anne@example.org", body: bytes = RAW) -> Outgoing:
    return Outgoing("v.1@b.relay.example", recipient, lambda _eight_bit: body)


# ---------------------------------------------------------------- kept links


@pytest.mark.parametrize("extensions", [("PIPELINING", "8BITMIME", "SIZE 1000000"), ("8BITMIME",), ()])
async def test_many_messages_go_over_one_link_unchanged(extensions):
    async with Sink(extensions=extensions) as sink:
        pool = pool_to(sink, FakeClock())
        for _ in range(5):
            assert await pool.deliver(to(), 5) == Delivered(f"127.0.0.1:{sink.port}", "250 2.0.0 Ok: queued as 4SINK")
        assert sink.connections == 1
        assert sink.bodies_for("anne@example.org") == [RAW] * 5
        await pool.close()


async def test_a_pipelining_smarthost_gets_size_and_body_only_where_it_offers_them():
    body = RAW + "Grüße\r\n".encode()
    async with Sink() as able, Sink(extensions=("PIPELINING",)) as plain:
        for sink in (able, plain):
            pool = pool_to(sink, FakeClock())
            await pool.deliver(to(body=body), 5)
            await pool.close()
        assert able.taken[0].parameters == f"SIZE={len(body)} BODY=8BITMIME"
        assert plain.taken[0].parameters == ""


async def test_rendering_is_told_whether_8bit_may_be_sent():
    async with Sink(extensions=("PIPELINING",)) as sink:
        pool = pool_to(sink, FakeClock())
        seen = []

        def body(eight_bit: bool) -> bytes:
            seen.append(eight_bit)
            return RAW

        await pool.deliver(Outgoing("", "anne@example.org", body), 5)
        assert seen == [False]
        assert sink.taken[0].reverse_path == ""
        await pool.close()


async def test_a_link_the_smarthost_closed_while_idle_is_replaced_unnoticed():
    async with Sink() as sink:
        pool = pool_to(sink, FakeClock())
        await pool.deliver(to(), 5)
        sink.hang_up()

        assert isinstance(await pool.deliver(to(), 5), Delivered)
        assert sink.connections == 2
        await pool.close()


async def test_a_421_on_a_kept_link_is_replaced_unnoticed():
    async with Sink() as sink:
        pool = pool_to(sink, FakeClock())
        await pool.deliver(to(), 5)
        sink.faults[Stage.MAIL], sink.fail_times[Stage.MAIL] = "421 4.3.2 too many messages", 1

        assert isinstance(await pool.deliver(to(), 5), Delivered)
        assert sink.connections == 2
        await pool.close()


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
async def test_a_refused_recipient_leaves_the_link_clean_for_the_next(extensions):
    refusal = "550 5.1.1 no such user"
    async with Sink(extensions=extensions, refuse=lambda who: refusal if who.startswith("bob") else "") as sink:
        pool = pool_to(sink, FakeClock())
        name = f"127.0.0.1:{sink.port}"

        assert await pool.deliver(to("bob@example.org"), 5) == Refused(name, 550, "5.1.1", "no such user", Phase.RCPT)
        assert isinstance(await pool.deliver(to(), 5), Delivered)
        assert sink.connections == 1
        assert sink.taken[0].forward_paths == ("anne@example.org",)
        assert "RSET" in sink.commands
        await pool.close()


async def test_a_smarthost_that_wants_data_without_recipients_gets_an_empty_one_and_delivers_nothing():
    refusal = "550 5.1.1 no such user"
    faults = {Stage.DATA: "354 go on"}
    async with Sink(
        faults=faults, fail_times={Stage.DATA: 0}, refuse=lambda who: refusal * who.startswith("bob")
    ) as sink:
        pool = pool_to(sink, FakeClock())

        assert isinstance(await pool.deliver(to("bob@example.org"), 5), Refused)
        assert isinstance(await pool.deliver(to(), 5), Delivered)
        assert sink.connections == 1
        assert [one.body for one in sink.taken] == [RAW]
        await pool.close()


async def test_a_link_ends_after_its_number_of_messages():
    async with Sink() as sink:
        links = links_to(sink, FakeClock(), per_link=2)
        for _ in range(4):
            await links.deliver(to(), 5)
        assert sink.connections == 2
        await links.close()


async def test_more_copies_than_links_wait_for_their_turn():
    async with Sink() as sink:
        pool = pool_to(sink, FakeClock(), limit=2)
        outcomes = await asyncio.gather(*(pool.deliver(to(), 5) for _ in range(20)))
        assert all(isinstance(one, Delivered) for one in outcomes)
        assert sink.connections == 2
        await pool.close()


async def test_a_copy_that_waits_past_its_deadline_says_why_and_opens_no_breaker():
    async with Sink(faults={Stage.DOT: HANG}) as sink:
        pool = pool_to(sink, FakeClock(), limit=1)
        first = asyncio.create_task(pool.deliver(to(), 0.4))
        await asyncio.sleep(0)

        late = await pool.deliver(to(), 0.1)

        assert isinstance(late, Postponed)
        assert late.error == "all 1 connections are busy"
        assert isinstance(await first, InDoubt)
        assert pool.reachable()
        await pool.close()


async def test_idle_links_are_closed():
    async with Sink() as sink:
        links = links_to(sink, FakeClock(), idle=0.02)
        await links.deliver(to(), 5)
        async with asyncio.timeout(5):
            await sink.quit.wait()
        await links.close()


async def test_what_a_permit_raises_gives_the_copy_up_and_nothing_is_delivered():
    async def never() -> None:
        raise LookupError("not any more")

    async with Sink() as sink:
        pool = pool_to(sink, FakeClock())
        with pytest.raises(LookupError):
            await pool.deliver(Outgoing("", "anne@example.org", lambda _eight_bit: RAW, permit=never), 5)
        assert isinstance(await pool.deliver(to(), 5), Delivered)
        assert len(sink.taken) == 1
        await pool.close()


async def test_a_large_message_goes_out_in_pieces_unchanged():
    body = RAW + b".line that begins with a dot\r\n" * 15_000
    async with Sink() as sink:
        pool = pool_to(sink, FakeClock())
        assert isinstance(await pool.deliver(to(body=body), 30), Delivered)
        assert sink.taken[0].body == body
        await pool.close()


async def test_a_link_that_breaks_while_a_large_body_is_written_is_not_in_doubt():
    body = RAW + b"x" * 76 * 0 + (b"y" * 76 + b"\r\n") * 400_000
    async with Sink(faults={Stage.BODY: CLOSE}) as sink:
        pool = pool_to(sink, FakeClock())
        outcome = await pool.deliver(to(body=body), 30)
        assert isinstance(outcome, Postponed)
        assert (outcome.code, outcome.phase) == (0, Phase.DOT)
        await pool.close()


# ---------------------------------------------------------------- TLS and AUTH


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = client_context(True)
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("implicit", [True, False])
async def test_mail_goes_over_verified_tls_with_auth(authority, implicit):
    tls = server_tls(authority, "127.0.0.1")
    async with Sink(tls=tls, implicit_tls=implicit, login=("relay", "s:e/c")) as sink:
        scheme = "smtps" if implicit else "smtp+starttls"
        pool = pool_to(sink, FakeClock(), scheme=scheme, login="relay:s%3Ae%2Fc@", tls=trusting(authority))

        assert isinstance(await pool.deliver(to(), 5), Delivered)
        assert isinstance(await pool.deliver(to(), 5), Delivered)
        assert sink.taken[0].body == RAW
        assert sink.connections == 1
        await pool.close()


@pytest.mark.parametrize("implicit", [True, False])
async def test_a_certificate_for_another_host_gets_no_mail_and_no_password(authority, implicit):
    tls = server_tls(authority, "mail.example.net")
    async with Sink(tls=tls, implicit_tls=implicit, login=("relay", "secret")) as sink:
        scheme = "smtps" if implicit else "smtp+starttls"
        pool = pool_to(sink, FakeClock(), scheme=scheme, login="relay:secret@", tls=trusting(authority))

        outcome = await pool.deliver(to(), 5)

        assert isinstance(outcome, Postponed)
        assert (outcome.code, outcome.enhanced, outcome.phase) == (0, "4.7.5", Phase.TLS)
        assert "certificate" in outcome.error
        assert not any(line.startswith(("AUTH", "MAIL")) for line in sink.commands)
        await pool.close()


async def test_a_stripped_starttls_is_never_answered_with_plaintext(authority):
    async with Sink(login=("relay", "secret")) as sink:
        pool = pool_to(sink, FakeClock(), scheme="smtp+starttls", login="relay:secret@", tls=trusting(authority))

        outcome = await pool.deliver(to(), 5)

        assert isinstance(outcome, Postponed)
        assert (outcome.code, outcome.enhanced, outcome.error) == (0, "4.7.5", "it does not offer STARTTLS")
        assert sink.commands == ["EHLO relay.example"]
        await pool.close()


async def test_octets_behind_the_reply_to_starttls_end_the_link(authority):
    injected = b"220 2.0.0 go ahead\r\n250-sink.example\r\n250 AUTH PLAIN\r\n"
    tls = server_tls(authority, "127.0.0.1")
    async with Sink(tls=tls, faults={Stage.STARTTLS: injected}, login=("relay", "secret")) as sink:
        pool = pool_to(sink, FakeClock(), scheme="smtp+starttls", login="relay:secret@", tls=trusting(authority))

        outcome = await pool.deliver(to(), 5)

        assert isinstance(outcome, Postponed)
        assert outcome.error == "it sent octets behind its reply to STARTTLS"
        assert sink.commands == ["EHLO relay.example", "STARTTLS"]
        await pool.close()


@pytest.mark.parametrize("fault", ["535 5.7.8 wrong", "454 4.7.0 later", HANG, CLOSE, "421 4.3.2 bye"])
async def test_a_failed_login_is_unavailability_not_a_verdict(fault):
    async with Sink(login=("relay", "secret"), faults={Stage.AUTH: fault}) as sink:
        pool = pool_to(sink, FakeClock(), login="relay:secret@")

        outcome = await pool.deliver(to(), 0.4)

        assert isinstance(outcome, Postponed)
        assert (outcome.code, outcome.phase) == (0, Phase.AUTH)
        assert "secret" not in outcome.error
        await pool.close()


async def test_a_password_never_leaves_loopback_in_clear():
    opener = Opener(Route("smtp", "192.0.2.1", 25, "relay", "secret"), "relay.example", 0.1, client_context(False))
    assert "secret" not in repr(Route("smtp", "192.0.2.1", 25, "relay", "secret"))
    outcome = await opener.open(0.1)
    assert isinstance(outcome, Postponed)


@pytest.mark.parametrize("code", [421, 530, 535])
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT])
async def test_three_codes_are_unavailability_wherever_they_come(stage, code):
    async with Sink(faults={stage: f"{code} 5.7.0 authentication required"}) as sink:
        pool = pool_to(sink, FakeClock())
        outcome = await pool.deliver(to(), 5)
        assert isinstance(outcome, Postponed)
        assert outcome.code == 0
        await pool.close()


# ---------------------------------------------------------------- hostile replies


@pytest.mark.parametrize(
    "octets",
    [
        b"250 " + b"a" * 40_000 + b"\r\n",
        b"250-a\r\n" * 6000 + b"250 b\r\n",
        b"250-one\r\n550 two\r\n",
        b"666 beast\r\n",
        b"2\n",
        b"\n",
        b"25\x00 x\r\n",
        b"250_x\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
)
def test_what_is_no_reply_is_garbled(octets):
    with pytest.raises(GarbledReply):
        ReplyReader().feed(octets)


def test_replies_are_read_however_they_are_cut():
    octets = b"250-first\r\n250 second\r\n354 go\r\n550 5.1.1 no \xff\x00such\r\n"
    for cut in range(len(octets)):
        reader = ReplyReader()
        replies = reader.feed(octets[:cut]) + reader.feed(octets[cut:])
        assert [one.code for one in replies] == [250, 354, 550]
        assert replies[2].words() == ("5.1.1", "no ? such")


def test_the_smarthosts_words_are_cleaned_and_cut():
    (reply,) = ReplyReader().feed(b"550-5.7.1 \x1b[31mred\r\n550 5.7.1 " + b"x" * 300 + b"\r\n")
    enhanced, text = reply.words()
    assert enhanced == "5.7.1"
    assert len(text) == 200
    assert "\x1b" not in reply.line()


def test_an_enhanced_status_of_another_class_is_dropped():
    (reply,) = ReplyReader().feed(b"550 2.0.0 odd\r\n")
    assert reply.words() == ("", "odd")


@pytest.mark.parametrize("body", [b"a\r\n.\n.\r\nb\r\n", b"bare\rcr\r\n", b"bare\nlf\r\n", b"nul\0\r\n", b"a\r.\r\n"])
def test_unsafe_octets_never_reach_the_wire(body):
    with pytest.raises(UnsafeOctets):
        stuffed(body)


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        (b"", b".\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n.\r\n"),
    ],
)
def test_dots_are_doubled(body, wire):
    assert stuffed(body) == wire


# ---------------------------------------------------------------- several smarthosts


async def test_a_dead_smarthost_is_passed_over():
    clock = FakeClock()
    async with Sink() as alive, Sink(faults={Stage.BANNER: "554 5.3.2 not today"}) as dead:
        pool = Pool([Weighted(links_to(dead, clock), 1000), Weighted(links_to(alive, clock))], lambda: 0.5)

        for _ in range(5):
            assert isinstance(await pool.deliver(to(), 5), Delivered)

        assert dead.connections == 3, "the breaker opens after three failures"
        assert pool.reachable()
        assert await pool.probe()
        await pool.close()


async def test_a_verdict_is_not_asked_of_a_second_smarthost():
    clock = FakeClock()
    async with Sink(faults={Stage.RCPT: "450 4.2.1 busy"}) as first, Sink() as second:
        pool = Pool([Weighted(links_to(first, clock), 1000), Weighted(links_to(second, clock))], lambda: 0.5)

        outcome = await pool.deliver(to(), 5)

        assert isinstance(outcome, Postponed)
        assert outcome.code == 450
        assert second.connections == 0
        await pool.close()


async def test_a_copy_in_doubt_is_never_given_to_a_second_smarthost():
    clock = FakeClock()
    async with Sink(faults={Stage.DOT: CLOSE}) as first, Sink() as second:
        pool = Pool([Weighted(links_to(first, clock), 1000), Weighted(links_to(second, clock))], lambda: 0.5)

        assert isinstance(await pool.deliver(to(), 5), InDoubt)
        assert second.connections == 0
        await pool.close()


async def test_weights_share_the_copies():
    clock = FakeClock()
    draws = iter([0.9, 0.1, 0.2, 0.8] * 10)
    async with Sink() as one, Sink() as two:
        pool = Pool([Weighted(links_to(one, clock)), Weighted(links_to(two, clock))], lambda: next(draws))
        for _ in range(10):
            await pool.deliver(to(), 5)
        assert (len(one.taken), len(two.taken)) == (5, 5)
        await pool.close()


async def test_a_smarthost_that_is_back_takes_all_that_wait_for_one_copy_to_try_it():
    clock = FakeClock()
    async with Sink(faults={Stage.BANNER: "554 5.3.2 not today"}) as sink:
        pool = pool_to(sink, clock)
        for _ in range(3):
            await pool.deliver(to(), 5)
        assert not pool.reachable()

        failed = await asyncio.gather(*(pool.deliver(to(), 5) for _ in range(10)))
        assert sink.connections == 4, "one copy tried for all ten"
        assert all(isinstance(one, Postponed) for one in failed)

        sink.faults.clear()
        clock.advance(seconds=3)
        outcomes = await asyncio.gather(*(pool.deliver(to(), 5) for _ in range(10)))

        assert all(isinstance(one, Delivered) for one in outcomes)
        assert pool.reachable()
        await pool.close()


async def test_each_failed_try_doubles_the_pause():
    clock = FakeClock()
    breaker = Breaker(clock.monotonic, threshold=1, first_wait=1, longest_wait=3)
    pauses = []
    for _ in range(3):
        breaker.failed("down")
        before = clock.at
        while not await breaker.admit(0):
            clock.advance(seconds=1)
        pauses.append((clock.at - before).total_seconds())
    assert pauses == [1, 2, 3]


@pytest.mark.parametrize("url", ["http://x", "smtp://", "maildir:x", "smtp://host:99999"])
def test_a_url_that_names_no_smarthost_is_refused(url):
    with pytest.raises(ValueError):
        Route.parse(url)


def test_the_name_of_a_smarthost_never_holds_its_password():
    route = Route.parse("smtp+starttls://user:pa%40ss@mx.example")
    assert (route.name, route.user, route.password) == ("mx.example:587", "user", "pa@ss")
    assert render(RAW, "a@b.example").startswith(b"X-Copy")
