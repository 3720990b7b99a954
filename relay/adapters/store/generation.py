"""Generation numbers: a process that changes what others cache bumps its topic, and they drop their copy."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

DIRECTORY = "directory"
"""Accounts, their domains, lists, footers and credentials."""

BUMP = (
    "INSERT INTO generation (topic, number) VALUES (:topic, 1)"
    " ON CONFLICT (topic) DO UPDATE SET number = generation.number + 1"
)


async def bump(connection: AsyncConnection, topic: str) -> None:
    """Move the topic's number within the caller's transaction: seen by others as soon as that commits."""
    await connection.execute(text(BUMP), {"topic": topic})
