"""Reading off the loop: a parser that runs away is stopped, and nobody else pays for it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from policies.facts import FooterIdentity
from relay.reading import INLINE_HTML, Reader, TooCostly

FOOTER = FooterIdentity("Acme Ltd", "1 High Street, Leeds LS1 1AA")
HEAD = b"From: a@acme.test\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
SMALL = HEAD + b"<p>Hello</p>\r\n"
LARGE = HEAD + b"<p>Good morning, dear reader</p>\r\n" * (INLINE_HTML // 30)


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader("relay.localhost", "http://127.0.0.1:8580")
    yield reader
    reader.close()


async def test_small_messages_are_read_in_place(reader: Reader) -> None:
    readable = await reader.read(SMALL, FOOTER)

    assert readable.facts.size == len(SMALL)
    assert reader._process is None


async def test_large_html_is_read_in_another_process_with_the_same_result(reader: Reader) -> None:
    readable = await reader.read(LARGE, FOOTER)

    assert readable.facts.size == len(LARGE)
    assert readable.message.raw == LARGE
    assert [part.content_type for part in readable.facts.parts] == ["text/html"]
    assert reader._process is not None


async def test_a_killed_reading_is_our_fault_for_all_that_waited_and_the_next_one_works(reader: Reader) -> None:
    await reader.read(LARGE, FOOTER)
    assert reader._process is not None
    readings = [asyncio.create_task(reader.read(LARGE, FOOTER)) for _ in range(4)]
    await asyncio.sleep(0)
    for pid in list(reader._process._processes):
        os.kill(pid, signal.SIGKILL)

    ended = await asyncio.gather(*readings, return_exceptions=True)

    assert {type(one) for one in ended} <= {TooCostly, type(await reader.read(SMALL, FOOTER))}
    assert TooCostly in {type(one) for one in ended}
    assert (await reader.read(LARGE, FOOTER)).facts.size == len(LARGE)
