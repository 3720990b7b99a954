"""A small real Stages in memory: one login, every address taken except where a local part asks for something else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from policies.address import Address
from policies.facts import Account, FooterIdentity, Recipient, RecipientFacts, Standing, Stream
from policies.verdict import Reply
from relay.transaction import Credential, Envelope, MailCommand, RcptCommand, Session, Transaction

REF = "01KB0000000000000000000000"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ACCOUNT = Account(
    account_id=7,
    name="acme",
    organisation="Acme",
    email=Address.parse("boss@acme.test"),
    standing=Standing.ACTIVE,
    domains=frozenset({"acme.test"}),
    lists=(),
    footer=FooterIdentity("Acme", "1 Road"),
)
LOGIN, PASSWORD = "acme/news", b"correct horse"


class RecordingStages:
    """Accepts and remembers. Local parts: nobody@ is refused, fails@ raises, later@ defers, gone@ is silent."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.mails: list[MailCommand] = []
        self.recipients: list[RcptCommand] = []
        self.malformed_by: list[str] = []
        self.refused: list[Reply] = []
        self.errors: list[BaseException] = []
        self.sessions: list[Session] = []
        self.hold: asyncio.Event | None = None
        self.started = asyncio.Event()
        self.finished = 0

    async def authenticate(self, session: Session, login: str, password: bytes, authzid: str) -> Reply:
        if login == "broken":
            raise RuntimeError("canary-secret-text")
        if (login, password) != (LOGIN, PASSWORD):
            return Reply(535, "5.7.8", "authentication credentials invalid")
        session.credential = Credential(1, 7, "acme", "news", "")
        session.account_id = 7
        return Reply(235, "2.7.0", f"authenticated {authzid}".strip())

    async def mail(self, session: Session, command: MailCommand) -> tuple[Reply, Transaction | None]:
        if command.reverse_path is not None and command.reverse_path.local == "foreign":
            return Reply(550, "5.7.1", f"identity.reverse_path: not yours [{REF}]"), None
        self.mails.append(command)
        self.sessions.append(session)
        tx = Transaction(REF, session, ACCOUNT, Stream.MARKETING, command, None, NOW)
        return Reply(250, "2.1.0", "reverse-path ok"), tx

    async def recipient(self, tx: Transaction, command: RcptCommand) -> Reply:
        match command.forward_path.local:
            case "nobody":
                return Reply(550, "5.7.1", f"consent.missing: no permission [{REF}]")
            case "fails":
                raise RuntimeError("canary-secret-text")
        self.recipients.append(command)
        facts = RecipientFacts(1, (), (), 0, "", Stream.MARKETING, NOW)
        tx.recipients.append(Envelope(command, Recipient(command.forward_path), facts))
        return Reply(250, "2.1.5", "forward-path ok")

    async def data_allowed(self, tx: Transaction) -> Reply | None:
        if tx.recipients[0].command.forward_path.local == "later":
            return Reply(451, "4.3.0", "internal: the store is away")
        return None

    async def data(self, tx: Transaction, raw: bytes) -> Reply:
        self.started.set()
        if self.hold is not None:
            await self.hold.wait()
        self.finished += 1
        match tx.recipients[0].command.forward_path.local:
            case "crash":
                raise RuntimeError("canary-secret-text")
            case "gone":
                return Reply(250, "2.0.0", "never said", silent=True)
        self.messages.append(raw)
        return Reply(250, "2.0.0", f"{REF} accepted")

    async def malformed(self, tx: Transaction, what: str) -> Reply:
        self.malformed_by.append(what)
        return Reply(550, "5.5.2", f"message.malformed: {what} [{REF}]", close=True)

    async def too_large(self, tx: Transaction) -> Reply:
        return Reply(552, "5.3.4", f"message.too_large: too many octets [{REF}]")

    async def size_refused(self, session: Session, command: MailCommand) -> Reply:
        return Reply(552, "5.3.4", f"message.too_large: SIZE={command.size} [{REF}]")

    def session_refused(self, session: Session, reply: Reply) -> None:
        self.refused.append(reply)

    def internal(self, session: Session, error: BaseException) -> Reply:
        self.errors.append(error)
        return Reply(451, "4.3.0", f"internal: our fault, try again [{REF}]")
