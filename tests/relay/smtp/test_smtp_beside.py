"""Two servers of one worker: what a worker may hold is counted once (RELIABILITY.md rows 38, 42)."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import asynccontextmanager

from recording_stages import RecordingStages
from talking import LIMITS, listener

from config.schema import Tls
from relay.smtp.server import SmtpServer


@asynccontextmanager
async def two_servers(data_dir, limits):
    first = SmtpServer(RecordingStages(), hostname="mx.test", limits=limits, tls=Tls(), data_dir=data_dir)
    second = SmtpServer(
        RecordingStages(), hostname="mx.test", limits=limits, tls=Tls(), data_dir=data_dir, beside=first
    )
    for server in (first, second):
        await server.start([listener()], reuse_port=False)
    try:
        yield first, second
    finally:
        await first.drain(0.0)
        await second.drain(0.0)


async def greeting(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.bound[0].port)
    return await reader.readline(), reader, writer


async def test_connections_to_either_server_count_for_both(tmp_path):
    async with two_servers(tmp_path, dataclasses.replace(LIMITS, connections=2)) as (first, second):
        answers = [await greeting(server) for server in (first, second, first, second)]

        assert [line[:3] for line, _, _ in answers] == [b"220", b"220", b"421", b"421"]
        for _, _, writer in answers:
            writer.close()


async def test_memory_is_one_budget(tmp_path):
    async with two_servers(tmp_path, dataclasses.replace(LIMITS, memory_budget=1000)) as (first, second):
        assert first.shared[1].take(900)
        _, reader, writer = await greeting(second)
        writer.write(b"EHLO a.test\r\n")
        while not (await reader.readline()).startswith(b"250 "):
            continue
        writer.write(b"MAIL FROM:<a@b.test> SIZE=500\r\n")

        assert (await reader.readline()).startswith(b"452 4.3.1 ")
        writer.close()
