"""What accounts' owners were told of refusals, and when they are told next (INTERFACE.md §4)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, String, Table

from relay.adapters.columns import metadata, moment, number

refusal_notice = Table(
    "refusal_notice",
    metadata,
    number("account_id"),
    Column("turn", BigInteger, nullable=False, server_default="0"),  # two keepers never tell the same twice
    moment("told_until", nullable=False),  # refusals up to here are settled
    moment("told_at", nullable=False),
    moment("due_at"),  # of the next digest; NULL: quiet, the next refusal is told at once
    Column("first_ref", String(26), nullable=False, server_default=""),  # told at once, so in no digest
    Column("notice_ref", String(26), nullable=False, server_default=""),  # the last mail, in the spool
    PrimaryKeyConstraint("account_id"),
    Index("refusal_notice_due", "due_at"),
)
