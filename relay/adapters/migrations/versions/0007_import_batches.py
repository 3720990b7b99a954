"""Import batches with a state, a ramp and what came of them; refused rows kept with their verdict."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Batches imported before are open and past their ramp."""
    op.add_column("subscription", sa.Column("batch_row", sa.BigInteger(), server_default="0", nullable=False))
    for name in ("day", "signals", "decided_by", "decided_why"):
        op.add_column("import_batch", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("import_batch", sa.Column("state", sa.Text(), server_default="open", nullable=False))
    for name in ("complaints", "bounces", "opt_outs"):
        op.add_column("import_batch", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    for name in ("ramp_from", "ramp_until", "decided_at"):
        op.add_column("import_batch", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_table(
        "import_row",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("suggestion", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "batch_id", "row"),
    )
    op.create_table(
        "forgotten",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("list_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("account_id", "person", "list_id", "reason"),
    )
