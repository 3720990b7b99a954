from __future__ import annotations

import re

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from stores import ON_POSTGRES

from relay.adapters.store import directory, journal_reading, permissions, spool, spool_recovery, spool_rows
from relay.adapters.store.hot import KeyedQuery, Query
from relay.adapters.store.hot_postgres import joinable, together
from relay.adapters.store.hot_postgres_link import HOT, Link, Server, numbered
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


def plain(name: str) -> str:
    return name.strip("_").lower()


async def plan(store: MailStore, sql: str) -> str:
    """How the store would go about a statement, whatever its parameters."""
    if store.engine.sqlite:
        query = Query[tuple[int, int, int, str]](f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(row[-1] for row in await store.reader.fetch(query, [0] * sql.count("?")))
    connection = await Server.of(store.engine.url).connect(HOT)
    await connection.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {numbered(sql)}")
    nothing = ", ".join(["NULL"] * sql.count("?"))
    rows = await connection.fetch(f"EXPLAIN EXECUTE asked({nothing})" if nothing else "EXPLAIN EXECUTE asked")
    await connection.close()
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("sql", [pytest.param(sql, id=plain(name)) for name, sql in queries()])
async def test_a_look_up_walks_an_index_however_many_rows_there_are(store: MailStore, sql: str) -> None:
    steps = await plan(store, sql)
    assert steps
    assert not re.search(r"^SCAN|Seq Scan|Disabled", steps, re.MULTILINE), steps


@ON_POSTGRES
@pytest.mark.parametrize("sql", [pytest.param(sql, id=plain(name)) for name, sql in queries() if joinable(sql)])
async def test_look_ups_put_together_walk_an_index_too(store: MailStore, sql: str) -> None:
    link = Link(await Server.of(store.engine.url).connect(HOT))
    joined = together(sql, await link.types(sql))
    await link.close()
    steps = await plan(store, joined)
    assert not re.search(r"Seq Scan|Disabled", steps), steps


async def test_a_page_of_the_journal_is_read_in_the_order_of_time(store: MailStore) -> None:
    statement = journal_reading.page(journal_reading.Search())
    dialect = sqlite.dialect() if store.engine.sqlite else postgresql.dialect()
    sql = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    steps = await plan(store, sql)
    assert "journal_at" in steps
    assert "delivery_at" in steps
