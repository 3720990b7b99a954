"""One schema for SQLite and PostgreSQL: SQLAlchemy Core tables, each led by account_id so that it shards unchanged.

Times are Unix microseconds (BIGINT, UTC): one meaning on both databases, cheap on the hot path.
account_id 0 stands for the platform itself. Names compare as they are; addresses by `Address.key`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()


def _id(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _at(name: str, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _text(name: str, default: str | None = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


# ---------------------------------------------------------------- who sends

account = Table(
    "account",
    metadata,
    _id("account_id"),  # random, 31 bits, never 0: tokens carry it in four octets
    Column("name", String(32), nullable=False, unique=True),
    _text("organisation"),
    _text("email"),
    _text("country"),
    _text("industry"),
    _text("standing_system", "pending"),
    _text("standing_staff", "active"),
    _text("standing_reason"),
    _text("policy_version"),
    _at("policy_accepted_at"),
    _text("policy_accepted_how"),
    Column("approved", Boolean, nullable=False, server_default="0"),
    Column("per_day", BigInteger),
    _at("created_at", nullable=False),
    PrimaryKeyConstraint("account_id"),
)

footer_identity = Table(
    "footer_identity",
    metadata,
    _id("account_id"),
    Column("name", String(32), nullable=False),  # 'registered' is the account's own
    _text("organisation"),
    _text("postal_address"),
    _text("country"),
    _text("domain"),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    _at("confirmed_at"),
    PrimaryKeyConstraint("account_id", "name"),
)

domain = Table(
    "domain",
    metadata,
    _id("account_id"),
    Column("domain", String(255), nullable=False),
    _text("token"),
    _at("added_at", nullable=False),
    _at("verified_at"),
    _text("verified_how"),
    PrimaryKeyConstraint("account_id", "domain"),
    Index("domain_verified", "domain", "verified_at"),
)

credential = Table(
    "credential",
    metadata,
    _id("account_id"),  # 0: a platform credential
    _id("credential_id"),
    Column("name", String(32), nullable=False),
    _text("password_hash"),
    _text("stream", "marketing"),
    _text("stream_reason"),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    _at("created_at", nullable=False),
    _at("revoked_at"),
    PrimaryKeyConstraint("account_id", "credential_id"),
    UniqueConstraint("account_id", "name"),
)

standing_change = Table(
    "standing_change",
    metadata,
    _id("account_id"),
    Column("ref", String(26), nullable=False),
    _at("at", nullable=False),
    _text("actor"),
    _text("side"),  # system | staff
    _text("before"),
    _text("after"),
    _text("reason"),
    _text("evidence"),
    PrimaryKeyConstraint("account_id", "ref"),
)

# ---------------------------------------------------------------- who may be mailed

mailing_list = Table(
    "mailing_list",
    metadata,
    _id("account_id"),
    _id("list_id"),  # random, 31 bits, never 0
    Column("name", String(32), nullable=False),
    _text("title"),
    _text("confirm", "double"),
    _at("created_at", nullable=False),
    PrimaryKeyConstraint("account_id", "list_id"),
    UniqueConstraint("account_id", "name"),
)

contact = Table(
    "contact",
    metadata,
    _id("account_id"),
    _id("contact_id"),  # random, 63 bits, never reused, never 0
    Column("address_key", String(254), nullable=False),
    _text("address"),  # as typed, kept for sending
    _text("name"),
    _at("created_at", nullable=False),
    PrimaryKeyConstraint("account_id", "contact_id"),
    UniqueConstraint("account_id", "address_key"),
)

subscription = Table(
    "subscription",
    metadata,
    _id("account_id"),
    _id("contact_id"),
    _id("list_id"),
    _text("status", "pending"),
    _text("refused_rule"),
    _text("basis"),
    _at("consented_at"),
    _at("confirmed_at"),
    _at("last_contact_at"),
    _text("source"),
    _text("claimed_status"),
    _text("consent_ip"),
    _text("extra"),  # JSON: columns of an import file that have no meaning to us, kept
    Column("batch_id", BigInteger, nullable=False, server_default="0"),
    _text("recorded_by"),
    _at("created_at", nullable=False),
    PrimaryKeyConstraint("account_id", "contact_id", "list_id"),
    Index("subscription_list", "account_id", "list_id", "contact_id"),
)

suppression = Table(
    "suppression",
    metadata,
    _id("account_id"),  # 0: every account
    Column("address_key", String(254), nullable=False),
    Column("list_id", BigInteger, nullable=False, server_default="0"),  # 0: everything the account sends
    Column("reason", String(16), nullable=False),  # SuppressionReason
    _at("at", nullable=False),
    _text("way"),
    _text("actor"),
    _text("client"),
    _text("token"),
    _at("lifted_at"),
    _text("lifted_how"),
    PrimaryKeyConstraint("account_id", "address_key", "list_id", "reason"),
)

import_batch = Table(
    "import_batch",
    metadata,
    _id("account_id"),
    _id("batch_id"),
    _id("list_id"),
    _text("source"),
    _text("file_hash"),
    Column("rows", BigInteger, nullable=False, server_default="0"),
    Column("accepted", BigInteger, nullable=False, server_default="0"),
    _text("verdict"),
    _text("reasons"),  # JSON: reason -> count
    _text("actor"),
    _at("started_at", nullable=False),
    _at("finished_at"),
    PrimaryKeyConstraint("account_id", "batch_id"),
)

consent_event = Table(
    "consent_event",  # append-only history of what happened to an address's permission
    metadata,
    _id("account_id"),
    _id("contact_id"),
    Column("ref", String(26), nullable=False),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    _at("at", nullable=False),
    _text("event"),
    _text("detail"),  # JSON
    PrimaryKeyConstraint("account_id", "contact_id", "ref"),
)

# ---------------------------------------------------------------- what happened

journal = Table(
    "journal",
    metadata,
    _id("account_id"),
    Column("ref", String(26), nullable=False),
    Column("ordinal", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),  # several rows bear one REF
    _at("at", nullable=False),
    _text("level"),
    _text("event"),
    _text("rule"),
    _text("recipient"),
    _text("line"),  # the whole event as JSON
    _text("evidence"),  # JSON
    PrimaryKeyConstraint("account_id", "ref", "ordinal"),
    Index("journal_at", "at"),
    Index("journal_ref", "ref"),
)

delivery = Table(
    "delivery",
    metadata,
    _id("account_id"),
    Column("ref", String(26), nullable=False),
    _id("contact_id"),
    _at("at", nullable=False),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    _text("recipient_key"),
    _text("smarthost"),
    _text("reply"),
    _text("campaign"),
    _text("node"),
    PrimaryKeyConstraint("account_id", "ref", "contact_id"),
    Index("delivery_at", "at"),
    sqlite_with_rowid=False,  # 50 million rows a day: the key is the table
)

hourly = Table(
    "hourly",
    metadata,
    _id("account_id"),
    _at("hour", nullable=False),  # start of the hour, microseconds
    Column("event", String(32), nullable=False),
    Column("rule", String(40), nullable=False, server_default=""),
    Column("count", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("account_id", "hour", "event", "rule"),
)

# ---------------------------------------------------------------- what 250 rests on

spool_message = Table(
    "spool_message",
    metadata,
    _id("account_id"),
    Column("ref", String(26), nullable=False),
    _text("raw_hash"),  # SHA-256 of the received bytes, hex
    _text("recipe"),
    _text("reverse_path"),
    _at("received_at", nullable=False),
    _at("expires_at", nullable=False),
    _text("fingerprint"),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    _text("envid"),
    _text("ret"),
    _text("message_id"),
    _text("campaign"),
    _text("answer"),
    _text("purpose", "relay"),
    Column("promised", SmallInteger, nullable=False, server_default="0"),  # 1: must end in a delivery or a DSN
    _at("answer_seen_at"),  # when the client was known to have read the answer
    _at("lease_until"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    _at("final_at"),
    _at("next_attempt_at"),  # the earliest of its copies; NULL: nothing due
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
    _id("account_id"),
    Column("ref", String(26), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("compressed", SmallInteger, nullable=False, server_default="0"),  # 1: zlib
    PrimaryKeyConstraint("account_id", "ref"),
)

spool_copy = Table(
    "spool_copy",
    metadata,
    _id("account_id"),
    Column("ref", String(26), nullable=False),
    Column("ordinal", Integer, nullable=False),
    _text("recipient"),
    _text("copy"),
    _text("reverse_path"),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("in_doubt", Integer, nullable=False, server_default="0"),
    _at("next_attempt_at"),
    _text("smarthost"),
    Column("code", Integer, nullable=False, server_default="0"),
    _text("reply"),
    _text("phase"),
    _text("notify"),
    _text("orcpt"),
    PrimaryKeyConstraint("account_id", "ref", "ordinal"),
)

generation = Table(
    "generation",  # one row a topic; caches of other processes are dropped when it moves
    metadata,
    Column("topic", String(32), nullable=False),
    Column("number", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("topic"),
    CheckConstraint("number >= 0"),
)
