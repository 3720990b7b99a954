"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "account",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("country", sa.Text(), server_default="", nullable=False),
        sa.Column("industry", sa.Text(), server_default="", nullable=False),
        sa.Column("standing_system", sa.Text(), server_default="pending", nullable=False),
        sa.Column("standing_staff", sa.Text(), server_default="active", nullable=False),
        sa.Column("standing_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("policy_version", sa.Text(), server_default="", nullable=False),
        sa.Column("policy_accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("policy_accepted_how", sa.Text(), server_default="", nullable=False),
        sa.Column("approved", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("per_day", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "consent_event",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("list_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "contact_id", "ref"),
    )
    op.create_table(
        "contact",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "contact_id"),
        sa.UniqueConstraint("account_id", "address_key"),
    )
    op.create_table(
        "credential",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("credential_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("stream", sa.Text(), server_default="marketing", nullable=False),
        sa.Column("stream_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("list_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "credential_id"),
        sa.UniqueConstraint("account_id", "name"),
    )
    op.create_table(
        "delivery",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recipient_key", sa.Text(), server_default="", nullable=False),
        sa.Column("smarthost", sa.Text(), server_default="", nullable=False),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.Column("campaign", sa.Text(), server_default="", nullable=False),
        sa.Column("node", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "ref", "contact_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("delivery_at", "delivery", ["at"], unique=False)
    op.create_table(
        "domain",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("token", sa.Text(), server_default="", nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("verified_how", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "domain"),
    )
    op.create_index("domain_verified", "domain", ["domain", "verified_at"], unique=False)
    op.create_table(
        "footer_identity",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.Text(), server_default="", nullable=False),
        sa.Column("postal_address", sa.Text(), server_default="", nullable=False),
        sa.Column("country", sa.Text(), server_default="", nullable=False),
        sa.Column("domain", sa.Text(), server_default="", nullable=False),
        sa.Column("list_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "name"),
    )
    op.create_table(
        "generation",
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("number >= 0"),
        sa.PrimaryKeyConstraint("topic"),
    )
    op.create_table(
        "hourly",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("rule", sa.String(length=40), server_default="", nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "hour", "event", "rule"),
    )
    op.create_table(
        "import_batch",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("file_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("verdict", sa.Text(), server_default="", nullable=False),
        sa.Column("reasons", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "batch_id"),
    )
    op.create_table(
        "journal",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), server_default="", nullable=False),
        sa.Column("event", sa.Text(), server_default="", nullable=False),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.Column("line", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "ref", "ordinal"),
    )
    op.create_index("journal_at", "journal", ["at"], unique=False)
    op.create_index("journal_ref", "journal", ["ref"], unique=False)
    op.create_table(
        "mailing_list",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("confirm", sa.Text(), server_default="double", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "list_id"),
        sa.UniqueConstraint("account_id", "name"),
    )
    op.create_table(
        "spool_bytes",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("compressed", sa.SmallInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "ref"),
    )
    op.create_table(
        "spool_copy",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.Column("copy", sa.Text(), server_default="", nullable=False),
        sa.Column("reverse_path", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("in_doubt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("smarthost", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.Column("phase", sa.Text(), server_default="", nullable=False),
        sa.Column("notify", sa.Text(), server_default="", nullable=False),
        sa.Column("orcpt", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "ref", "ordinal"),
    )
    op.create_table(
        "spool_message",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("raw_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("recipe", sa.Text(), server_default="", nullable=False),
        sa.Column("reverse_path", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default="", nullable=False),
        sa.Column("list_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("envid", sa.Text(), server_default="", nullable=False),
        sa.Column("ret", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("campaign", sa.Text(), server_default="", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("purpose", sa.Text(), server_default="relay", nullable=False),
        sa.Column("promised", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("answer_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("final_at", sa.BigInteger(), nullable=True),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "ref"),
    )
    op.create_index("spool_due", "spool_message", ["next_attempt_at"], unique=False)
    op.create_index("spool_final", "spool_message", ["final_at"], unique=False)
    op.create_index("spool_fingerprint", "spool_message", ["account_id", "fingerprint"], unique=False)
    op.create_index("spool_lease", "spool_message", ["lease_until"], unique=False)
    op.create_index("spool_ref", "spool_message", ["ref"], unique=False)
    op.create_table(
        "standing_change",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("side", sa.Text(), server_default="", nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "ref"),
    )
    op.create_table(
        "subscription",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("refused_rule", sa.Text(), server_default="", nullable=False),
        sa.Column("basis", sa.Text(), server_default="", nullable=False),
        sa.Column("consented_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_contact_at", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("claimed_status", sa.Text(), server_default="", nullable=False),
        sa.Column("consent_ip", sa.Text(), server_default="", nullable=False),
        sa.Column("extra", sa.Text(), server_default="", nullable=False),
        sa.Column("batch_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recorded_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "contact_id", "list_id"),
    )
    op.create_index("subscription_list", "subscription", ["account_id", "list_id", "contact_id"], unique=False)
    op.create_table(
        "suppression",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column("list_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("client", sa.Text(), server_default="", nullable=False),
        sa.Column("token", sa.Text(), server_default="", nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.Column("lifted_how", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "address_key", "list_id", "reason"),
    )
