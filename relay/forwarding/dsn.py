"""Delivery status notifications: what became of a copy, told to the sender (RFC 3464, RFC 3461 §6)."""

from __future__ import annotations

import email.policy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

from policies.verdict import clean
from relay.forwarding.states import UNDELIVERED
from relay.forwarding.wording import report_text, subject
from relay.identifiers import new_ref
from relay.ports import Clock, CopyState, OwnMail, SpooledCopy, SpooledMessage

MAX_RETURNED = 1024 * 1024
"""Octets of a message that RET=FULL returns whole; of a larger one only the header."""

_FORM = email.policy.compat32.clone(linesep="\n", max_line_length=None)
"""Fields as we write them; line ends become CRLF at the very end, in returned text too."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Writes DSNs: one for all copies that failed together, one for those passed on where that was asked for."""

    hostname: str
    mail_domain: str
    language: str
    sign: Callable[[bytes], bytes]
    """Adds the platform's DKIM signature."""
    clock: Clock
    expire_after: float
    """Seconds after which an undeliverable DSN is given up."""

    def due(self, message: SpooledMessage, ended: Sequence[SpooledCopy]) -> list[OwnMail]:
        """The DSNs for copies that just became final, to the transaction's reverse-path.

        None about our own mail, nor about what came with the null reverse-path (RFC 5321 §4.5.5). A failure is
        told unless NOTIFY says otherwise, a success only where it asks for it.
        """
        if message.purpose != "relay" or not message.reverse_path:
            return []
        failed = [copy for copy in ended if copy.state in UNDELIVERED and _wants(copy, "FAILURE", True)]
        passed_on = [copy for copy in ended if copy.state is CopyState.SENT and _wants(copy, "SUCCESS", False)]
        return [self._mail(message, copies) for copies in (failed, passed_on) if copies]

    def readdressed(self, dsn: SpooledMessage, account_email: str) -> OwnMail:
        """A DSN that the reverse-path does not take, once more to the account's e-mail."""
        return self._own(dsn.account_id, account_email, dsn.raw)

    def _mail(self, message: SpooledMessage, copies: Sequence[SpooledCopy]) -> OwnMail:
        report = MIMEMultipart("report", report_type="delivery-status", policy=_FORM)
        report["From"] = f"Mail Delivery System <postmaster@{self.mail_domain}>"
        report["To"] = f"<{clean(message.reverse_path)}>"
        report["Subject"] = subject(copies)
        report["Date"] = format_datetime(self.clock.now())
        report["Message-ID"] = f"<{new_ref().lower()}@{self.mail_domain}>"
        report["Auto-Submitted"] = "auto-replied"
        if message.message_id:
            report["References"] = clean(message.message_id)
        report.attach(MIMEText(report_text(self.language, self.hostname, message, copies), "plain", "us-ascii"))
        report.attach(self._status(message, copies))
        report.attach(_returned(message))
        return self._own(
            message.account_id, message.reverse_path, self.sign(report.as_bytes(policy=_FORM).replace(b"\n", b"\r\n"))
        )

    def _own(self, account_id: int, to: str, raw: bytes) -> OwnMail:
        now = self.clock.now()
        expires_at = now + timedelta(seconds=self.expire_after)
        return OwnMail(new_ref(), account_id, "dsn", "", to, raw, now, expires_at)

    def _status(self, message: SpooledMessage, copies: Sequence[SpooledCopy]) -> MIMEBase:
        """The machine's part: fields of the message, then of each recipient (RFC 3464 §2.2, §2.3)."""
        part = MIMEBase("message", "delivery-status", policy=_FORM)
        head = Message(policy=_FORM)
        head["Reporting-MTA"] = f"dns; {self.hostname}"
        if message.envid:
            head["Original-Envelope-Id"] = clean(message.envid)
        head["Arrival-Date"] = format_datetime(message.received_at)
        part.attach(head)
        for copy in copies:
            part.attach(self._recipient(copy))
        return part

    def _recipient(self, copy: SpooledCopy) -> Message:
        fields = Message(policy=_FORM)
        if copy.orcpt:
            fields["Original-Recipient"] = _original_recipient(copy.orcpt)
        fields["Final-Recipient"] = f"rfc822; {clean(copy.recipient)}"
        sent = copy.state is CopyState.SENT
        fields["Action"] = "relayed" if sent else "failed"
        fields["Status"] = "2.0.0" if sent else status(copy)
        if copy.code and copy.smarthost and not sent:
            fields["Remote-MTA"] = f"dns; {clean(copy.smarthost.rpartition(':')[0] or copy.smarthost)}"
            fields["Diagnostic-Code"] = f"smtp; {copy.code} {clean(copy.reply, 400)}"
        fields["Last-Attempt-Date"] = format_datetime(self.clock.now())
        return fields


def status(copy: SpooledCopy) -> str:
    """The enhanced status of a failed copy: its own where one was given, else 5.0.0 (RFC 3463)."""
    head = copy.reply.partition(" ")[0]
    digits = head.split(".")
    return head if len(digits) == 3 and digits[0] == "5" and all(part.isdigit() for part in digits) else "5.0.0"


def _wants(copy: SpooledCopy, event: str, unless_said: bool) -> bool:
    """RFC 3461 §4.1: NEVER silences, a list names the events, nothing means the default."""
    return event in copy.notify.split(",") if copy.notify else unless_said


def _original_recipient(orcpt: str) -> str:
    kind, _, address = orcpt.partition(";")
    return f"{clean(kind)}; {clean(address)}"


def _returned(message: SpooledMessage) -> MIMEBase:
    """The original's header, or the whole where RET=FULL asks for it and 7-bit transport can carry it."""
    whole = message.ret == "FULL" and len(message.raw) <= MAX_RETURNED and message.raw.isascii()
    octets = message.raw if whole else message.raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    part = MIMEBase("message", "rfc822", policy=_FORM) if whole else MIMEBase("text", "rfc822-headers", policy=_FORM)
    part.set_payload(octets.decode("ascii", "replace").replace("\ufffd", "?").replace("\r\n", "\n"))
    return part
