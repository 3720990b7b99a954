"""A message on its way out: its copies, and the rows that keep them when the smarthost does not take them at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from policies.address import Address
from relay.message.recipe import CopyRecipe, Recipe
from relay.ports import CopyState, Outgoing, SpooledCopy, SpooledMessage
from relay.transaction import Transaction


@dataclass(slots=True)
class Copy:
    """One recipient's copy: its envelope and how to make its octets."""

    address: Address
    recipe: CopyRecipe
    render: Callable[[bool], bytes]
    """CRLF lines, not dot-stuffed; the argument says whether the smarthost takes 8BITMIME."""
    own: bool = False
    """The account's own address: needs no permission, so no suppression stops it."""
    notify: frozenset[str] = frozenset()
    orcpt: str = ""

    def outgoing(self) -> Outgoing:
        return Outgoing(self.recipe.reverse_path, self.recipe.recipient, self.render)


@dataclass(slots=True)
class Letter:
    """What all copies of a message share."""

    raw: bytes
    """As received."""
    recipe: Recipe
    message_id: str = ""
    """The Message-ID the copies carry."""


def spooled_message(tx: Transaction, copies: Iterable[Copy], letter: Letter, expires_at: datetime) -> SpooledMessage:
    """The row of a message; `answer` is still empty."""
    reverse_path = str(tx.mail.reverse_path) if tx.mail.reverse_path else ""
    return SpooledMessage(
        ref=tx.ref,
        account_id=tx.account.account_id,
        raw=letter.raw,
        recipe=json.dumps(asdict(letter.recipe)),
        reverse_path=reverse_path,
        received_at=tx.started_at,
        expires_at=expires_at,
        fingerprint=fingerprint(tx, copies, letter),
        list_id=tx.mailing_list.list_id if tx.mailing_list else 0,
        envid=tx.mail.envid,
        ret=tx.mail.ret,
        message_id=letter.message_id,
        campaign=letter.recipe.campaign,
    )


def spooled_copy(ref: str, ordinal: int, copy: Copy, due_at: datetime) -> SpooledCopy:
    """The row of a copy that nobody tried yet."""
    return SpooledCopy(
        ref=ref,
        ordinal=ordinal,
        recipient=copy.recipe.recipient,
        copy=json.dumps(asdict(copy.recipe)),
        reverse_path=copy.recipe.reverse_path,
        state=CopyState.PENDING,
        next_attempt_at=due_at,
        notify=",".join(sorted(copy.notify)),
        orcpt=copy.orcpt,
    )


def fingerprint(tx: Transaction, copies: Iterable[Copy], letter: Letter) -> str:
    """What makes a message the same message (RELIABILITY.md §E5); hex of SHA-256.

    Its own Message-ID names it, since a mail program may date and part it anew for each try; else its octets do.
    """
    name = letter.message_id.encode("utf-8", "replace")
    own = bool(name) and name in letter.raw
    digest = hashlib.sha256(name if own else hashlib.sha256(letter.raw).digest())
    sender = str(tx.mail.reverse_path or "")
    for part in (str(tx.account.account_id), sender, *sorted(copy.address.key for copy in copies)):
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()


def read_recipe(text: str) -> Recipe:
    """A message's recipe from its row."""
    fields = json.loads(text)
    signers = tuple((domain, selector) for domain, selector in fields.pop("signers"))
    return Recipe(signers=signers, **fields)


def read_copy_recipe(text: str) -> CopyRecipe:
    """A copy's recipe from its row."""
    return CopyRecipe(**json.loads(text))
