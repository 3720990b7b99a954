"""A plain import from a file to its batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from policies.imports.batch import SIGNALS, Limits, Score
from policies.imports.mail_domain import MailDomains
from policies.imports.row import Row, RowJudge
from policies.imports.typo import Typos
from relay.permission.csv_file import open_csv
from relay.permission.domains import DomainChecks
from relay.permission.imports import CHUNK, Inspection, Summary, run

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOMAINS = MailDomains(frozenset(), Typos([], []))
JUDGE = RowJudge("web shop", NOW, timedelta(days=730), frozenset(), frozenset(), DOMAINS)
LIMITS = Limits(1000, dict.fromkeys(SIGNALS, 5.0))


class MemoryBatch:
    """Batch in memory; `noes` are addresses that said no."""

    def __init__(self, *noes: str) -> None:
        self.noes = noes
        self.chunks: list[int] = []
        self.summary = Summary()
        self.told: dict[int, tuple[str, str]] = {}
        self.finished: Summary | None = None

    async def refused(self) -> dict[int, tuple[str, str]]:
        return self.told

    async def take(self, rows: Sequence[Row]) -> list[Row]:
        self.chunks.append(len(rows))
        taken = [row.refused("consent.withdrawn", "") if row.email in self.noes else row for row in rows]
        for row in taken:
            self.summary.count(row)
        return taken

    async def finish(self, score: Score) -> None:
        self.summary.score = score
        self.finished = self.summary


async def imported(tmp_path, content: str, batch: MemoryBatch, traps=(), resolver=None) -> list[Row]:
    path = tmp_path / "in.csv"
    path.write_text(content)
    told: list[Row] = []
    inspection = Inspection(JUDGE, LIMITS, frozenset(traps), DomainChecks(resolver))
    await run(open_csv(path), inspection, batch, told.append, lambda rows: None)
    return told


async def test_rows_are_told_in_order_with_the_stores_word_on_them(tmp_path):
    batch = MemoryBatch("b@x.test")

    told = await imported(tmp_path, "email,consented_at\na@x.test,2026-01-01\nb@x.test,2026-01-01\n", batch)

    assert [(row.number, row.reason) for row in told] == [(1, ""), (2, "consent.withdrawn")]
    assert batch.finished is not None
    assert (batch.finished.rows, batch.finished.accepted, batch.finished.verdict) == (2, 1, "accepted in part")


async def test_a_second_row_of_an_accepted_address_is_a_duplicate_over_all_chunks(tmp_path):
    batch = MemoryBatch()
    rows = [f"p{number}@x.test,2026-01-01" for number in range(CHUNK)]

    told = await imported(tmp_path, "\n".join(["email,consented_at", *rows, "P0@X.test,2026-01-02"]), batch)

    assert batch.chunks == [CHUNK, 1]
    assert told[-1].reason == "duplicate"


async def test_a_second_row_of_a_refused_address_gets_its_own_verdict(tmp_path):
    told = await imported(tmp_path, "email,consented_at\na@x.test,\na@x.test,2026-01-01\n", MemoryBatch())

    assert [row.reason for row in told] == ["consent.missing", ""]


async def test_a_second_row_that_says_no_still_says_it(tmp_path):
    content = "email,consented_at,status\na@x.test,2026-01-01,\na@x.test,2026-01-01,unsubscribed\n"

    told = await imported(tmp_path, content, MemoryBatch())

    assert [row.reason for row in told] == ["", "consent.withdrawn"]


async def test_a_file_without_rows_ends_as_refused(tmp_path):
    batch = MemoryBatch()

    assert await imported(tmp_path, "email\n", batch) == []
    assert batch.finished is not None
    assert batch.finished.verdict == "refused"


async def test_a_file_of_good_rows_is_accepted(tmp_path):
    batch = MemoryBatch()

    await imported(tmp_path, "email,consented_at\na@x.test,2026-01-01\n", batch)

    assert batch.finished is not None
    assert batch.finished.verdict == "accepted"
