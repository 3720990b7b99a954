"""What every request to the public site must keep to, over real sockets (RELIABILITY.md rows 47 to 57)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from visiting import ONE_CLICK, SETTINGS, World, check_page, visited

from relay.masking import masked, masked_text


@pytest.fixture
def world() -> World:
    return World()


async def test_the_process_lives(world: World) -> None:
    world.reachable.store = world.reachable.smarthost = False
    async with visited(world) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.head("/healthz")).status_code == 200

    assert world.journal.events == []


@pytest.mark.parametrize(
    ("store", "smarthost", "status"), [(True, True, 200), (False, True, 503), (True, False, 503)]
)
async def test_ready_means_store_and_a_smarthost(world: World, store: bool, smarthost: bool, status: int) -> None:
    world.reachable.store, world.reachable.smarthost = store, smarthost
    async with visited(world) as client:
        assert (await client.get("/readyz")).status_code == status

    assert world.journal.events == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[bad", "a:b:c"])
async def test_another_host_is_misdirected(world: World, host: str) -> None:
    async with visited(world) as client:
        answers = [await client.get(path, headers={"host": host}) for path in (world.link(), "/help/consent.missing")]

    for answer in answers:
        assert answer.status_code == 421
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8580", "LOCALHOST", "relay.localhost", "[::1]:8580", "localhost."])
async def test_our_own_names_are_answered_to(world: World, host: str) -> None:
    async with visited(world) as client:
        assert (await client.get(world.link(), headers={"host": host})).status_code == 200


async def test_no_forwarded_host_reaches_a_page(world: World) -> None:
    headers = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example", "x-forwarded-proto": "gopher"}
    async with visited(world) as client:
        answer = await client.get(world.link(), headers=headers)

    assert "evil" not in check_page(answer).decode()


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "GZIP", "gzip, identity"])
async def test_compressed_bodies_are_not_taken(world: World, coding: str) -> None:
    async with visited(world) as client:
        answer = await client.post(world.link(), content=b"\x1f\x8b", headers={"content-encoding": coding})

    assert answer.status_code == 415
    assert world.people.said == []


async def test_pages_lie_below_the_public_url(world: World) -> None:
    below = replace(SETTINGS, platform=replace(SETTINGS.platform, public_url="http://127.0.0.1:8580/mail/"))
    async with visited(world, below) as client:
        assert (await client.post(f"/mail{world.link()}", data=ONE_CLICK)).status_code == 200
        assert (await client.get(world.link())).status_code == 404
        assert (await client.get("/mail/help/consent.missing")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200


async def test_a_fault_of_ours_is_a_page_that_tells_nothing_of_it(world: World) -> None:
    world.tokens.check_bits = None  # type: ignore[method-assign, assignment]
    async with visited(world) as client:
        link = "/u/" + world.tokens.url(replace(World().claim()))
        answer = await client.post(link, data=ONE_CLICK)

    assert answer.status_code == 500
    page = check_page(answer)
    assert "TypeError" not in page.get_text()
    assert "fault of ours" in page.get_text()


async def raw_answer(port: int, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


async def test_two_lengths_for_one_body_are_refused(world: World) -> None:
    request = f"POST {world.link()} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    request += "Content-Type: application/x-www-form-urlencoded\r\n"
    request += "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\nList-Unsubscribe=One-Click\r\n0\r\n\r\n"
    async with visited(world) as client:
        answer = await raw_answer(client.base_url.port or 0, request.encode())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert world.people.said == []


@pytest.mark.parametrize("octets", [b"", b"GET /healthz HTTP/1.1\r\nHost: loc"])
async def test_a_header_that_does_not_come_ends_the_connection(world: World, octets: bytes) -> None:
    async with visited(world, header_seconds=0.05) as client:
        assert await raw_answer(client.base_url.port or 0, octets) == b""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("anne@example.com", "a•••@e••••••.com"),
        ("a@b.id", "a••@b••.id"),
        ("x@mail.example.co.id", "x••@m•••.e••••••.c••.id"),
    ],
)
def test_a_masked_address_keeps_first_letters_and_the_last_label(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "bob@example.org has not given acme permission",
        "part 1: <bob@example.org>, 'bob@example.org'; mailto:bob@example.org",
        "From: bob@example...",
        '"bob o\'hara"@example.org has opted out',
    ],
)
def test_a_masked_text_has_no_address_left(text: str) -> None:
    assert "bob" not in masked_text(text)
    assert "@example" not in masked_text(text)
