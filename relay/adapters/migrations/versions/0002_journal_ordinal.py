"""Wider ordinals in the journal: each process makes its own. SQLite's integers are wide enough as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Widen the column where the store tells integers apart."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("journal", "ordinal", type_=sa.BigInteger(), existing_nullable=False)
