"""Logins of other streams than marketing, and what they have sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Who granted a stream, how a login hears of refusals, and the counts that caps rest on."""
    for name in ("granted_by", "refuse"):
        op.add_column("credential", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_table(
        "tally",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "subject", "since"),
    )
    op.create_index("tally_since", "tally", ["since"])
