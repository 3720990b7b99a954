"""The SMTP commands: translate, ask a stage, give its reply; nothing is judged here (INTERFACE.md §3)."""

from __future__ import annotations

from aiosmtpd.smtp import syntax

from policies.verdict import Reply
from relay.smtp import replies
from relay.smtp.conversation import take_nothing
from relay.smtp.framing import DataReader
from relay.smtp.grammar import CommandFault, parse_mail, parse_rcpt
from relay.smtp.limits import Patience
from relay.smtp.securing import Securing
from relay.transaction import Transaction

_GO_AHEAD = replies.wire(replies.GO_AHEAD)


class Commands(Securing):
    """All commands of a listener; the class its connections are made of."""

    # ------------------------------------------------------------ session commands

    @syntax("HELO hostname")
    async def smtp_HELO(self, hostname: str) -> None:
        if self._hello(hostname, esmtp=False):
            await self._junk(Reply(250, "", self.service.hostname))

    @syntax("EHLO hostname")
    async def smtp_EHLO(self, hostname: str) -> None:
        if not self._hello(hostname, esmtp=True):
            return
        if not self._trusted and self._faults.junk() is Patience.OVER:
            self._refuse(replies.TOO_MANY_ERRORS)
            return
        session = self.visit
        self.reply_raw(self.door.hello(bool(session.tls), session.credential is not None))

    def _hello(self, hostname: str, esmtp: bool) -> bool:
        if not hostname or " " in hostname or not hostname.isascii() or len(hostname) > 255:
            raise CommandFault(replies.BAD_HELLO)
        self._forget_transaction()
        self.visit.helo = hostname
        self.visit.esmtp = esmtp
        return True

    @syntax("NOOP [ignored]")
    async def smtp_NOOP(self, arg: str) -> None:
        await self._junk(replies.OK)

    @syntax("RSET")
    async def smtp_RSET(self, arg: str) -> None:
        take_nothing(arg)
        self._forget_transaction()
        await self._junk(replies.OK)

    @syntax("QUIT")
    async def smtp_QUIT(self, arg: str) -> None:
        take_nothing(arg)
        self.reply(replies.BYE)
        self.closing = self.parted = True

    @syntax("VRFY address")
    async def smtp_VRFY(self, arg: str) -> None:
        if not arg:
            raise CommandFault(replies.NEEDS_ARGUMENT)
        await self._junk(replies.NOT_VERIFIED)

    async def smtp_EXPN(self, arg: str) -> None:
        raise CommandFault(replies.NO_EXPN)

    async def smtp_BDAT(self, arg: str) -> None:
        # Its payload follows without a line end of its own and must not be read as commands (row 13).
        self._refuse(replies.NO_BDAT)

    @syntax("HELP [command]")
    async def smtp_HELP(self, arg: str) -> None:
        await self._junk(Reply(214, "2.0.0", _help(getattr(self, f"smtp_{arg.upper()}", None), self.verbs)))

    # ------------------------------------------------------------ the transaction

    @syntax("MAIL FROM:<reverse-path>", extended=" [SP parameters]")
    async def smtp_MAIL(self, arg: str) -> None:
        self._check_mail_allowed()
        session, service = self.visit, self.service
        command = parse_mail(arg, self.door.offer, session.esmtp)
        if command.size is not None and command.size > service.limits.max_size:
            self.reply(await service.stages.size_refused(session, command))
            return
        if not service.memory.has_room(min(command.size or 0, service.limits.spool_threshold)):
            self.reply(replies.OUT_OF_STORAGE)
            return
        self._mail_since = self.loop.time()
        try:
            reply, self._tx = await service.stages.mail(session, command)
        finally:
            if self._tx is None:
                self._forget_transaction()
        self.reply(reply)

    def _check_mail_allowed(self) -> None:
        session = self.visit
        if not session.helo:
            raise CommandFault(replies.HELLO_FIRST)
        if self._tx is not None:
            raise CommandFault(replies.MAIL_TWICE)
        if self.door.auth_required and session.credential is None:
            raise CommandFault(replies.AUTH_FIRST if self._may_log_in() else replies.TLS_FIRST)

    def _may_log_in(self) -> bool:
        return self.door.allows_auth(bool(self.visit.tls))

    @syntax("RCPT TO:<forward-path>", extended=" [SP parameters]")
    async def smtp_RCPT(self, arg: str) -> None:
        if self._tx is None:
            raise CommandFault(replies.MAIL_FIRST)
        command = parse_rcpt(arg, self.door.offer, self.visit.esmtp)
        if self._accepted >= self.service.limits.max_recipients:
            self.reply(replies.TOO_MANY_RECIPIENTS)
            return
        reply = await self.service.stages.recipient(self._tx, command)
        if reply.code // 100 == 2:
            self._accepted += 1
        self.reply(reply)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        self._ends_group = True
        take_nothing(arg)
        if self._tx is None:
            raise CommandFault(replies.MAIL_FIRST)
        refusal = await self.service.stages.data_allowed(self._tx) if self._accepted else replies.NO_RECIPIENTS
        if refusal is None:
            self._ends_group = False
            self.reply_raw(_GO_AHEAD)
            await self._take_message(self._tx)
        else:
            self.reply(refusal)

    async def _take_message(self, tx: Transaction) -> None:
        """From 354 to the reply to the final dot; the transaction is over whatever happens."""
        limits = self.service.limits
        reader = DataReader(limits.max_size, limits.spool_threshold, self.service.memory, self.service.spool_dir)
        try:
            if await self.read_message(reader):
                self._answer_message(reader, await self._judge(tx, reader))
        finally:
            reader.release()
            self._forget_transaction()
        await self.flush()

    async def _judge(self, tx: Transaction, reader: DataReader) -> Reply:
        stages = self.service.stages
        if reader.fault:
            return await stages.malformed(tx, reader.fault)
        if reader.too_large:
            return await stages.too_large(tx)
        if reader.failed:
            return replies.OUT_OF_STORAGE
        return await stages.data(tx, await reader.whole())

    def _answer_message(self, reader: DataReader, reply: Reply) -> None:
        self.reply(reply)
        self.closing = self.closing or bool(reader.fault) or reader.endless
        if reply.code // 100 == 2:
            self._faults.delivered()


def _help(command: object, verbs: dict[str, str]) -> str:
    """aiosmtpd's `syntax` marks what there is to say of a command."""
    if command is None:
        return "commands: " + " ".join(sorted(verbs))
    said = getattr(command, "__smtp_syntax__", "not offered")
    return f"syntax: {said}{getattr(command, '__smtp_syntax_extended__', '') or ''}"
