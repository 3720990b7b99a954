"""Which token keys the links in mail already sent were signed with; the keys themselves are never in the store."""

from __future__ import annotations

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table

from relay.adapters.columns import metadata, moment, words

token_key = Table(
    "token_key",
    metadata,
    Column("key_id", Integer, nullable=False, autoincrement=False),
    words("fingerprint"),
    moment("first_seen_at", nullable=False),
    PrimaryKeyConstraint("key_id"),
)
