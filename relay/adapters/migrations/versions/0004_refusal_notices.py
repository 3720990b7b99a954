"""What accounts' owners were told of refusals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """One row an account that was ever told."""
    op.create_table(
        "refusal_notice",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("told_until", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("first_ref", sa.String(length=26), server_default="", nullable=False),
        sa.Column("notice_ref", sa.String(length=26), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_index("refusal_notice_due", "refusal_notice", ["due_at"])
