"""What an SMTP session asks of the relay: the life of a message, one call a step (relay/stages.py is the real one).

A session calls these one after another and is never cancelled by its client: a call that was begun is awaited to
its end even when the connection is gone, so a stage may commit without a shield (RELIABILITY.md finding 1).
A method that raises is our own fault: the session asks `internal` for the reply and goes on.
"""

from __future__ import annotations

from typing import Protocol

from policies.verdict import Reply
from relay.transaction import MailCommand, RcptCommand, Session, Transaction


class Stages(Protocol):
    """Each reply is sent as it is; only a 2xx reply opens or adds to a transaction."""

    async def authenticate(self, session: Session, login: str, password: bytes, authzid: str) -> Reply:
        """235 with session.credential and account_id set; or 535, 525, 454, with both left as they were."""

    async def mail(self, session: Session, command: MailCommand) -> tuple[Reply, Transaction | None]:
        """A transaction together with a 2xx reply; None with any other."""

    async def recipient(self, tx: Transaction, command: RcptCommand) -> Reply:
        """Judge one forward-path; the stage itself adds it to tx.recipients."""

    async def data_allowed(self, tx: Transaction) -> Reply | None:
        """None: go on with 354. Asked only when at least one recipient was taken."""

    async def data(self, tx: Transaction, raw: bytes) -> Reply:
        """The whole message, CRLF lines, dot-stuffing removed, free of bare CR, bare LF and NUL."""

    async def malformed(self, tx: Transaction, what: str) -> Reply:
        """`550 5.5.2 message.malformed: …` for a framing fault, journalled; the session closes after it."""

    async def too_large(self, tx: Transaction) -> Reply:
        """`552 5.3.4 message.too_large: …` for a message over max_size, journalled."""

    async def size_refused(self, session: Session, command: MailCommand) -> Reply:
        """`552 5.3.4 message.too_large: …` at MAIL: the declared SIZE is over max_size. No transaction yet."""

    def session_refused(self, session: Session, reply: Reply) -> None:
        """Journal that the session was refused or ended with this reply for what the client did. Never raises."""

    def internal(self, session: Session, error: BaseException) -> Reply:
        """`451 4.3.0 internal: …` with a REF, the error journalled with its traceback. Never raises."""
