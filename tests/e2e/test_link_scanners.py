"""Mail filters fetch every link: not a row changes by that, however often (RELIABILITY.md rows 47 and 51)."""

import asyncio
import http.client
import os
import time
from itertools import cycle

import pytest
from dialog import accepted, send
from reading_mail import link_in, mailbox, opt_out_of, path_of, sign_up
from running import message
from sqlalchemy import select

from relay.adapters.store.engine import open_store
from relay.adapters.tables import metadata

NEWS = "news@acme.test"
FETCHES = int(os.environ.get("RELAY_TEST_FETCHES", "300"))
"""`make scanners` fetches 10,000 times."""
STATUS = {"GET": 200, "HEAD": 200, "OPTIONS": 204}


@pytest.fixture
def links(shared_relay):
    """One of every kind of link with a token, and the forms."""
    person = "scanned@example.test"
    sign_up(shared_relay, "/s/acme/club", person)
    confirm = link_in(mailbox(shared_relay, person)[-1], "c")
    sign_up(shared_relay, "/me", person)
    mine = link_in(mailbox(shared_relay, person, 2)[-1], "me")
    with shared_relay.bulk_session() as client:
        ref = accepted(send(client, NEWS, ["person21@example.test"], message())[-1])
        refused = send(client, NEWS, ["stranger@example.test"])[-1].rpartition(" ")[2]
    (copy,) = shared_relay.copies(ref, 1)
    shared_relay.events("--event", "recipient.refused", "--recipient", "stranger@example.test")
    shared_relay.lines(1, event="delivery.done", ref=ref)
    return [*map(path_of, (opt_out_of(copy)[0], confirm, mine, refused)), "/s/acme/club", "/me"]


def snapshot(relay):
    """Every row of every table."""
    file = f"sqlite:///{relay.folder}/var/relay.db"
    return asyncio.run(_rows(file if relay.store_url.startswith("sqlite") else relay.store_url))


async def _rows(url):
    engine = open_store(url)
    try:
        async with engine.connect() as connection:
            return {
                table.name: sorted([repr(row) for row in await connection.execute(select(table))])
                for table in metadata.sorted_tables
            }
    finally:
        await engine.close()


def settled(relay, seconds=15.0):
    """The rows once nothing moves any more: queue and journal are a moment behind."""
    deadline = time.monotonic() + seconds
    before = snapshot(relay)
    while time.monotonic() < deadline:
        time.sleep(1.2)
        after = snapshot(relay)
        if after == before:
            return after
        before = after
    raise AssertionError("the store does not come to rest")


def test_fetching_every_link_again_and_again_changes_no_row(shared_relay, links):
    before = settled(shared_relay)
    connection = http.client.HTTPConnection("127.0.0.1", shared_relay.web, timeout=20)

    for number, path, method in zip(range(FETCHES), cycle(links), cycle([*STATUS, "GET", "HEAD"]), strict=False):
        connection.request(method, path, headers={"User-Agent": "Scanner/1.0"} if number % 2 else {})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == STATUS[method], (method, path)

    connection.close()
    assert settled(shared_relay) == before
