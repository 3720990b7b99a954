"""One kept connection to a smarthost: a transaction takes two round trips, and its phase is known at every moment."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from relay.adapters.smarthost_replies import GarbledReply, ReplyReader, SmarthostReply
from relay.ports import Delivered, InDoubt, Outcome, Outgoing, Phase, Postponed, Refused

CHUNK = 256 * 1024
"""Octets of a body written at once; a larger one goes out piece by piece as the smarthost takes it."""
UNAVAILABLE = frozenset({421, 530, 535})
"""Never a verdict on the message, whatever they answer (INTERFACE.md §3)."""
_ENVELOPE = (Phase.MAIL, Phase.RCPT, Phase.DATA)


class LinkBroken(Exception):
    """The link cannot be used any more; the words say why."""


class UnsafeOctets(ValueError):
    """We were about to send bare CR, bare LF, NUL or a control character in a command: our own fault."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the smarthost offered in its last EHLO reply."""

    pipelining: bool = False
    eight_bit: bool = False
    size: bool = False


class Link(asyncio.Protocol):
    """Takes over a greeted, secured, authenticated connection; one transaction at a time."""

    def __init__(self, name: str, features: Features, transport: asyncio.Transport) -> None:
        self.served = 0
        """Transactions begun on this link."""
        self.idle_since = 0.0
        """Loop time at which it was last put aside."""
        self._name = name
        self._features = features
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._replies: deque[SmarthostReply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._broken = ""
        self._busy = False
        self._until = 0.0
        """Loop time by which the transaction under way must have its outcome."""
        self._paused = False
        self._owed = 0
        self._wanted = 1
        self._dot_written = False
        self._phase = Phase.MAIL

    # ------------------------------------------------------------ asyncio calls these

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.extend(self._reader.feed(data))
        except GarbledReply as fault:
            self._break(str(fault))
        else:
            if not self._busy and len(self._replies) > self._owed:
                self._break("it spoke without being asked")
        if len(self._replies) >= self._wanted or self._broken:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._broken = self._broken or ("the connection was reset" if exc else "it closed the connection")
        self._wake()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._dot_written and not self._transport.is_closing():
            self._phase = Phase.AFTER_DOT
        self._wake()

    # ------------------------------------------------------------ the pool calls these

    def usable(self) -> bool:
        """Whether another transaction may be tried on it."""
        return not self._broken and not self._transport.is_closing()

    def close(self) -> None:
        """Say QUIT and hang up without waiting for the answer."""
        if self.usable():
            self._broken = "closed by us"
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    async def send(self, outgoing: Outgoing, timeout: float) -> Outcome:
        """One transaction. Without a usable reply: InDoubt once the dot left our hands, else Postponed."""
        self._busy, self._phase, self._wanted, self._dot_written = True, Phase.MAIL, 1, False
        self.served += 1
        # Not asyncio.timeout, which costs three times as much: the link itself is what must end in time.
        self._until = self._loop.time() + timeout
        timer = self._loop.call_at(self._until, self._too_late)
        try:
            return await self._transact(outgoing)
        except TimeoutError:
            return self._lost("it did not answer in time")
        except LinkBroken as fault:
            return self._lost(str(fault))
        except BaseException:
            self._break("given up by us")
            raise
        finally:
            timer.cancel()
            self._busy = False

    def _too_late(self) -> None:
        self._break("it did not answer in time")
        self._wake()

    # ------------------------------------------------------------ a transaction

    async def _transact(self, outgoing: Outgoing) -> Outcome:
        if self._owed:
            await self._settle_debts()
        body = outgoing.render(self._features.eight_bit)
        refused = await self._envelope(self._commands(outgoing, body))
        if refused is not None:
            return refused
        if outgoing.permit is not None:
            async with asyncio.timeout_at(self._until):
                await outgoing.permit()
        if self._broken:
            raise LinkBroken(self._broken)
        if outgoing.before_dot is not None:
            outgoing.before_dot()
        await self._write_body(stuffed(body))
        reply = await self._reply()
        if self._phase is Phase.DOT:
            raise LinkBroken(f"it answered before the end of the message: {reply.line()}")
        if reply.code // 100 == 2:
            return Delivered(self._name, reply.line())
        return self._verdict(reply, Phase.AFTER_DOT)

    def _commands(self, outgoing: Outgoing, body: bytes) -> tuple[bytes, bytes, bytes]:
        parameters = b" SIZE=%d" % len(body) if self._features.size else b""
        if self._features.eight_bit and not body.isascii():
            parameters += b" BODY=8BITMIME"
        mail = b"MAIL FROM:<%b>%b\r\n" % (_path(outgoing.reverse_path), parameters)
        return mail, b"RCPT TO:<%b>\r\n" % _path(outgoing.forward_path), b"DATA\r\n"

    async def _envelope(self, commands: tuple[bytes, bytes, bytes]) -> Outcome | None:
        """MAIL, RCPT and DATA, in one write where the smarthost pipelines; None: it waits for the body."""
        together = self._features.pipelining
        if together:
            self._transport.write(b"".join(commands))
            if await self._all_hoped_for():
                return None
        refused: Outcome | None = None
        for phase, command in zip(_ENVELOPE, commands, strict=True):
            self._phase = phase if refused is None else self._phase
            if not together:
                self._transport.write(command)
            reply = await self._reply()
            if refused is None and not _as_hoped(phase, reply.code):
                refused = self._verdict(reply, phase)
                if self._broken or not together:
                    break
        if refused is not None and not self._broken:
            self._clear_up(together and reply.code == 354)
        return refused

    async def _all_hoped_for(self) -> bool:
        """Wait for three replies at once; True and all taken where each was the hoped-for one."""
        replies = self._replies
        self._wanted = 3
        while len(replies) < 3 and not self._broken:
            await self._woken()
        self._wanted = 1
        if len(replies) == 3 and replies[2].code == 354 and replies[0].code == 250 == replies[1].code:
            replies.clear()
            return True
        return False

    def _clear_up(self, waits_for_body: bool) -> None:
        """After a refusal: end the transaction; the replies are taken before the next one (RFC 2920 §3.1)."""
        if waits_for_body and self._phase is not Phase.RCPT:
            # A smarthost that refused MAIL and still took RCPT and DATA might deliver an empty message.
            self._break("it went on after refusing MAIL")
            return
        self._transport.write(b".\r\nRSET\r\n" if waits_for_body else b"RSET\r\n")
        self._owed = 2 if waits_for_body else 1

    async def _settle_debts(self) -> None:
        """Take the replies to a lone dot and to RSET; RSET's must be 2yz."""
        reply = await self._reply()
        if self._owed == 2:
            reply = await self._reply()
        self._owed = 0
        if reply.code // 100 != 2:
            raise LinkBroken(f"it answered RSET with {reply.line()}")

    async def _write_body(self, body: bytes) -> None:
        """Body and dot; AFTER_DOT as soon as the transport holds nothing back."""
        self._phase = Phase.DOT
        for start in range(0, len(body), CHUNK):
            # A transport that failed swallows what it is given; `connection_lost` comes in the loop's next turn.
            while self._paused or self._transport.is_closing():
                await self._woken()
                if self._replies:
                    return
            self._dot_written = start + CHUNK >= len(body)
            self._transport.write(body[start : start + CHUNK] if len(body) > CHUNK else body)
        if not self._paused and not self._transport.is_closing():
            self._phase = Phase.AFTER_DOT

    def _verdict(self, reply: SmarthostReply, phase: Phase) -> Outcome:
        """What a reply that is not the hoped-for one means; anything unexpected ends the link."""
        enhanced, text = reply.words()
        kind = reply.code // 100
        if reply.code in UNAVAILABLE or kind not in (4, 5):
            self._break(f"it answered {reply.line()}")
            if phase is Phase.AFTER_DOT and reply.code not in UNAVAILABLE:
                return InDoubt(self._name, self._broken)
            return Postponed(self._name, 0, "4.4.1", self._broken, phase)
        if kind == 4:
            return Postponed(self._name, reply.code, enhanced, text, phase)
        return Refused(self._name, reply.code, enhanced, text, phase)

    # ------------------------------------------------------------ waiting

    async def _reply(self) -> SmarthostReply:
        while not self._replies:
            await self._woken()
        return self._replies.popleft()

    async def _woken(self) -> None:
        if self._broken:
            raise LinkBroken(self._broken)
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _lost(self, error: str) -> Outcome:
        self._break(error)
        if self._wanted == 3:
            self._phase = _ENVELOPE[min(len(self._replies), 2)]
        if self._phase is Phase.AFTER_DOT:
            return InDoubt(self._name, error)
        return Postponed(self._name, 0, "4.4.2", error, self._phase)

    def _break(self, why: str) -> None:
        self._broken = self._broken or why
        self._transport.abort()


def _as_hoped(phase: Phase, code: int) -> bool:
    return code == 354 if phase is Phase.DATA else code // 100 == 2


def _path(address: str) -> bytes:
    """A path for the wire: printable ASCII without angle brackets, else UnsafeOctets."""
    if not address.isascii() or not address.isprintable() or "<" in address or ">" in address:
        raise UnsafeOctets("an address holds octets that must not reach the smarthost")
    return address.encode("ascii")


def stuffed(body: bytes) -> bytes:
    """The body with its dots doubled and the final dot (RFC 5321 §4.5.2); UnsafeOctets on bare CR or LF, or NUL.

    Only a line that begins with a dot can end the data early, so only then each line end is looked at; the
    rest was checked on the way in (RELIABILITY.md row 1), and two counts tell whether our own writing kept it so.
    """
    if body.count(b"\r") != body.count(b"\n") or b"\0" in body:
        raise UnsafeOctets("a message holds bare CR, bare LF or NUL")
    if b"\n." in body:
        if body.count(b"\r\n") != body.count(b"\n"):
            raise UnsafeOctets("a message holds bare CR or bare LF")
        body = body.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + (b".\r\n" if body.endswith(b"\r\n") or not body else b"\r\n.\r\n")
