"""STARTTLS and implicit TLS on asyncio's loop and on uvloop's (RELIABILITY.md rows 4, 7, 29 and 36b)."""

import asyncio
import os
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
import uvloop
from recording_stages import RecordingStages
from talking import listener, serving, trusting

from config.schema import Limits, Tls
from relay.smtp import certificate
from relay.smtp.server import SmtpServer

LOGIN = "AUTH PLAIN AGFjbWUvbmV3cwBjb3JyZWN0IGhvcnNl"
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def run(make_loop: Callable[[], asyncio.AbstractEventLoop], main: Coroutine[object, object, None]) -> None:
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main)


@pytest.mark.parametrize("make_loop", LOOPS)
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_login_and_large_messages_go_through_tls(make_loop, tls: str, tmp_path: Path):
    async def main() -> None:
        async with serving(tmp_path, listener("submission", tls)) as relay:
            client = await relay.hello()
            if tls == "starttls":
                assert (await client.say("STARTTLS")).startswith("220 ")
                await client.start_tls()
                await client.say("EHLO client.test")
            assert (await client.say(LOGIN)).startswith("235 ")
            for size in (10, 3_000_000):
                client.send("MAIL FROM:<news@acme.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")
                assert [(await client.line())[:3] for _ in range(3)] == ["250", "250", "354"]
                client.send((b"x" * 70 + b"\r\n") * (size // 72 + 1) + b".\r\n")
                assert (await client.line()).startswith("250 ")
            assert (await client.say("QUIT")).startswith("221 ")
            assert await client.rest() == ""
            assert [len(message) for message in relay.stages.messages] == [72, 3_000_024]
            assert relay.stages.sessions[0].tls.startswith("TLSv1.3 with TLS_")

    run(make_loop, main())


@pytest.mark.parametrize("make_loop", LOOPS)
def test_what_is_sent_behind_starttls_is_never_executed(make_loop, tmp_path: Path):
    async def main() -> None:
        async with serving(tmp_path, listener("submission", "starttls")) as relay:
            client = await relay.hello()
            client.send(f"STARTTLS\r\nEHLO x\r\n{LOGIN}\r\nMAIL FROM:<news@acme.test>\r\n")
            assert (await client.rest()).startswith("554 5.5.0 ")
            assert relay.stages.mails == []
            assert [reply.code for reply in relay.stages.refused] == [554]

    run(make_loop, main())


@pytest.mark.parametrize("make_loop", LOOPS)
def test_a_handshake_that_is_none_ends_the_session(make_loop, tmp_path: Path):
    async def main() -> None:
        async with serving(tmp_path, listener("submission", "starttls")) as relay:
            client = await relay.hello()
            await client.say("STARTTLS")
            client.send("this is no client hello\r\n" * 20)
            await client.rest()
            await relay.closed()

    run(make_loop, main())


@pytest.mark.parametrize("make_loop", LOOPS)
def test_a_handshake_may_not_take_for_ever(make_loop, tmp_path: Path):
    async def main() -> None:
        async with serving(tmp_path, listener("submission", "starttls"), Limits(handshake=0.1)) as relay:
            client = await relay.hello()
            await client.say("STARTTLS")
            assert await client.rest() == ""

    run(make_loop, main())


async def test_tls_below_1_2_is_refused(tmp_path: Path):
    context = certificate.server_context(certificate.self_signed(tmp_path, "mx.test"))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_the_made_up_pair_is_private_and_made_once(tmp_path: Path):
    place = certificate.self_signed(tmp_path / "new", "mx.test")
    octets = place.read_bytes()
    assert os.stat(place).st_mode & 0o777 == 0o600
    assert certificate.self_signed(tmp_path / "new", "mx.test").read_bytes() == octets
    assert os.listdir(tmp_path / "new") == [certificate.SELF_SIGNED]


async def test_a_new_certificate_counts_from_the_next_handshake_on_and_a_bad_one_changes_nothing(tmp_path: Path):
    pair = tmp_path / "pair.pem"
    pair.write_bytes(certificate.self_signed(tmp_path / "one", "one.test").read_bytes())
    server = SmtpServer(
        RecordingStages(), hostname="mx.test", limits=Limits(), tls=Tls(pair, pair), data_dir=tmp_path
    )
    await server.start([listener("submission", "implicit")], reuse_port=False)
    first = await _certificate(server)
    pair.write_bytes(b"no certificate")
    with pytest.raises(certificate.CertificateFault, match=r"pair\.pem"):
        server.reload_certificate()
    assert await _certificate(server) == first
    pair.write_bytes(certificate.self_signed(tmp_path / "two", "two.test").read_bytes())
    server.reload_certificate()
    assert await _certificate(server) != first
    await server.drain(0.0)


async def _certificate(server: SmtpServer) -> bytes:
    bound = server.bound[0]
    _, writer = await asyncio.open_connection(bound.host, bound.port, ssl=trusting())
    presented = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return presented
