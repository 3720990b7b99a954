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
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from relay.adapters.columns import metadata as metadata
from relay.adapters.columns import moment, number, words
from relay.adapters.import_tables import forgotten as forgotten
from relay.adapters.import_tables import import_batch as import_batch
from relay.adapters.import_tables import import_row as import_row
from relay.adapters.key_tables import token_key as token_key
from relay.adapters.notice_tables import refusal_notice as refusal_notice
from relay.adapters.opt_in_tables import confirmation as confirmation
from relay.adapters.spool_tables import spool_bytes as spool_bytes
from relay.adapters.spool_tables import spool_copy as spool_copy
from relay.adapters.spool_tables import spool_message as spool_message

# ---------------------------------------------------------------- who sends

account = Table(
    "account",
    metadata,
    number("account_id"),  # random, 31 bits, never 0: tokens carry it in four octets
    Column("name", String(32), nullable=False, unique=True),
    words("organisation"),
    words("email"),
    words("country"),
    words("industry"),
    words("standing_system", "pending"),
    words("standing_staff", "active"),
    words("standing_reason"),
    words("policy_version"),
    moment("policy_accepted_at"),
    words("policy_accepted_how"),
    Column("approved", Boolean, nullable=False, server_default="0"),
    Column("per_day", BigInteger),
    Column("sealed_mail", Boolean, nullable=False, server_default="0"),  # encrypted mail leaves, with headers only
    moment("created_at", nullable=False),
    PrimaryKeyConstraint("account_id"),
)

footer_identity = Table(
    "footer_identity",
    metadata,
    number("account_id"),
    Column("name", String(32), nullable=False),  # 'registered' is the account's own
    words("organisation"),
    words("postal_address"),
    words("country"),
    words("domain"),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    moment("confirmed_at"),
    PrimaryKeyConstraint("account_id", "name"),
)

domain = Table(
    "domain",
    metadata,
    number("account_id"),
    Column("domain", String(255), nullable=False),
    words("token"),
    moment("added_at", nullable=False),
    moment("verified_at"),
    words("verified_how"),
    PrimaryKeyConstraint("account_id", "domain"),
    Index("domain_verified", "domain", "verified_at"),
)

credential = Table(
    "credential",
    metadata,
    number("account_id"),  # 0: a platform credential
    number("credential_id"),
    Column("name", String(32), nullable=False),
    words("password_hash"),
    words("stream", "marketing"),
    words("stream_reason"),
    words("granted_by"),
    words("refuse"),  # at-once | report; empty: as the stream has it
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    moment("created_at", nullable=False),
    moment("revoked_at"),
    PrimaryKeyConstraint("account_id", "credential_id"),
    UniqueConstraint("account_id", "name"),
)

standing_change = Table(
    "standing_change",
    metadata,
    number("account_id"),
    Column("ref", String(26), nullable=False),
    moment("at", nullable=False),
    words("actor"),
    words("side"),  # system | staff
    words("before"),
    words("after"),
    words("reason"),
    words("evidence"),
    PrimaryKeyConstraint("account_id", "ref"),
)

# ---------------------------------------------------------------- who may be mailed

mailing_list = Table(
    "mailing_list",
    metadata,
    number("account_id"),
    number("list_id"),  # random, 31 bits, never 0
    Column("name", String(32), nullable=False),
    words("title"),
    words("confirm", "double"),
    moment("created_at", nullable=False),
    PrimaryKeyConstraint("account_id", "list_id"),
    UniqueConstraint("account_id", "name"),
)

contact = Table(
    "contact",
    metadata,
    number("account_id"),
    number("contact_id"),  # random, 63 bits, never reused, never 0
    Column("address_key", String(254), nullable=False),
    words("address"),  # as typed, kept for sending
    words("name"),
    moment("created_at", nullable=False),
    PrimaryKeyConstraint("account_id", "contact_id"),
    UniqueConstraint("account_id", "address_key"),
)

subscription = Table(
    "subscription",
    metadata,
    number("account_id"),
    number("contact_id"),
    number("list_id"),
    words("status", "pending"),
    words("refused_rule"),
    words("basis"),
    moment("consented_at"),
    moment("confirmed_at"),
    moment("last_contact_at"),
    words("source"),
    words("claimed_status"),
    words("consent_ip"),
    words("extra"),  # JSON: columns of an import file that have no meaning to us, kept
    Column("batch_id", BigInteger, nullable=False, server_default="0"),  # for life
    Column("batch_row", BigInteger, nullable=False, server_default="0"),
    words("recorded_by"),
    moment("created_at", nullable=False),
    PrimaryKeyConstraint("account_id", "contact_id", "list_id"),
    Index("subscription_list", "account_id", "list_id", "contact_id"),
)

suppression = Table(
    "suppression",
    metadata,
    number("account_id"),  # 0: every account
    Column("address_key", String(254), nullable=False),
    Column("list_id", BigInteger, nullable=False, server_default="0"),  # 0: everything the account sends
    Column("reason", String(16), nullable=False),  # SuppressionReason
    moment("at", nullable=False),
    words("way"),
    words("actor"),
    words("client"),
    words("token"),
    moment("lifted_at"),
    words("lifted_how"),
    PrimaryKeyConstraint("account_id", "address_key", "list_id", "reason"),
)

consent_event = Table(
    "consent_event",  # append-only history of what happened to an address's permission
    metadata,
    number("account_id"),
    number("contact_id"),
    Column("ref", String(26), nullable=False),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    moment("at", nullable=False),
    words("event"),
    words("detail"),  # JSON
    PrimaryKeyConstraint("account_id", "contact_id", "ref"),
)

# ---------------------------------------------------------------- what happened

journal = Table(
    "journal",
    metadata,
    number("account_id"),
    Column("ref", String(26), nullable=False),
    Column("ordinal", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),  # several rows bear one REF
    moment("at", nullable=False),
    words("level"),
    words("event"),
    words("rule"),
    words("recipient"),
    words("line"),  # the whole event as JSON
    words("evidence"),  # JSON
    PrimaryKeyConstraint("account_id", "ref", "ordinal"),
    Index("journal_at", "at"),
    Index("journal_ref", "ref"),
)

delivery = Table(
    "delivery",
    metadata,
    number("account_id"),
    Column("ref", String(26), nullable=False),
    number("contact_id"),
    moment("at", nullable=False),
    Column("list_id", BigInteger, nullable=False, server_default="0"),
    words("recipient_key"),
    words("smarthost"),
    words("reply"),
    words("campaign"),
    words("node"),
    PrimaryKeyConstraint("account_id", "ref", "contact_id"),
    Index("delivery_at", "at"),
    sqlite_with_rowid=False,  # 50 million rows a day: the key is the table
)

hourly = Table(
    "hourly",
    metadata,
    number("account_id"),
    moment("hour", nullable=False),  # start of the hour, microseconds
    Column("event", String(32), nullable=False),
    Column("rule", String(40), nullable=False, server_default=""),
    Column("count", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("account_id", "hour", "event", "rule"),
)

tally = Table(
    "tally",  # what a login sent, counted before the message goes (POLICY.md, Streams)
    metadata,
    number("account_id"),
    Column("subject", String(80), nullable=False),
    moment("since", nullable=False),  # start of the hour or day
    Column("count", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("account_id", "subject", "since"),
    Index("tally_since", "since"),
)

generation = Table(
    "generation",  # one row a topic; caches of other processes are dropped when it moves
    metadata,
    Column("topic", String(32), nullable=False),
    Column("number", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("topic"),
    CheckConstraint("number >= 0"),
)
