"""A refusal's own page and the help of each rule, over HTTP (clause 3.5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import SPRING
from visiting import World, check_page, visited

from config.schema import RULES
from policies.clauses import CLAUSES
from policies.guidance import GUIDANCE
from relay.ports import RefusalRow
from relay.web.clause_titles import INDONESIAN

REF = "01KB0000000000000000000000"
LONG = "x" * 400


@pytest.fixture
def world() -> World:
    return World()


def row(world: World, **changes: object) -> RefusalRow:
    reply = (
        f"550 5.7.1 consent.missing: anne.reader@example.com has not given acme permission [{REF}] "
        f"http://127.0.0.1:8580/r/{world.tokens.refusal(REF)}"
    )
    told: dict[str, object] = {
        "ref": REF,
        "at": SPRING,
        "rule": "consent.missing",
        "clause": "3.1",
        "reply": reply,
        "recipients": ("anne.reader@example.com",),
        "findings": (("1.2", 20, "written to anne.reader@example.com"), ("From", 0, "owner@acme.test"), ("1", 0, "")),
    }
    return RefusalRow(**{**told, **changes})  # type: ignore[arg-type]


def page_of(world: World, ref: str = REF) -> str:
    return f"/r/{world.tokens.refusal(ref)}"


@pytest.mark.parametrize(("language", "mend"), [("en", "Remove the address"), ("id", "Hapus alamat")])
async def test_a_refusal_is_explained_to_its_sender(world: World, language: str, mend: str) -> None:
    world.refusals.rows[REF] = row(world)
    async with visited(world) as client:
        page = check_page(await client.get(f"{page_of(world)}?l={language}"), language)

    text = page.get_text(" ", strip=True)
    for told in ("consent.missing", "3.1", "a••••••@e••••••.com", "2026-03-01 12:00 UTC", mend, REF, "20"):
        assert told in text
    assert "policy@relay.localhost" in text
    assert [link["href"] for link in page.find_all("a")][1:] == [
        f"../help/consent.missing?l={language}",
        f"mailto:policy@relay.localhost?subject={REF}",
    ]


async def test_what_was_found_stands_there_masked_and_escaped(world: World) -> None:
    world.refusals.rows[REF] = row(world, findings=(("1", 3, "<script>alert(1)</script> {{ 7*7 }}" + LONG),))
    async with visited(world) as client:
        answer = await client.get(page_of(world))

    page = check_page(answer)
    assert "<script>alert(1)</script> {{ 7*7 }}" in page.get_text()


@pytest.mark.parametrize(("days", "status"), [(0, 200), (30, 200), (30.001, 404), (400, 404)])
async def test_the_page_is_shown_for_30_days(world: World, days: float, status: int) -> None:
    world.refusals.rows[REF] = row(world)
    world.clock.advance(timedelta(days=days))
    async with visited(world) as client:
        assert (await client.get(page_of(world))).status_code == status


async def test_a_forged_or_unknown_page_is_the_common_404(world: World) -> None:
    world.refusals.rows[REF] = row(world)
    good = page_of(world)
    forged = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        f"/r/{REF}",
        f"/r/{REF}.",
        good.lower(),
        "/r/.",
        "/r/a.b",
    ]
    async with visited(world) as client:
        answers = [await client.get(one) for one in (*forged, page_of(world, "01KB0000000000000000000001"))]
        nowhere = await client.get("/nowhere")

    assert {one.status_code for one in answers} == {404}
    assert {one.content for one in answers} == {nowhere.content}


async def test_a_refusal_cannot_be_shown_while_the_store_is_away(world: World) -> None:
    world.refusals.stopped = True
    async with visited(world) as client:
        answer = await client.get(page_of(world))

    assert answer.status_code == 503
    check_page(answer)


SOME = tuple(f"{letter}erson@example.com" for letter in "abcdefghijklmno")
ALIKE = tuple(f"person{number}@example.com" for number in range(60))


@pytest.mark.parametrize(
    ("recipients", "lines", "last"),
    [
        ((), 0, ""),
        (SOME, 10, "and 5 more"),
        (ALIKE, 1, "p••••••@e••••••.com – 60 recipients"),
        ((*ALIKE, *SOME), 10, "and 6 more"),
    ],
    ids=["none", "different", "alike", "both"],
)
async def test_a_refusal_names_at_most_some_recipients_and_those_alike_once(
    world: World, recipients: tuple[str, ...], lines: int, last: str
) -> None:
    world.refusals.rows[REF] = row(world, recipients=recipients, findings=())
    async with visited(world) as client:
        page = check_page(await client.get(page_of(world)))

    shown = [one.get_text() for one in page.select("ul.plain li")]
    assert sum("@" in one for one in shown) == lines
    assert (shown[-1] if shown else "") == last


async def test_a_rules_help_names_the_clause_its_refusals_name(world: World) -> None:
    async with visited(world) as client:
        english = await client.get("/help/consent.missing?l=en")
        indonesian = await client.get("/help/consent.missing?l=id")

    assert "Policy clause 3.1 – Mail goes only to people" in english.text
    assert "Klausul kebijakan 3.1 – Email hanya untuk orang" in indonesian.text


def test_every_clause_has_a_title_in_indonesian() -> None:
    assert set(INDONESIAN) == {clause.id for clause in CLAUSES}


@pytest.mark.parametrize("language", ["en", "id"])
async def test_every_rule_has_its_help(world: World, language: str) -> None:
    async with visited(world) as client:
        for rule in {*RULES, *GUIDANCE}:
            answer = await client.get(f"/help/{rule}?l={language}")
            assert answer.status_code == 200, rule
            page = check_page(answer, language)
            asks, mend = GUIDANCE[rule].in_language(language)
            assert asks in page.get_text()
            assert mend in page.get_text()
            assert page.h1 is not None
            assert rule in page.h1.get_text()
