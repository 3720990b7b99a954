"""Sessions: pipelining, clients that leave, limits, timers and the end (RELIABILITY.md rows 14, 38-43 and 72)."""

import asyncio
import dataclasses
import logging
import os
import socket
from pathlib import Path

import pytest
from talking import LIMITS, Client, listener, serving

from config.schema import Limits
from relay.smtp.limits import network_of
from relay.transaction import MailCommand

GROUP = "MAIL FROM:<news@acme.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
LOGIN = "AUTH PLAIN AGFjbWUvbmV3cwBjb3JyZWN0IGhvcnNl"


async def test_a_group_is_answered_in_one_write(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.hello()
        client.send(GROUP)
        async with asyncio.timeout(5):
            octets = await client.reader.read(65536)
        assert octets.count(b"\r\n") == 3
        client.send("a\r\n.\r\n" + GROUP)
        assert [(await client.line())[:3] for _ in range(4)] == ["250", "250", "250", "354"]


async def test_a_command_may_come_octet_by_octet(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.connect()
        for octet in b"EHLO client.test\r\n":
            client.send(bytes([octet]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.reply())[-1] == "250 XLIST"


async def test_five_thousand_recipients_in_one_group_are_each_answered(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.hello()
        await client.say("MAIL FROM:<news@acme.test>")
        client.send("".join(f"RCPT TO:<r{n}@example.org>\r\n" for n in range(5000)))
        codes = [(await client.line())[:3] for _ in range(5000)]
        assert codes == ["250"] * 1000 + ["452"] * 4000


async def test_a_message_is_not_interrupted_by_a_client_that_leaves(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        relay.stages.hold = asyncio.Event()
        client = await relay.in_data()
        client.send("a\r\n.\r\n")
        await relay.stages.started.wait()
        client.writer.transport.abort()
        await asyncio.sleep(0.01)
        relay.stages.hold.set()
        await relay.closed()
        assert relay.stages.finished == 1
        assert relay.stages.errors == []


async def test_a_client_that_half_closes_still_gets_its_reply(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.in_data()
        client.send("a\r\n.\r\nQUIT\r\n")
        client.writer.write_eof()
        assert [line[:3] for line in (await client.rest()).splitlines()] == ["250", "221"]


async def test_half_a_message_is_no_message(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.in_data()
        client.send("a\r\n.")
        client.writer.write_eof()
        assert await client.rest() == ""
        assert relay.stages.messages == []


async def test_whoever_speaks_before_the_greeting_is_refused(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        bound = relay.server.bound[0]
        with socket.socket() as early:
            # Both happen before the server's loop gets its turn.
            early.connect((bound.host, bound.port))
            early.sendall(b"EHLO early\r\n")
            early.setblocking(False)
            loop = asyncio.get_running_loop()
            assert (await loop.sock_recv(early, 1000)).startswith(b"554 5.5.0 ")


async def test_an_idle_client_is_told_and_left(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(command_idle=0.05)) as relay:
        client = await relay.hello()
        assert (await client.rest()).startswith("421 4.4.2 ")


async def test_drops_do_not_keep_a_session_alive(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(command_idle=0.1)) as relay:
        client = await relay.hello()
        told = asyncio.ensure_future(client.rest())
        while not told.done():
            client.send("x")
            await asyncio.sleep(0.02)
        assert (await told).startswith("421 4.4.2 ")


async def test_a_transaction_has_an_end(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(transaction=0.1)) as relay:
        client = await relay.hello()
        await client.say("MAIL FROM:<news@acme.test>")
        assert (await client.rest()).startswith("421 4.4.2 the transaction")


async def test_a_message_must_arrive_at_the_least_rate(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(command_idle=0.1, data_rate=100_000)) as relay:
        client = await relay.in_data()
        told = asyncio.ensure_future(client.rest())
        while not told.done():
            client.send("x" * 20 + "\r\n")
            await asyncio.sleep(0.02)
        assert await told == "421 4.4.2 the message arrives too slowly\r\n"


async def test_a_stage_may_take_longer_than_a_client(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(command_idle=0.05, transaction=0.1)) as relay:
        relay.stages.hold = asyncio.Event()
        client = await relay.in_data()
        client.send("a\r\n.\r\n")
        asyncio.get_running_loop().call_later(0.2, relay.stages.hold.set)
        assert (await client.line()).startswith("250 ")


async def test_too_many_connections_are_refused_and_room_is_found_again(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(connections=2)) as relay:
        first, _second = await relay.connect(), await relay.connect()
        third = await relay.connect(greet=False)
        assert (await third.rest()).startswith("421 4.7.0 too many connections")
        await first.say("QUIT")
        await relay.closed(left=1)
        await relay.connect()


async def test_strangers_share_their_address_and_others_do_not_suffer(tmp_path: Path):
    async with serving(tmp_path, listener("submission"), Limits(connections_per_address=2)) as relay:
        first, _second = await relay.hello(), await relay.connect()
        refused = await relay.connect(greet=False)
        assert (await refused.rest()).startswith("421 4.7.0 too many connections from your address")
        await relay.connect(local="127.0.0.2")
        await first.say(LOGIN)
        await relay.connect()


async def test_trusted_peers_are_counted_in_all_only(tmp_path: Path):
    async with serving(tmp_path, listener("bulk"), Limits(connections_per_address=1)) as relay:
        for _ in range(3):
            await relay.connect()


def test_an_ipv6_line_counts_as_one_address():
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2") != network_of("2001:db8:0:1::1")
    assert network_of("127.0.0.1") != network_of("127.0.0.2")


async def test_an_endless_message_is_given_up_a_mebibyte_over_the_limit(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(max_size=1000)) as relay:
        client = await relay.in_data()
        client.send((b"x" * 98 + b"\r\n") * 20_000)
        assert (await client.rest()).startswith("552 5.3.4 message.too_large: ")


async def test_a_large_message_waits_in_a_file_without_a_name(tmp_path: Path):
    limits = Limits(spool_threshold=1000, memory_budget=2_000_000)
    async with serving(tmp_path, listener(), limits) as relay:
        client = await relay.in_data()
        client.send((b"x" * 98 + b"\r\n") * 10_000 + b".\r\n")
        assert (await client.line()).startswith("250 ")
        assert len(relay.stages.messages[0]) == 1_000_000
        assert os.listdir(tmp_path) == []


async def test_without_memory_mail_is_put_off_at_mail_and_never_after_the_dot(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(memory_budget=1000)) as relay:
        relay.stages.hold = asyncio.Event()
        first = await relay.in_data()
        first.send(b"x" * 900 + b"\r\n.\r\n")
        await relay.stages.started.wait()
        second = await relay.hello()
        assert (await second.say("MAIL FROM:<news@acme.test> SIZE=500")).startswith("452 4.3.1 ")
        third = await relay.in_data()
        third.send(b"x" * 900 + b"\r\n.\r\n")
        relay.stages.hold.set()
        assert (await first.line()).startswith("250 ")
        assert (await third.line()).startswith("250 ")


async def test_junk_is_counted_until_something_is_delivered(tmp_path: Path):
    async with serving(tmp_path, listener("intake"), Limits(soft_errors=1, hard_errors=2)) as relay:
        client = await relay.hello()
        for _ in range(99):
            await client.say("NOOP")
        client.send("MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")
        for _ in range(3):
            await client.line()
        assert (await client.say(".")).startswith("250 ")
        for _ in range(101):
            assert (await client.say("NOOP")).startswith("250 ")
        assert (await client.say("NOOP")).startswith("421 4.7.0 ")


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"NOOP " + b"x" * 505 + b"\r\n", "250 "),
        (b"NOOP " + b"x" * 506 + b"\r\n", "500 5.5.2 "),
        (b"NOOP " + b"x" * 100_000 + b"\r\n", "500 5.5.2 "),
        (b"MAIL FROM:<a@b.test>" + b" " * 1000 + b"\r\n", "250 "),
        (b"AUTH PLAIN " + b"A" * 1028 + b"\r\n", "500 5.5.6 "),
        (b"AUTH PLAIN " + b"A" * 1024 + b"\r\n", "501 5.5.2 "),
    ],
)
async def test_a_command_has_the_length_its_extensions_give_it(octets: bytes, reply: str, tmp_path: Path):
    async with serving(tmp_path, listener("bulk")) as relay:
        client = await relay.hello()
        client.send(octets)
        assert (await client.line()).startswith(reply)
        assert (await client.say("NOOP")).startswith("250 ")


async def test_drain_ends_the_idle_and_lets_a_transaction_finish(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        idle, busy = await relay.hello(), await relay.in_data()
        draining = asyncio.ensure_future(relay.server.drain(5.0))
        assert (await idle.rest()).startswith("421 4.3.2 ")
        busy.send("a\r\n.\r\n")
        assert [line[:9] for line in (await busy.rest()).splitlines()] == ["250 2.0.0", "421 4.3.2"]
        assert await draining == 0
        with pytest.raises(OSError):
            await relay.connect()


async def test_drain_ends_a_transaction_that_does_not_go_on(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.in_data()
        assert await relay.server.drain(0.05) == 0
        assert (await client.rest()).startswith("421 4.3.2 ")


async def test_a_client_that_reads_nothing_is_dropped(tmp_path: Path):
    async with serving(tmp_path, listener(), Limits(command_idle=0.2)) as relay:
        client = await relay.connect()
        client.writer.transport.pause_reading()
        client.send("HELP\r\n" * 100_000)
        await relay.closed()


async def test_a_fault_of_ours_is_told_to_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async with serving(tmp_path, listener()) as relay:
        with caplog.at_level(logging.DEBUG):
            client = await relay.hello()
            reply = await client.say("AUTH PLAIN AGJyb2tlbgBjYW5hcnktcGFzc3dvcmQ=")
        assert reply.startswith("451 4.3.0 internal: ")
        assert "canary" not in reply + caplog.text
        assert [type(error) for error in relay.stages.errors] == [RuntimeError]


async def test_parameters_reach_the_stages_as_they_were_meant(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        client = await relay.hello()
        command = "MAIL FROM:<News@Acme.test> SIZE=9 BODY=8BITMIME RET=hdrs ENVID=a+2Bb XLIST=news AUTH=<>"
        assert (await client.say(command)).startswith("250 ")
        await client.say("RCPT TO:<bob@example.org> NOTIFY=delay,FAILURE ORCPT=rfc822;bob+2Bx@example.org")
        mail, rcpt = relay.stages.mails[0], relay.stages.recipients[0]
        assert mail == MailCommand(mail.reverse_path, 9, "8BITMIME", "news", "HDRS", "a+b")
        assert str(mail.reverse_path) == "News@acme.test"
        assert (rcpt.notify, rcpt.orcpt) == ({"DELAY", "FAILURE"}, "rfc822;bob+x@example.org")


async def test_a_probe_leaves_no_trace(tmp_path: Path):
    async with serving(tmp_path, listener()) as relay:
        await _quit(await relay.connect())
        assert relay.stages.refused == []


async def _quit(client: Client) -> None:
    assert (await client.say("QUIT")).startswith("221 ")
    assert await client.rest() == ""


async def test_localhost_takes_one_port_for_all_its_addresses(tmp_path: Path):
    one = dataclasses.replace(listener("intake"), bind="localhost:0")
    async with serving(tmp_path, one, LIMITS) as relay:
        assert len({bound.port for bound in relay.server.bound}) == 1
