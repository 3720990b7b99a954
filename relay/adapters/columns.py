"""The columns that most tables have, and the one schema they all belong to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, Text

metadata = MetaData()


def number(name: str) -> Column[int]:
    """An id, never absent."""
    return Column(name, BigInteger, nullable=False)


def moment(name: str, nullable: bool = True) -> Column[int]:
    """A time in Unix microseconds, UTC."""
    return Column(name, BigInteger, nullable=nullable)


def words(name: str, default: str | None = "") -> Column[str]:
    """A text that is never absent, empty by default."""
    return Column(name, Text, nullable=False, server_default=default)
