"""Facts for the rules: looked up, scanned and read before any rule runs; rules themselves look nothing up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policies.address import Address
from policies.facts import (
    Account,
    FooterIdentity,
    MailingList,
    MessageFacts,
    Recipient,
    RecipientFacts,
    Standing,
    TransactionFacts,
)
from relay.ports import Directory, MessageReader, Permissions, Readable
from relay.transaction import MailCommand, Session, Transaction


@dataclass(frozen=True, slots=True)
class Gather:
    """The stages' questions to directory, permissions and message reader."""

    directory: Directory
    permissions: Permissions
    reader: MessageReader

    async def sender(self, session: Session, command: MailCommand) -> Account | None:
        """The authenticated account, else on bulk whoever verified the reverse-path's domain."""
        if session.account_id:
            return await self.directory.account(session.account_id)
        if command.reverse_path is None:
            return None
        return await self.directory.owner_of(command.reverse_path.domain)

    async def recipient(self, tx: Transaction, address: Address, now: datetime) -> tuple[Recipient, RecipientFacts]:
        """One forward-path as its rules see it; an own address has a contact id, so that its links work."""
        account = tx.account
        own = account.owns(address.domain) or address.key == account.email.key
        facts = await self.permission(tx, tx.mailing_list, address)
        sent = 0
        if account.standing is Standing.PENDING:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            sent = await self.permissions.sent_since(account.account_id, midnight) + len(tx.recipients)
        recipient = Recipient(address, own, account.name, account.standing, account.pending_because, sent)
        return recipient, facts

    async def permission(self, tx: Transaction, mailing_list: MailingList | None, address: Address) -> RecipientFacts:
        """What is known of one address under one list; None: any list of the account."""
        list_id, list_name = (mailing_list.list_id, mailing_list.name) if mailing_list else (0, "")
        found = await self.permissions.recipients(tx.account, list_id, list_name, tx.stream, (address,))
        return found[0]

    async def message(self, raw: bytes, footer: FooterIdentity) -> Readable:
        """Structure, facts and places to rewrite of the received octets."""
        return await self.reader.read(raw, footer)

    def transaction(self, tx: Transaction, now: datetime, without_permission: int) -> TransactionFacts:
        return TransactionFacts(
            tx.account,
            "bulk" if tx.session.listener == "bulk" else "submission",
            tx.stream,
            now,
            len(tx.recipients),
            without_permission,
        )


def narrowing(account: Account, facts: MessageFacts) -> MailingList | None:
    """The list X-Relay-List names, where the account has it."""
    return account.list_named(facts.relay_list) if facts.relay_list else None
