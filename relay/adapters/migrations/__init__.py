"""Numbered changes of the schema, run by Alembic; a released one is never edited."""
