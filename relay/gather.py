"""Facts for the rules: looked up, scanned and read before any rule runs; rules themselves look nothing up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from policies.address import Address
from policies.facts import (
    NOT_COUNTED,
    Account,
    MailingList,
    MessageFacts,
    Recipient,
    RecipientFacts,
    Standing,
    Stream,
    StreamCounts,
    TransactionFacts,
)
from relay.message.mailboxes import one_mailbox
from relay.message.parts import Message
from relay.message.scan import scan
from relay.ports import AddressBooks, Directory, MessageReader, Permissions, Readable
from relay.transaction import MailCommand, Session, Transaction


@dataclass(frozen=True, slots=True)
class Gather:
    """The stages' questions to directory, permissions and message reader."""

    directory: Directory
    permissions: Permissions
    reader: MessageReader
    books: AddressBooks
    aligned: Callable[[str], bool]
    """Whether there is a DKIM key for a From domain."""

    async def sender(self, session: Session, command: MailCommand) -> Account | None:
        """The authenticated account, else on bulk whoever verified the reverse-path's domain."""
        if session.account_id:
            return await self.directory.account(session.account_id)
        if command.reverse_path is None:
            return None
        return await self.directory.owner_of(command.reverse_path.domain)

    async def recipient(
        self, tx: Transaction, address: Address, now: datetime, stream_today: int = 0
    ) -> tuple[Recipient, RecipientFacts]:
        """One forward-path as its rules see it."""
        account = tx.account
        own = account.owns(address.domain) or address.key == account.email.key
        facts = await self.permission(tx, tx.mailing_list, address)
        recipient = Recipient(
            address,
            own,
            account.name,
            account.standing,
            account.pending_because,
            await self._sent_today(tx, now),
            account.per_day,
            place=1 + len(tx.recipients) + len(tx.unpermitted),
            stream_today=stream_today,
            null_path=tx.mail.reverse_path is None,
        )
        return recipient, facts

    async def _sent_today(self, tx: Transaction, now: datetime) -> int:
        """Copies of the account since midnight UTC, this transaction's included; asked once, and only under a cap."""
        account = tx.account
        if account.standing is not Standing.PENDING and account.per_day is None:
            return 0
        if tx.sent_before is None:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            tx.sent_before = await self.permissions.sent_since(account.account_id, midnight)
        return tx.sent_before + len(tx.recipients)

    async def permission(self, tx: Transaction, mailing_list: MailingList | None, address: Address) -> RecipientFacts:
        """What is known of one address under one list; None: any list of the account."""
        list_id, list_name = (mailing_list.list_id, mailing_list.name) if mailing_list else (0, "")
        found = await self.permissions.recipients(tx.account, list_id, list_name, tx.stream, (address,))
        return found[0]

    def signing(self, tx: Transaction, raw: bytes) -> Account:
        """The transaction's account with the footer identity that this message's list and From ask for."""
        if not tx.account.brands:
            return tx.account
        message = scan(raw)
        lists = message.values("x-relay-list")
        named = tx.account.list_named(lists[0]) if lists else None
        mailing_list = named or tx.mailing_list
        authors = message.values("from")
        author = one_mailbox(authors[0]) if authors else None
        return tx.account.signing(mailing_list.list_id if mailing_list else 0, author.domain if author else "")

    async def message(self, tx: Transaction, raw: bytes) -> Readable:
        """Structure, facts and places to rewrite of the received octets."""
        readable = await self.reader.read(raw, tx.account.footer)
        automatic = tx.stream is not Stream.MARKETING and _is_automatic(readable.message)
        foreign = (await self.books.book()).foreign(tx.account, readable.displayed)
        if not automatic and foreign is None:
            return readable
        return replace(readable, facts=replace(readable.facts, automatic=automatic, foreign_address=foreign))

    def transaction(
        self,
        tx: Transaction,
        readable: Readable,
        now: datetime,
        without_permission: int = 0,
        counts: StreamCounts = NOT_COUNTED,
    ) -> TransactionFacts:
        """What the message's rules may know of everything but the message."""
        author = readable.facts.author
        return TransactionFacts(
            tx.account,
            "bulk" if tx.session.listener == "bulk" else "submission",
            tx.stream,
            now,
            len(tx.recipients),
            without_permission,
            null_path=tx.mail.reverse_path is None,
            aligned=author is None or self.aligned(author.domain),
            counts=counts,
        )


def narrowing(account: Account, facts: MessageFacts) -> MailingList | None:
    """The list X-Relay-List names, where the account has it."""
    return account.list_named(facts.relay_list) if facts.relay_list else None


def _is_automatic(message: Message) -> bool:
    """A report, or something that says it was sent by no person (RFC 3834 §5)."""
    if message.root.content_type == "multipart/report":
        return True
    said = [value.partition(";")[0].strip().lower() for value in message.values("auto-submitted")]
    return any(one not in ("", "no") for one in said)
