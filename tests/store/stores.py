"""For tests of what only one of the stores has: a file that can be moved, a server that can be frozen."""

import pytest

from relay.adapters.store.mail_store import MailStore

ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


async def put(store: MailStore, name: str) -> int:
    """Write one row through the writer."""
    sql = "INSERT INTO generation (topic, number) VALUES (?, 1)"
    return await store.writer.run(lambda statements: statements.execute(sql, (name,)))
