"""What clients were told, against what the smarthost took and the spool still has (RELIABILITY.md §D, §E10)."""

from __future__ import annotations

import threading
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from rows import Rows
from sink import Taken

LIVE = frozenset({"pending", "sending", "in-doubt", "quarantined"})
"""States in which the spool still answers for a copy."""
DOMAIN = b"@ledger.test>"


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply of the relay; code 0: the connection ended without one."""

    code: int
    text: str = ""
    phase: str = "dot"
    """mail, rcpt, data or dot: what it answered."""

    @property
    def cut_off(self) -> bool:
        """The whole message was on its way, and nobody said what became of it."""
        return self.code == 0 and self.phase == "dot"


@dataclass(slots=True)
class Entry:
    """One message of one client: a client that got no answer offers the same message again."""

    ident: str
    recipients: tuple[str, ...]
    listener: str
    answers: list[Answer] = field(default_factory=list)

    @property
    def promised(self) -> bool:
        return any(answer.code == 250 for answer in self.answers)

    @property
    def refused(self) -> bool:
        """Every try was answered, and never with 250."""
        return not self.promised and not any(answer.cut_off for answer in self.answers)


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """One copy as the store has it."""

    ident: str
    recipient: str
    state: str
    in_doubt: int
    promised: bool


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One DSN as the store has it."""

    body: bytes
    state: str
    in_doubt: int


@dataclass(slots=True)
class Account:
    """The reckoning. Every list holds `ident recipient`; only `listed` may hold anything."""

    messages: int = 0
    promised: int = 0
    cut_off: int = 0
    copies: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    """Came twice without a reason."""
    listed: list[str] = field(default_factory=list)
    """Came twice, and were in doubt or offered again by a client that had no answer."""
    let_in: list[str] = field(default_factory=list)
    """Refused or deferred, and sent all the same."""
    untold: list[str] = field(default_factory=list)
    """Failed or cancelled after a 250 without exactly one DSN, arrived or still in the spool."""
    bare: list[str] = field(default_factory=list)
    """Sent without opt-out headers or without a signature."""
    changed: list[str] = field(default_factory=list)
    """Sent again with other octets."""
    damaged: list[str] = field(default_factory=list)
    """Contradictions within the spool."""

    def clean(self) -> bool:
        return not self.faults()

    def faults(self) -> str:
        """Every list that should be empty and is not, a line for each entry; empty: nothing is wrong."""
        names = ("lost", "doubled", "let_in", "untold", "bare", "changed", "damaged")
        found = [f"{name}: {entry}" for name in names for entry in getattr(self, name)]
        return "\n".join(found)


class Ledger:
    """Written by client threads, reckoned at the end."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._lock = threading.Lock()

    def note(self, ident: str, recipients: Sequence[str], listener: str, answer: Answer) -> Answer:
        with self._lock:
            entry = self.entries.setdefault(ident, Entry(ident, tuple(recipients), listener))
            entry.answers.append(answer)
        return answer

    def settle(self, taken: Sequence[Taken], store: Rows) -> Account:
        """Compare with what the relay's store has."""
        return _Settlement(self, taken, read_spool(store), read_reports(store)).account(contradictions(store))


