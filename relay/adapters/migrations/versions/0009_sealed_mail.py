"""Accounts that staff allowed mail which only its reader can open: it leaves with header fields of ours alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nobody is allowed it yet."""
    column: sa.Column[bool] = sa.Column("sealed_mail", sa.Boolean(), server_default="0", nullable=False)
    op.add_column("account", column)
