"""What a start of `serve` finds and mends: leases of the dead, a writer that broke."""

import asyncio
from datetime import timedelta

import pytest
from fakes import SPRING, FakeClock

from config.load import load
from relay.adapters.store.mail_store import open_mail_store
from relay.adapters.store.writer import Writer
from relay.child import Life
from relay.identifiers import new_ref
from relay.ports import SpooledCopy, SpooledMessage, StoreUnavailable
from relay.premises import Premises

HOUR = timedelta(hours=1)


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "relay.toml").write_text("")
    return load(tmp_path / "relay.toml", {}).settings


async def test_mail_that_a_dead_process_held_is_free_at_the_next_start(settings):
    premises, ref = Premises(settings, SPRING), new_ref()
    await premises.ready()
    store = open_mail_store(settings.store.url, FakeClock(), HOUR)
    message = SpooledMessage(ref, 7, b"x", "", "", SPRING, SPRING + 24 * HOUR, "f", answer="250 2.0.0 queued")
    await store.spool.commit(message, [SpooledCopy(ref, 0, "a@b.test", "", "", next_attempt_at=SPRING)], None)

    held = await store.spool.claim(SPRING, SPRING + HOUR, 10)
    while_held = await store.spool.claim(SPRING, SPRING + HOUR, 10)
    await premises.end_leases()
    await store.spool.recover(SPRING)
    after = await store.spool.claim_suspect(SPRING, SPRING + HOUR)
    await store.close()

    assert [len(held), len(while_held)] == [1, 0]
    assert after is not None
    assert after.message.ref == ref


class BrokenDisk:
    """A connection whose transactions fail in a way nobody can mend."""

    def begin(self):
        return self

    def fetch(self, query, parameters=()):
        return []

    def execute(self, sql, parameters=()):
        return 0

    def commit(self):
        raise RuntimeError("fsync: input/output error")

    def rollback(self):
        pass

    def open(self):
        return True

    def close(self):
        pass


async def test_a_process_whose_writer_broke_for_good_ends():
    writer, life = Writer(BrokenDisk), Life(lambda: None)
    life.broken = lambda: writer.broken
    assert not writer.broken

    with pytest.raises(StoreUnavailable):
        await writer.run(lambda statements: None)
    life._beat()

    assert life.ending.is_set()
    await asyncio.to_thread(writer.close)
