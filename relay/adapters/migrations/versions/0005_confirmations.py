"""Double opt-in: what people were asked, and what they answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One row a confirmation mail."""
    op.create_table(
        "confirmation",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(length=12), server_default="", nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "ref"),
    )
    op.create_index("confirmation_person", "confirmation", ["person", "at"])
    op.create_index("confirmation_contact", "confirmation", ["account_id", "contact_id", "list_id"])
    op.create_index("confirmation_open", "confirmation", ["answer", "at"])
