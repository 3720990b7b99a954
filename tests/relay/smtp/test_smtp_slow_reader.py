"""A client that reads its replies late, and goes on sending meanwhile (RELIABILITY.md finding 1)."""

from __future__ import annotations

import asyncio
import gc

from recording_stages import RecordingStages
from talking import LIMITS, listener

from config.schema import Tls
from relay.smtp.listener import Commands
from relay.smtp.server import SmtpServer


def session_of() -> Commands:
    (found,) = [one for one in gc.get_objects() if isinstance(one, Commands) and not one.closing and not one._gone]
    return found


async def test_what_came_while_a_reply_could_not_be_written_is_answered(tmp_path):
    server = SmtpServer(RecordingStages(), hostname="mx.test", limits=LIMITS, tls=Tls(), data_dir=tmp_path)
    await server.start([listener()], reuse_port=False)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.bound[0].port)
    assert (await reader.readline()).startswith(b"220 ")
    session = session_of()

    session.pause_writing()  # as the event loop does where the client reads nothing
    writer.write(b"NOOP\r\n")
    assert (await reader.readline()).startswith(b"250 ")
    writer.write(b"NOOP\r\n")
    await asyncio.sleep(0.05)
    session.resume_writing()

    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"250 ")
    writer.close()
    await server.drain(0.0)
