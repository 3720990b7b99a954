"""How often in a row a queued message ended a process: it is worked on alone, then left to a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Nothing in the queue is suspect yet."""
    column = sa.Column("crashes", sa.SmallInteger(), server_default="0", nullable=False)
    op.add_column("spool_message", column)
