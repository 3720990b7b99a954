"""What every 250 for queued mail rests on: messages, their bytes, their copies (RELIABILITY.md §E)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
)

from relay.adapters.columns import metadata, moment, number, words

spool_message = Table(
    "spool_message",
    metadata,
    number("account_id"),
    Column("ref", String(26), nullable=False),
    words("raw_hash"),  # SHA-256 of the received bytes, hex
    words("recipe"),
    words("reverse_path"),
    moment("received_at", nullable=False),
    moment("expires_at", nullable=False),
    words("fingerprint"),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    words("envid"),
    words("ret"),
    words("message_id"),
    words("campaign"),
    words("answer"),
    words("purpose", "relay"),
    Column("promised", SmallInteger, nullable=False, server_default="0"),  # 1: must end in a delivery or a DSN
    moment("answer_seen_at"),  # when the client was known to have read the answer
    moment("lease_until"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("crashes", SmallInteger, nullable=False, server_default="0"),  # in a row
    moment("final_at"),
    moment("next_attempt_at"),  # the earliest of its copies; NULL: nothing due
    PrimaryKeyConstraint("account_id", "ref"),
    Index("spool_due", "next_attempt_at"),
    Index("spool_lease", "lease_until"),
    Index("spool_final", "final_at"),
    Index("spool_ref", "ref"),
    Index("spool_fingerprint", "account_id", "fingerprint"),
)

spool_bytes = Table(
    "spool_bytes",  # apart from its message, whose lease changes often: an update rewrites its whole row
    metadata,
    number("account_id"),
    Column("ref", String(26), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("compressed", SmallInteger, nullable=False, server_default="0"),  # 1: zlib
    PrimaryKeyConstraint("account_id", "ref"),
)

spool_copy = Table(
    "spool_copy",
    metadata,
    number("account_id"),
    Column("ref", String(26), nullable=False),
    Column("ordinal", Integer, nullable=False),
    words("recipient"),
    words("copy"),
    words("reverse_path"),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("in_doubt", Integer, nullable=False, server_default="0"),
    moment("next_attempt_at"),
    words("smarthost"),
    Column("code", Integer, nullable=False, server_default="0"),
    words("reply"),
    words("phase"),
    words("notify"),
    words("orcpt"),
    PrimaryKeyConstraint("account_id", "ref", "ordinal"),
)
