"""DNS against a real server on loopback: found, absent, and 'could not look it up' are three things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from relay.adapters.dns import DnsResolver
from relay.ports import TxtAnswer

FOUND, ABSENT, UNKNOWN = TxtAnswer.FOUND, TxtAnswer.ABSENT, TxtAnswer.UNKNOWN
ZONE = {
    ("shop.example.", "TXT"): ['"relay-verify=" "abc"', '"v=spf1 -all"'],
    ("shop.example.", "MX"): ["10 mx.shop.example."],
    ("null.example.", "MX"): ["0 ."],
    ("plain.example.", "A"): ["192.0.2.1"],
    ("six.example.", "AAAA"): ["2001:db8::1"],
    ("text.example.", "TXT"): ['"x"'],
}


@dataclass
class Server(asyncio.DatagramProtocol):
    """Answers from ZONE; `broken.` names fail, `slow.` names get no answer."""

    asked: list[str] = field(default_factory=list)
    broken: bool = False
    """Every name fails."""
    seconds: float = 0.0
    """What time it is for the resolver."""
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, client: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        if name.startswith("slow."):
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if self.broken or name.startswith("broken."):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif records := ZONE.get((name, kind)):
            answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, records))
        elif not any(known == name for known, _ in ZONE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), client)


@asynccontextmanager
async def served() -> AsyncIterator[tuple[DnsResolver, Server]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    try:
        yield DnsResolver([f"{host}:{port}"], 0.2, lambda: server.seconds), server
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("domain", "takes"),
    [
        ("shop.example", FOUND),
        ("null.example", ABSENT),
        ("plain.example", FOUND),
        ("six.example", FOUND),
        ("text.example", ABSENT),
        ("nowhere.example", ABSENT),
        ("broken.example", UNKNOWN),
        ("slow.example", UNKNOWN),
    ],
)
async def test_whether_a_domain_takes_mail(domain, takes):
    async with served() as (resolver, _):
        assert await resolver.takes_mail(domain) is takes


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("shop.example", (FOUND, {"relay-verify=abc", "v=spf1 -all"})),
        ("plain.example", (ABSENT, set())),
        ("nowhere.example", (ABSENT, set())),
        ("broken.example", (UNKNOWN, set())),
        ("slow.example", (UNKNOWN, set())),
    ],
)
async def test_the_texts_of_a_name(name, answer):
    async with served() as (resolver, _):
        found, texts = await resolver.txt(name)

    assert (found, set(texts)) == answer


async def test_a_server_that_is_not_there_makes_it_unknown():
    assert await DnsResolver(["127.0.0.1:9"], 0.2).takes_mail("shop.example") is UNKNOWN
    assert await DnsResolver(["no-address.example:53"], 0.2).txt("shop.example") == (UNKNOWN, ())


@pytest.mark.parametrize("name", ["acme.test", "relay.localhost", "a.invalid", "printer.local"])
async def test_special_use_names_are_asked_of_servers_of_our_own_only(name):
    public = DnsResolver([], 0.2)

    assert await public.takes_mail(name) is UNKNOWN
    assert await public.txt(name) == (ABSENT, ())
    async with served() as (resolver, server):
        await resolver.txt(name)
    assert server.asked == [f"{name}. TXT"]


async def test_a_name_that_cannot_be_asked_for_is_unknown():
    async with served() as (resolver, _):
        assert await resolver.txt("a" * 64 + ".example") == (UNKNOWN, ())


# ------------------------------------------------------------ what is kept


async def test_an_answer_is_asked_for_once_within_its_ttl():
    async with served() as (resolver, server):
        for server.seconds in (0.0, 30.0, 59.0):
            assert (await resolver.txt("text.example")) == (FOUND, ("x",))
        assert server.asked == ["text.example. TXT"]
        server.seconds = 61.0
        await resolver.txt("text.example")

    assert len(server.asked) == 2


async def test_that_there_is_none_is_kept_for_half_a_minute():
    async with served() as (resolver, server):
        for server.seconds in (0.0, 29.0):
            assert await resolver.txt("nowhere.example") == (ABSENT, ())
        assert len(server.asked) == 1
        server.seconds = 31.0
        server.broken = True
        assert await resolver.txt("nowhere.example") == (UNKNOWN, ())


async def test_what_could_not_be_looked_up_hides_no_later_answer():
    async with served() as (resolver, server):
        server.broken = True
        assert await resolver.txt("text.example") == (UNKNOWN, ())
        assert await resolver.txt("nowhere.example") == (UNKNOWN, ())
        server.broken = False

        assert await resolver.txt("text.example") == (FOUND, ("x",))
        assert await resolver.txt("nowhere.example") == (ABSENT, ())
