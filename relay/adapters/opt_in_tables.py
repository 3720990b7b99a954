"""Questions put to people: shall this list write to you? (clauses 2.3 and 6.1)."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, String, Table

from relay.adapters.columns import metadata, moment, number

confirmation = Table(
    "confirmation",
    metadata,
    number("account_id"),
    Column("ref", String(26), nullable=False),  # of the confirmation mail in the spool, and of its link
    number("contact_id"),
    number("list_id"),
    Column("person", String(32), nullable=False),  # keyed hash of the address: limits hold over all accounts
    moment("at", nullable=False),
    Column("answer", String(12), nullable=False, server_default=""),  # confirmed | declined | lapsed; empty: none yet
    moment("answered_at"),
    PrimaryKeyConstraint("account_id", "ref"),
    Index("confirmation_person", "person", "at"),
    Index("confirmation_contact", "account_id", "contact_id", "list_id"),
    Index("confirmation_open", "answer", "at"),
)