class _Settlement:
    """One comparison of ledger, sink and spool."""

    def __init__(
        self, ledger: Ledger, taken: Sequence[Taken], spool: Sequence[SpoolRow], reports: Sequence[ReportRow]
    ) -> None:
        self._ledger = ledger
        self._bodies: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        self._reports: dict[tuple[str, str], list[str]] = defaultdict(list)
        """Message-IDs of DSNs as they arrived, by what they report."""
        self._spool: dict[tuple[str, str], list[SpoolRow]] = defaultdict(list)
        self._due: dict[tuple[str, str], set[str]] = defaultdict(set)
        """Message-IDs of DSNs that the spool still has to deliver."""
        self._doubtful = {message_id_of(one.body) for one in reports if one.in_doubt}
        for one in taken:
            self._sort(one)
        for row in spool:
            self._spool[row.ident, row.recipient].append(row)
        for report in reports:
            for recipient in reported(report.body) if report.state in LIVE else ():
                self._due[ident_of(report.body), recipient].add(message_id_of(report.body))

    def _sort(self, one: Taken) -> None:
        ident = ident_of(one.body)
        if one.reverse_path == "":
            for recipient in reported(one.body):
                self._reports[ident, recipient].append(message_id_of(one.body))
            return
        for recipient in one.forward_paths:
            self._bodies[ident, recipient].append(one.body)

    def account(self, damaged: list[str]) -> Account:
        account = Account(damaged=damaged)
        for entry in self._ledger.entries.values():
            account.messages += 1
            account.promised += entry.promised
            account.cut_off += sum(answer.cut_off for answer in entry.answers)
            for recipient in entry.recipients:
                self._copy(account, entry, recipient)
        return account

    def _copy(self, account: Account, entry: Entry, recipient: str) -> None:
        key, name = (entry.ident, recipient), f"{entry.ident} {recipient}"
        bodies, rows = self._bodies[key], self._spool[key]
        live = any(row.state in LIVE and row.promised for row in rows)
        account.copies += len(bodies)
        if entry.promised and not bodies and not live and not self._reports[key]:
            account.lost.append(name)
        if entry.refused and (bodies or live):
            account.let_in.append(name)
        if len(bodies) > 1:
            reason = any(answer.cut_off for answer in entry.answers) or any(row.in_doubt for row in rows)
            (account.listed if reason else account.doubled).append(name)
            if len(set(bodies)) > 1 and not any(answer.cut_off for answer in entry.answers):
                account.changed.append(name)
        self._told(account, key, sum(row.state in ("failed", "cancelled") and row.promised for row in rows))
        if any(b"\r\nList-Unsubscribe:" not in body or b"DKIM-Signature:" not in body for body in bodies):
            account.bare.append(name)

    def _told(self, account: Account, key: tuple[str, str], ended: int) -> None:
        """One DSN for each copy that ended; the same DSN twice only where it was in doubt itself."""
        arrived, name = self._reports[key], " ".join(key)
        if len({*arrived, *self._due[key]}) != ended:
            account.untold.append(f"{name}: {ended} ended, DSNs {arrived}, due {sorted(self._due[key])}")
        again = {one for one in arrived if arrived.count(one) > 1}
        if again:
            (account.listed if again <= self._doubtful else account.doubled).append(f"{name} DSN")


def message_id_of(body: bytes) -> str:
    """The Message-ID in the header of a message."""
    head = body.partition(b"\r\n\r\n")[0].lower()
    return head.partition(b"\r\nmessage-id:")[2].partition(b"\r\n")[0].strip().decode("latin-1")


def ident_of(body: bytes) -> str:
    """Whose copy, or whose DSN, this is: the left part of our Message-ID."""
    return body.partition(DOMAIN)[0].rpartition(b"<")[2].decode("ascii", "replace")


def reported(body: bytes) -> set[str]:
    """The recipients of whom a DSN speaks."""
    lines = body.decode("latin-1").split("\r\n")
    return {line.partition(";")[2].strip() for line in lines if line.startswith("Final-Recipient:")}


def read_spool(store: Rows) -> list[SpoolRow]:
    rows = store.query(
        "SELECT m.message_id, c.recipient, c.state, c.in_doubt, m.promised FROM spool_message m"
        " JOIN spool_copy c ON c.account_id = m.account_id AND c.ref = m.ref WHERE m.purpose = 'relay'"
    )
    return [SpoolRow(ident_of(one[0].encode()), one[1], one[2], one[3], bool(one[4])) for one in rows]


def read_reports(store: Rows) -> list[ReportRow]:
    """Every DSN whose octets the store has."""
    rows = store.query(
        "SELECT b.raw, b.compressed, c.state, c.in_doubt FROM spool_message m"
        " JOIN spool_copy c ON c.account_id = m.account_id AND c.ref = m.ref"
        " JOIN spool_bytes b ON b.account_id = m.account_id AND b.ref = m.ref WHERE m.purpose = 'dsn'"
    )
    return [ReportRow(zlib.decompress(raw) if packed else raw, *rest) for raw, packed, *rest in rows]


def contradictions(store: Rows) -> list[str]:
    """What cannot be: bytes without a message, a message without copies, copies that are never due."""
    found = store.query(
        "SELECT 'bytes without message ' || ref FROM spool_bytes"
        "  WHERE ref NOT IN (SELECT ref FROM spool_message)"
        " UNION ALL"
        " SELECT 'copies without message ' || ref FROM spool_copy"
        "  WHERE ref NOT IN (SELECT ref FROM spool_message)"
        " UNION ALL"
        " SELECT 'live without bytes ' || ref FROM spool_message WHERE final_at IS NULL"
        "  AND ref NOT IN (SELECT ref FROM spool_bytes)"
        " UNION ALL"
        " SELECT 'never due ' || m.ref FROM spool_message m JOIN spool_copy c ON c.ref = m.ref"
        "  WHERE m.lease_until IS NULL AND m.next_attempt_at IS NULL"
        "  AND c.state IN ('pending', 'sending', 'in-doubt')"
    )
    return [str(one[0]) for one in found]
