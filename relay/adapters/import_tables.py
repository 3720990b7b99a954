"""Import batches, rows of a file that were refused (clauses 3.2, 6.2), and what forgotten people said (3.1)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, String, Table

from relay.adapters.columns import metadata, moment, number, words


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


import_batch = Table(
    "import_batch",
    metadata,
    number("account_id"),
    number("batch_id"),
    number("list_id"),
    words("source"),
    words("file_hash"),
    words("day"),  # of a batch of single additions: whose, on which list, on which day; empty: a file
    _count("rows"),  # while it runs: how far it came
    _count("accepted"),
    words("verdict"),
    words("reasons"),  # JSON: reason -> count
    words("signals"),  # JSON: what staff see besides
    words("state", "open"),  # running | open | held | quarantined (BatchState)
    moment("ramp_from"),
    moment("ramp_until"),
    _count("complaints"),
    _count("bounces"),
    _count("opt_outs"),
    words("decided_by"),
    words("decided_why"),
    moment("decided_at"),
    words("actor"),
    moment("started_at", nullable=False),
    moment("finished_at"),
    PrimaryKeyConstraint("account_id", "batch_id"),
)

forgotten = Table(
    "forgotten",  # what people said whose address was erased since
    metadata,
    number("account_id"),  # 0: every account
    Column("person", String(32), nullable=False),  # keyed hash of the address
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    Column("reason", String(16), nullable=False),
    moment("at", nullable=False),
    words("way"),
    PrimaryKeyConstraint("account_id", "person", "list_id", "reason"),
)

import_row = Table(
    "import_row",  # refused rows alone: accepted ones are subscriptions
    metadata,
    number("account_id"),
    number("batch_id"),
    number("row"),  # from 1, the header not counted
    words("email"),  # as it stood in the file
    Column("reason", String(40), nullable=False),
    words("suggestion"),
    PrimaryKeyConstraint("account_id", "batch_id", "row"),
)
