"""One connection's octets: input in chunks, replies in groups, one coarse deadline (DESIGN.md §2).

aiosmtpd reads a line per await, cancels its session when the client leaves and has one timer for everything. Here
the session is one coroutine that only ever waits in `receive`; a lost connection, an end of input, a deadline or a
shutdown is noted and seen there, so that a stage which was begun is never cut short (RELIABILITY.md finding 1).
"""

from __future__ import annotations

import asyncio
import math
from typing import cast

from aiosmtpd.smtp import SMTP

from policies.verdict import Reply
from relay.smtp import replies
from relay.smtp.framing import DataReader
from relay.smtp.service import Service

HIGH_WATER = 65_536
"""Octets a client may send ahead of us; then its socket is not read until we have caught up."""

LONGEST_LINE = 16_384
"""Octets of a command kept while its end has not come; RFC 4954 §4 lets an AUTH line have 12,288."""

_OVERLONG = b"\0" * (LONGEST_LINE + 1) + b"\r\n"
"""Stands for a line that was too long to keep."""

LINGER = 2.0
"""Seconds we go on reading after a last reply: closing a socket with unread input would destroy the reply."""


class Wire(SMTP):
    """aiosmtpd's protocol class without its input loop; the commands stand in `listener`."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        # Not SMTP.__init__: it inspects every method of the class and of a handler, 0.13 ms a connection.
        asyncio.StreamReaderProtocol.__init__(self, asyncio.StreamReader(loop=loop), loop=loop)
        self.loop = loop
        self.service = service
        self._buffer = b""
        self._at = 0
        self._out: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._unblocked: asyncio.Future[None] | None = None
        self._write_blocked = False
        self._eof = False
        self._gone = False
        self._encrypted = False
        self._reading_paused = False
        self._skipping = False
        self._discarding = False
        self._farewell: Reply | None = None
        self._deadline = math.inf
        self._late = replies.TIMED_OUT
        self._idle_since = loop.time()
        self._mail_since = math.inf
        self.closing = False
        """No further command is read."""
        self.parted = False
        """The client said QUIT: it expects the connection to close."""

    # ------------------------------------------------------------ what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = cast(asyncio.Transport, transport)
        self._encrypted = transport.get_extra_info("ssl_object") is not None

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            return
        left = len(self._buffer) - self._at
        self._buffer = self._buffer[self._at :] + data if left else data
        self._at = 0
        if self._waiter is not None:
            self._wake()
        elif left + len(data) > HIGH_WATER and not self._reading_paused:
            self._reading_paused = True
            self.wire.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more; what it sent is still answered, except where TLS cannot half-close."""
        self._eof = True
        self._wake()
        return not self._encrypted

    def connection_lost(self, error: Exception | None) -> None:
        self._gone = self._eof = True
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._write_blocked = True

    def resume_writing(self) -> None:
        self._write_blocked = False
        if self._unblocked is not None and not self._unblocked.done():
            self._unblocked.set_result(None)

    # ------------------------------------------------------------ input

    def next_line(self) -> bytes | None:
        """The next command line with its line end, or None where it is not all there yet."""
        end = self._buffer.find(b"\n", self._at)
        if end < 0:
            self._bound_line()
            return None
        line = self._buffer[self._at : end + 1]
        self._at = end + 1
        if self._skipping:
            self._skipping = False
            return _OVERLONG
        return line

    def _bound_line(self) -> None:
        """Do not keep a line that has no end."""
        if len(self._buffer) - self._at > LONGEST_LINE:
            self._skipping = True
            self._buffer = b""
            self._at = 0

    @property
    def pipelined(self) -> bool:
        """Whether the client has sent more than was read."""
        return self._at < len(self._buffer)

    async def receive(self) -> bool:
        """Send what was replied, wait for more input; False: there will be none, or a farewell is due."""
        if self._out and await self._flushed_while_more_came():
            return self._farewell is None
        if self._eof or self._farewell is not None or self._must_leave():
            return False
        if self._reading_paused:
            self._read_on()
        self._waiter = self.loop.create_future()
        await self._waiter
        self._waiter = None
        return not self._gone and self._farewell is None

    async def _flushed_while_more_came(self) -> bool:
        """Send what was replied; a client that reads slowly may have sent more meanwhile."""
        unread = len(self._buffer) - self._at
        return await self.flush() and len(self._buffer) - self._at > unread

    def _must_leave(self) -> bool:
        """Whether shutdown reached the session between two transactions."""
        if self.service.draining and self._mail_since == math.inf:
            self._farewell = replies.SHUTTING_DOWN
        return self._farewell is not None

    async def read_message(self, reader: DataReader) -> bool:
        """Feed the reader until the final dot; False: the client has gone or was given up."""
        started = self.loop.time()
        limits = self.service.limits
        while True:
            if self._at < len(self._buffer):
                done, self._at = reader.feed(self._buffer, self._at)
                if done or reader.endless:
                    return True
            slowest = started + limits.command_idle + reader.received / limits.data_rate
            self._allow_until(min(self.loop.time() + limits.command_idle, slowest), replies.DATA_TOO_SLOW)
            if not await self.receive():
                # Half a message must not be read as commands.
                self._buffer, self._at = b"", 0
                return False

    async def read_line(self) -> bytes | None:
        """The next line, waited for; None: there will be none."""
        while True:
            line = self.next_line()
            if line is not None:
                return line
            if not await self.wait_for_command():
                return None

    async def wait_for_command(self) -> bool:
        """As `receive`, within the idle time that runs from the last command, however often a drop arrives."""
        self._allow_until(self._idle_since + self.service.limits.command_idle, replies.TIMED_OUT)
        return await self.receive()

    def _allow_until(self, at: float, late: Reply) -> None:
        """The client has until then, or until its transaction's end; `late` is what it hears afterwards."""
        end = self._mail_since + self.service.limits.transaction
        self._deadline, self._late = (at, late) if at <= end else (end, replies.TRANSACTION_TIMED_OUT)

    def _read_on(self) -> None:
        self._reading_paused = False
        self.wire.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ------------------------------------------------------------ output

    def reply(self, reply: Reply) -> None:
        """Queue a reply; it goes out with its group."""
        if not reply.silent:
            self._out.append(replies.wire(reply))
        if reply.close or reply.silent:
            self.closing = True

    def reply_raw(self, octets: bytes) -> None:
        self._out.append(octets)

    async def flush(self) -> bool:
        """All queued replies in one write; False: nobody is there to read them."""
        if self._gone:
            self._out.clear()
            return False
        if self._out:
            self.wire.write(b"".join(self._out) if len(self._out) > 1 else self._out[0])
            self._out.clear()
            if self._write_blocked:
                await self._drained()
        return not self._gone

    async def _drained(self) -> None:
        """Wait for a client that does not read its replies; `sweep` gives it up."""
        self._deadline = self.loop.time() + self.service.limits.command_idle
        self._unblocked = self.loop.create_future()
        await self._unblocked
        self._unblocked = None

    # ------------------------------------------------------------ the end

    def sweep(self, now: float) -> None:
        """The server's clock looks at every session now and then: is it over its time?"""
        if self._waiter is not None:
            if now > self._deadline:
                self.leave(self._late)
        elif self._unblocked is not None and now > self._deadline:
            self.wire.abort()

    def leave(self, farewell: Reply) -> None:
        """End a session that waits for its client; one that is at work sees it when it waits next."""
        self._farewell = self._farewell or farewell
        self._wake()

    def drain(self) -> None:
        """Shutdown began: a session between two transactions ends now, others after theirs."""
        if self._mail_since == math.inf:
            self.leave(replies.SHUTTING_DOWN)

    async def hang_up(self) -> None:
        """Last replies, in a way that lets the client read them before the connection is closed."""
        if self._farewell is not None and not self.closing:
            self.reply(self._farewell)
        self._discarding = True
        self._buffer = b""
        if await self.flush() and not self.parted and not self._eof and not self.service.draining:
            await self._linger()

    def close_wire(self) -> None:
        """`close` sends what is left first, and would wait for ever for a client that does not read it."""
        self.wire.close()
        if not self._gone and self.wire.get_write_buffer_size():
            self.loop.call_later(self.service.limits.command_idle, self.wire.abort)

    async def _linger(self) -> None:
        """Say that nothing more comes, and let what is under way arrive before the socket closes."""
        if self._reading_paused:
            self._read_on()
        if self.wire.can_write_eof():
            self.wire.write_eof()
        self._deadline = self.loop.time() + LINGER
        self._waiter = self.loop.create_future()
        await self._waiter
        self._waiter = None
