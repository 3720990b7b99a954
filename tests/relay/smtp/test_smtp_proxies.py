"""The PROXY protocol: a listed peer says whose connection it is, nobody else does (RELIABILITY.md row 28)."""

import asyncio
import ipaddress
import struct
from pathlib import Path

import pytest
from talking import Client, listener, serving

from config.schema import Limits
from relay.smtp.proxy_header import SIGNATURE, BadHeader, read_client

OUTSIDER = "203.0.113.9"
V1 = f"PROXY TCP4 {OUTSIDER} 127.0.0.1 4711 25\r\n".encode()
LOCAL_V1 = b"PROXY TCP4 127.0.0.9 127.0.0.1 4711 25\r\n"
BEHIND = {"proxies": ("127.0.0.2/32",)}


def v2(source: str, port: int = 4711, command: int = 0x21, more: bytes = b"") -> bytes:
    address = ipaddress.ip_address(source)
    ports = struct.pack(">HH", port, 25)
    body = address.packed + ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1").packed + ports + more
    family = 0x21 if address.version == 6 else 0x11
    return SIGNATURE + bytes((command, family)) + struct.pack(">H", len(body)) + body


async def asked(octets: bytes):
    reader = asyncio.StreamReader()
    reader.feed_data(octets)
    reader.feed_eof()

    async def take(wanted: int) -> bytes:
        try:
            return await reader.readexactly(wanted)
        except asyncio.IncompleteReadError:
            return b""

    return await read_client(take), await reader.read()


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (V1, (OUTSIDER, 4711)),
        (b"PROXY TCP6 2001:db8::9 ::1 4711 25\r\n", ("2001:db8::9", 4711)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
        (v2(OUTSIDER), (OUTSIDER, 4711)),
        (v2("2001:db8::9", 5), ("2001:db8::9", 5)),
        (v2(OUTSIDER, more=b"\x04\x00\x03abc"), (OUTSIDER, 4711)),
        (v2(OUTSIDER, command=0x20), None),
        (SIGNATURE + b"\x20\x00\x00\x00", None),
        (SIGNATURE + b"\x21\x31\x00\x02ab", None),
    ],
)
async def test_a_header_is_read_and_nothing_behind_it(header, client):
    assert await asked(header + b"EHLO x\r\n") == (client, b"EHLO x\r\n")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"EHLO client.test\r\n",
        b"PROXY TCP4 ten 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::9 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 10.0.0.1 127.0.0.1 1\r\n",
        b"PROXY TCP4 10.0.0.1 127.0.0.1 01 2\r\n",
        b"PROXY TCP4 10.0.0.1 127.0.0.1 65536 2\r\n",
        b"PROXY UDP4 10.0.0.1 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 10.0.0.1 127.0.0.1 1 2\n" + b"x" * 200,
        SIGNATURE,
        SIGNATURE + b"\x31\x11\x00\x0c" + b"x" * 12,
        SIGNATURE + b"\x21\x11\xff\xff",
        SIGNATURE + b"\x21\x11\x00\x04abcd",
        v2(OUTSIDER)[:-1],
    ],
)
async def test_what_is_no_header_is_worth_nothing(header):
    with pytest.raises(BadHeader):
        await asked(header)


async def connected(relay, local: str, octets: bytes = b"") -> Client:
    bound = relay.server.bound[0]
    client = Client(*await asyncio.open_connection(bound.host, bound.port, local_addr=(local, 0)))
    client.send(octets)
    return client


@pytest.mark.parametrize(
    ("local", "header", "reply"),
    [
        ("127.0.0.2", V1, "554 5.7.1"),
        ("127.0.0.2", v2(OUTSIDER), "554 5.7.1"),
        ("127.0.0.2", LOCAL_V1, "220 "),
        ("127.0.0.2", SIGNATURE + b"\x20\x00\x00\x00", "220 "),
        ("127.0.0.3", b"", "220 "),
        ("127.0.0.3", V1, "554 5.5.0"),
        ("127.0.0.3", v2("127.0.0.9"), "554 5.5.0"),
    ],
    ids=["outsider", "outsider v2", "insider", "health check", "direct", "forged", "forged v2"],
)
async def test_trust_hangs_on_the_address_a_listed_peer_tells(tmp_path: Path, local, header, reply):
    async with serving(tmp_path, listener(**BEHIND)) as relay:
        client = await connected(relay, local, header)
        assert (await client.line()).startswith(reply)


async def test_what_is_recorded_is_the_clients_own_address(tmp_path: Path):
    async with serving(tmp_path, listener("submission", **BEHIND)) as relay:
        client = await connected(relay, "127.0.0.2", V1)
        await client.line()
        await client.say("EHLO client.test")
        await client.say("AUTH PLAIN AGFjbWUvbmV3cwBjb3JyZWN0IGhvcnNl")
        await client.say("MAIL FROM:<news@acme.test>")
        assert [(one.client, one.client_port) for one in relay.stages.sessions] == [(OUTSIDER, 4711)]


async def test_the_header_comes_before_implicit_tls(tmp_path: Path):
    async with serving(tmp_path, listener("submission", "implicit", **BEHIND)) as relay:
        client = await connected(relay, "127.0.0.2", V1)
        await client.start_tls()
        assert (await client.line()).startswith("220 ")
        await client.say("EHLO client.test")
        assert (await client.say("AUTH PLAIN AGFjbWUvbmV3cwBjb3JyZWN0IGhvcnNl")).startswith("235 ")
        await client.say("MAIL FROM:<news@acme.test>")
        assert relay.stages.sessions[0].client == OUTSIDER


@pytest.mark.parametrize("octets", [b"EHLO client.test\r\n", b"PROXY TCP4 "], ids=["no header", "half a header"])
async def test_a_listed_peer_without_a_header_gets_no_greeting(tmp_path: Path, octets):
    async with serving(tmp_path, listener(**BEHIND), Limits(handshake=0.1)) as relay:
        client = await connected(relay, "127.0.0.2", octets)
        assert await client.rest() == ""


async def test_a_drain_ends_sessions_that_came_through_a_proxy(tmp_path: Path):
    async with serving(tmp_path, listener(**BEHIND)) as relay:
        client = await connected(relay, "127.0.0.2", LOCAL_V1)
        await client.line()
        waiting = await connected(relay, "127.0.0.2")
        assert await relay.server.drain(1.0) == 0
        assert (await client.line()).startswith("421 4.3.2")
        assert await waiting.rest() == ""
