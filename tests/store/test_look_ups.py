from __future__ import annotations

import pytest
from sqlalchemy.dialects import sqlite

from relay.adapters.store import directory, journal_reading, permissions, spool, spool_recovery, spool_rows
from relay.adapters.store.hot import KeyedQuery, Query
from relay.adapters.store.mail_store import MailStore

MODULES = (directory, permissions, spool, spool_recovery, spool_rows)
WHOLE = {"_NUMBER", "_BYTES"}


def queries() -> list[tuple[str, str]]:
    """Every prepared look-up of the hot path, by name."""
    found = []
    for module in MODULES:
        for name, value in vars(module).items():
            if isinstance(value, KeyedQuery):
                found.append((name, value.of(256).sql))
            elif isinstance(value, Query) and name not in WHOLE:
                found.append((name, value.sql))
    return found


@pytest.mark.parametrize(("name", "sql"), queries())
async def test_a_look_up_walks_an_index_however_many_rows_there_are(store: MailStore, name: str, sql: str) -> None:
    plan = await store.reader.fetch(Query[tuple[int, int, int, str]](f"EXPLAIN QUERY PLAN {sql}"), _fill(sql))
    steps = [step for *_, step in plan]
    assert steps
    assert not [step for step in steps if step.startswith("SCAN")]


def _fill(sql: str) -> list[int]:
    return [0] * sql.count("?")


async def test_a_page_of_the_journal_is_read_in_the_order_of_time(store: MailStore) -> None:
    statement = journal_reading.page(journal_reading.Search())
    sql = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    plan = await store.reader.fetch(Query[tuple[int, int, int, str]](f"EXPLAIN QUERY PLAN {sql}"))
    steps = [step for *_, step in plan]
    assert any("journal_at" in step for step in steps)
    assert any("delivery_at" in step for step in steps)
