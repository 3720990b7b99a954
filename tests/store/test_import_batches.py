"""Import batches on a real store: killed and gone on with, scored and held, ramped, stopped; never half an import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select
from store_clock import MARCH_1

from policies.address import Address
from policies.facts import Confirm, Recipient, RecipientFacts, Stream, SuppressionReason
from policies.imports.batch import SIGNALS, BatchState, Limits, Ramp, Tolerance
from policies.imports.mail_domain import MailDomains
from policies.imports.row import Row, RowJudge
from policies.imports.typo import Typos
from policies.recipient.imported import Quarantined, VolumeRamp
from policies.verdict import ACCEPT, Defer, Reject
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.batches import Batches, stop_bad_batches
from relay.adapters.store.day_batches import Joining
from relay.adapters.store.engine import Engine
from relay.adapters.store.evidence import Evidence
from relay.adapters.store.history import Act
from relay.adapters.store.import_target import Terms
from relay.adapters.store.imports import Imports
from relay.adapters.store.lists import Lists
from relay.adapters.store.names import NotAllowed
from relay.adapters.store.subscribers import Request, Subscribers
from relay.adapters.store.suppressions import People
from relay.adapters.tables import contact, import_row, subscription
from relay.permission.csv_file import open_csv
from relay.permission.domains import DomainChecks
from relay.permission.imports import Inspection, run

STAFF = Act("sari", MARCH_1)
AGE = timedelta(days=730)
TERMS = Terms(min_rows=10, max_age=AGE, ramp=Ramp(10.0, 1000))
DOMAINS = MailDomains(frozenset({"minutes.test"}), Typos(["gmail.com"], []))
JUDGE = RowJudge("shop", MARCH_1, AGE, frozenset({"info"}), frozenset(), DOMAINS)
LIMITS = Limits(10, dict.fromkeys(SIGNALS, 10.0))
INSPECTION = Inspection(JUDGE, LIMITS, frozenset({"trap.test"}), DomainChecks(None))
NAMES = "anne budi citra dewi eko fajar gita hadi indah joko kartika lina maya nina oki putri rina sari tono umar"


class Killed(Exception):
    """As if the process had ended here."""


@pytest.fixture
async def acme(engine: Engine) -> int:
    new = NewAccount("acme", "Acme Ltd", Address.parse("o@acme.test"), "NL", "retail", "1 Road", "on paper")
    account = await Accounts(engine).add(new, STAFF)
    await Lists(engine).add("acme", "shop", Confirm.SINGLE, "", STAFF)
    return account.account_id


def lines(emails: Sequence[str]) -> str:
    return "email,consented_at\n" + "".join(f"{one},2026-01-01\n" for one in emails)


def people(count: int = 20, domain: str = "example.test") -> list[str]:
    return [f"{NAMES.split()[at % 20]}{'x' * (at // 20)}@{domain}" for at in range(count)]


async def imported(engine: Engine, path, die_after: int = -1, source: str = "shop", act: Act = STAFF):
    """Import a file in chunks of 3 rows; killed after so many transactions."""
    imports = Imports(engine, TERMS)
    batch = await imports.begin(await imports.target("acme", "shop"), source, open_csv(path).sha256, act)
    told: list[Row] = []
    await run(open_csv(path), INSPECTION, Small(batch, die_after), told.append, lambda rows: None)
    return batch, told


class Small:
    """A batch that takes its chunks in small transactions, and may die between two of them."""

    def __init__(self, batch, die_after: int) -> None:
        self.batch, self.left = batch, die_after

    @property
    def summary(self):
        return self.batch.summary

    async def refused(self):
        return await self.batch.refused()

    async def take(self, rows: Sequence[Row]) -> list[Row]:
        taken: list[Row] = []
        for at in range(0, len(rows), 3):
            if self.left == 0:
                raise Killed
            self.left -= 1
            taken += await self.batch.take(rows[at : at + 3])
        return taken

    async def finish(self, score) -> None:
        if self.left == 0:
            raise Killed
        await self.batch.finish(score)


async def content(engine: Engine) -> list[tuple[object, ...]]:
    """All that an import leaves, without ids made by chance."""
    async with engine.connect() as connection:
        on = subscription.join(contact, contact.c.contact_id == subscription.c.contact_id)
        columns = [contact.c.address_key, *(subscription.c[name] for name in ("status", "refused_rule", "batch_row"))]
        subscriptions = await connection.execute(select(*columns).select_from(on).order_by(contact.c.address_key))
        refused = await connection.execute(
            select(import_row.c.row, import_row.c.email, import_row.c.reason).order_by(import_row.c.row)
        )
        return [tuple(row) for row in (*subscriptions, *refused)]


async def facts(store, email: str) -> RecipientFacts:
    account = await store.directory.account_named("acme")
    list_id = account.list_named("shop").list_id
    address = Address.parse(email)
    return (await store.permissions.recipients(account, list_id, "shop", Stream.MARKETING, [address]))[0]


async def verdicts(store, email: str):
    known, recipient = await facts(store, email), Recipient(Address.parse(email))
    rules = (Quarantined(AGE), VolumeRamp(TERMS.ramp, AGE))
    return next((said for rule in rules if (said := rule.check(recipient, known)) != ACCEPT), ACCEPT)


MIXED = [
    *people(8),
    "info@example.test",
    "anne@example.test",
    "nobody",
    "x@gmial.com",
    "y@minutes.test",
    *people(20)[8:],
]


@pytest.mark.parametrize("die_after", [0, 1, 4, 8, 9])
async def test_an_import_killed_anywhere_goes_on_to_the_same_result(engine, acme, tmp_path, die_after):
    (path := tmp_path / "in.csv").write_text(lines(MIXED))
    with pytest.raises((Killed, ExceptionGroup)):
        await imported(engine, path, die_after)
    again, told = await imported(engine, path)
    resumed = await content(engine)

    assert [(row.number, row.email, row.reason) for row in told] == [
        (number, email, EXPECTED.get(number, "")) for number, email in enumerate(MIXED, 1)
    ]
    assert (again.summary.rows, again.summary.accepted) == (25, 20)
    assert again.summary.counts.signals == {
        "roles": 1,
        "duplicates": 1,
        "typos": 1,
        "disposable": 1,
        "overlap": 0,
    }
    assert len(resumed) == 20 + 3 + 5
    assert len(await Batches(engine).of("acme")) == 1


EXPECTED = {
    9: "address.role",
    10: "duplicate",
    11: "address.malformed",
    12: "address.typo",
    13: "address.disposable",
}


async def test_nobody_of_an_import_that_has_not_ended_may_be_mailed(engine, acme, store, tmp_path):
    (path := tmp_path / "in.csv").write_text(lines(people()))
    with pytest.raises((Killed, ExceptionGroup)):
        await imported(engine, path, 3)

    said = await verdicts(store, people()[0])

    assert isinstance(said, Defer)
    assert "has not ended" in said.refusal.text


async def test_two_processes_do_not_run_one_import(engine, acme, tmp_path):
    (path := tmp_path / "in.csv").write_text(lines(people(6)))
    imports = Imports(engine, TERMS)
    target = await imports.target("acme", "shop")
    one, two = [await imports.begin(target, "shop", open_csv(path).sha256, STAFF) for _ in range(2)]
    rows = [JUDGE.judge(1, {"email": "a@x.test", "consented_at": "2026-01-01"})]
    await one.take(rows)

    with pytest.raises(NotAllowed):
        await two.take(rows)


async def test_a_big_batch_is_let_in_by_the_day(engine, acme, store, clock, tmp_path):
    (path := tmp_path / "in.csv").write_text(lines(people()))
    batch, _ = await imported(engine, path)
    record = await Batches(engine).show("acme", batch.batch_id)
    assert (record.state, record.ramp_from, record.verdict) == (BatchState.OPEN, MARCH_1, "accepted")

    taken = []
    for _ in range(6):
        taken.append([(await verdicts(store, one)) == ACCEPT for one in people()].count(True))
        clock.advance(86_400)

    # A golden section spreads the released rows over the file: as many as the ramp says, or one more.
    assert taken == [2, 4, 8, 17, 20, 20]


async def test_a_batch_that_looks_bought_is_held_until_a_person_releases_it(engine, acme, store, tmp_path):
    (path := tmp_path / "in.csv").write_text(lines([*people(18), "a@trap.test", "b@trap.test"]))
    batch, told = await imported(engine, path)

    assert all(not row.reason for row in told), "nobody learns which addresses are traps"
    assert batch.summary.verdict == "held for review"
    assert batch.summary.score.why == "traps: 2 of 20 rows = 10.00 %, at or over 10 %"
    said = await verdicts(store, people()[0])
    assert isinstance(said, Reject)
    await Batches(engine).release("acme", batch.batch_id, "they showed me the forms", TERMS, STAFF)
    assert ACCEPT in [await verdicts(store, one) for one in people(18)]


async def test_a_small_batch_is_recorded_only(engine, acme, store, tmp_path):
    (path := tmp_path / "in.csv").write_text(lines(["info@a.test", "a@trap.test", "anne@example.test"]))
    batch, _ = await imported(engine, path)

    assert batch.summary.verdict == "accepted in part"
    assert await verdicts(store, "anne@example.test") == ACCEPT


async def test_complaints_bounces_and_opt_outs_count_against_the_batch_and_stop_it(
    engine, acme, store, clock, tmp_path
):
    (path := tmp_path / "in.csv").write_text(lines(people()))
    batch, _ = await imported(engine, path)
    for email in people()[:3]:
        for _ in range(2):
            said = SuppressionReason.COMPLAINT
            await People(engine, clock).suppress(acme, Address.parse(email), 0, said, "report", "", "")
    await People(engine, clock).suppress(
        acme, Address.parse(people()[4]), 0, SuppressionReason.OPT_OUT, "page", "", ""
    )

    stopped = await stop_bad_batches(engine, Tolerance(10, 0.3, 10.0, 20.0), TERMS, MARCH_1)

    record = await Batches(engine).show("acme", batch.batch_id)
    assert stopped == [batch.batch_id]
    assert (record.complaints, record.bounces, record.opt_outs) == (3, 0, 1)
    assert record.state is BatchState.QUARANTINED
    assert record.decided_why == "complaints: 3 of 2 addresses = 150.00 %, limit 0.3 %"
    assert isinstance(await verdicts(store, people()[7]), Reject)


async def test_an_expired_permission_gives_way_to_a_new_one_and_stands_in_the_record(engine, acme, tmp_path):
    early = Act("sari", MARCH_1 - timedelta(days=800))
    request = Request(Address.parse("anne@example.test"), consented_at=early.at, source="fair")
    await Subscribers(engine).add("acme", "shop", request, early)
    (path := tmp_path / "in.csv").write_text(lines(["anne@example.test"]))

    batch, _ = await imported(engine, path)

    (record,) = (await Evidence(engine).show("acme", Address.parse("anne@example.test"))).subscriptions
    assert (record.status, record.batch_id) == ("imported", batch.batch_id)
    assert record.events[-1].detail["source_before"] == "fair"


async def test_single_additions_join_the_batch_of_their_day_and_are_scored_like_a_file(engine, acme, store):
    for number, email in enumerate([*people(9), "a@trap.test"]):
        marks = ("traps",) if number == 9 else ()
        request = Request(
            Address.parse(email), "", MARCH_1 - timedelta(days=1), "fair", joining=Joining(LIMITS, TERMS, "", marks)
        )
        await Subscribers(engine).add("acme", "shop", request, STAFF)

    (record,) = await Batches(engine).of("acme")
    assert (record.day, record.rows, record.state) == ("sari 2026-03-01", 10, BatchState.HELD)
    assert isinstance(await verdicts(store, people()[0]), Reject)


async def test_addresses_that_other_accounts_imported_too_are_counted(engine, acme, tmp_path):
    new = NewAccount("other", "Other", Address.parse("o@other.test"), "NL", "retail", "1 Road", "on paper")
    await Accounts(engine).add(new, STAFF)
    await Lists(engine).add("other", "shop", Confirm.SINGLE, "", STAFF)
    imports = Imports(engine, TERMS)
    (path := tmp_path / "in.csv").write_text(lines(people(7)))
    theirs = await imports.begin(await imports.target("other", "shop"), "shop", "", STAFF)
    await run(open_csv(path), INSPECTION, theirs, lambda row: None, lambda rows: None)
    (path := tmp_path / "all.csv").write_text(lines(people(20)))

    batch, _ = await imported(engine, path)

    assert batch.summary.signals["overlap"] == 7
