"""Sign-up, confirmation and /me over HTTP on a real store: alike for all, changed by POST alone (clause 6.1)."""

from __future__ import annotations

import email
import email.policy
import re
import shutil
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from bs4 import BeautifulSoup
from fakes import SPRING
from sqlalchemy import select
from visiting import ANNE, SETTINGS, World, check_page, trusting, visited

from policies.address import Address
from policies.facts import Confirm, SuppressionReason
from relay.adapters.store.accounts import Accounts, NewAccount
from relay.adapters.store.acquaintances import StoreAcquaintances
from relay.adapters.store.confirmations import Confirmations
from relay.adapters.store.engine import Engine, open_store
from relay.adapters.store.history import Act
from relay.adapters.store.lists import Lists
from relay.adapters.store.suppressions import People, Suppressions
from relay.adapters.tables import metadata, spool_bytes
from relay.ports import TxtAnswer
from relay.tokens import Purpose

FORM = "/s/acme/club"
TYPED = "anne.reader@example.com"


@pytest.fixture
def copied(ready_store: Path, tmp_path: Path) -> str:
    shutil.copy(ready_store, tmp_path / "relay.db")
    return f"sqlite:///{tmp_path / 'relay.db'}"


@pytest.fixture
async def engine(copied: str) -> AsyncIterator[Engine]:
    engine = open_store(copied)
    act = Act("sari", SPRING)
    for name in ("acme", "beta"):
        new = NewAccount(name, name.title(), Address.parse(f"o@{name}.test"), "NL", "retail", "1 Road", "on paper")
        await Accounts(engine).add(new, act)
        await Lists(engine).add(name, "club", Confirm.DOUBLE, "The “Club” <b>", act)
    yield engine
    await engine.close()


@pytest.fixture
def world(engine: Engine) -> World:
    world = World(questions=Confirmations(engine), acquaintances=StoreAcquaintances(engine))
    world.people = People(engine, world.clock)  # type: ignore[assignment]
    return world


class Reader:
    """Somebody with a browser and a mailbox."""

    def __init__(self, world: World, client: httpx.AsyncClient, engine: Engine) -> None:
        self.world, self.client, self.engine = world, client, engine

    async def form(self, path: str = FORM) -> dict[str, str]:
        """What the form would send with nothing typed."""
        page = check_page(await self.client.get(path))
        return {str(one["name"]): str(one.get("value", "")) for one in page.find_all("input")}

    async def sign_up(self, typed: str = TYPED, path: str = FORM, seconds: float = 3, **more: str) -> httpx.Response:
        fields = await self.form(path)
        self.world.clock.advance(timedelta(seconds=seconds))
        return await self.client.post(path, data={**fields, "email": typed, **more})

    async def letters(self) -> list[bytes]:
        async with self.engine.connect() as connection:
            rows = await connection.execute(select(spool_bytes).order_by(spool_bytes.c.ref))
            return [zlib.decompress(row.raw) if row.compressed else row.raw for row in rows]

    async def link(self) -> str:
        """The newest letter's link, as a path."""
        letter = email.message_from_bytes((await self.letters())[-1], policy=email.policy.default)
        part = letter.get_body(("plain",))
        assert part is not None
        found = re.search(r"^http://127\.0\.0\.1:8580(/(?:c|me)/\S+)", part.get_content(), re.MULTILINE)
        assert found is not None
        return found[1]

    async def snapshot(self) -> list[list[tuple[object, ...]]]:
        """Every row of every table."""
        async with self.engine.connect() as connection:
            return [[tuple(row) for row in await connection.execute(select(one))] for one in metadata.sorted_tables]


@pytest.fixture
async def reader(world: World, engine: Engine) -> AsyncIterator[Reader]:
    async with visited(world) as client:
        yield Reader(world, client, engine)


def heading(answer: httpx.Response) -> str:
    return BeautifulSoup(answer.text, "lxml").h1.get_text()  # type: ignore[union-attr]


async def test_the_form_says_who_asks_for_what_and_to_which_words_one_agrees(reader: Reader) -> None:
    page = check_page(await reader.client.get(f"{FORM}?l=id"), "id")

    text = page.get_text(" ", strip=True)
    assert "Acme" in text
    assert "Ya, saya mau menerima email dari Acme melalui daftar “The “Club” <b>”." in text
    field = page.find("input", attrs={"name": "email"})
    assert field is not None
    assert (field["type"], field["autocomplete"]) == ("email", "email")  # type: ignore[index]


@pytest.mark.parametrize("path", ["/s/acme/nothing", "/s/nobody/club", "/s/ACME/club", "/s/acme/%00", "/s/acme"])
async def test_a_form_that_is_not_there_is_the_common_404(reader: Reader, path: str) -> None:
    nowhere = await reader.client.get("/nowhere")
    for answer in (await reader.client.get(path), await reader.client.post(path, data={"email": TYPED})):
        assert (answer.status_code, answer.content) == (404, nowhere.content)


async def test_known_unknown_asked_and_left_in_peace_all_get_the_same_answer(reader: Reader) -> None:
    first = await reader.sign_up()
    again = await reader.sign_up()
    link = await reader.link()
    await reader.client.post(link, data={"choice": "decline"})
    paused = await reader.sign_up()
    reader.world.clock.advance(timedelta(days=91))
    await reader.sign_up()
    await reader.client.post(await reader.link(), data={"choice": "confirm"})
    reader.world.clock.advance(timedelta(days=2))
    known = await reader.sign_up()

    assert {(one.status_code, one.content) for one in (first, again, paused, known)} == {(200, first.content)}
    assert heading(first) == "Look into your mailbox"
    assert len(await reader.letters()) == 3
    assert "a••••••@e••••••.com" in check_page(first).get_text()


async def test_no_answer_comes_sooner_than_the_others(world: World, engine: Engine) -> None:
    world.answer_after = 0.2
    async with visited(world) as client:
        reader = Reader(world, client, engine)
        answers = [await reader.sign_up(), await reader.sign_up(), await reader.sign_up(subject="buy")]
        assert len(await reader.letters()) == 1

    assert min(one.elapsed.total_seconds() for one in answers) > 0.19


@pytest.mark.parametrize(
    ("typed", "problem"),
    [("", "not an email address"), ("anne", "not an email"), ("a@b", "not an email"), ("é@example.com", "not an")],
)
async def test_what_is_no_address_is_said_beside_the_field_and_kept_in_it(
    reader: Reader, typed: str, problem: str
) -> None:
    answer = await reader.sign_up(typed)

    page = check_page(answer)
    assert answer.status_code == 400
    alert = page.find(id="problem")
    assert alert is not None
    assert problem in alert.get_text()
    field = page.find(id="email")
    assert field["value"] == typed  # type: ignore[index]
    assert "problem" in field["aria-describedby"]  # type: ignore[index]
    assert await reader.letters() == []


@pytest.mark.parametrize(("seconds", "letters"), [(0, 0), (1, 0), (2, 1), (3, 1), (86_400, 1), (86_401, 0)])
async def test_a_form_sent_sooner_or_later_than_people_do_asks_for_one_more_press(
    reader: Reader, seconds: float, letters: int
) -> None:
    answer = await reader.sign_up(seconds=seconds)

    assert len(await reader.letters()) == letters
    if not letters:
        assert (answer.status_code, heading(answer)) == (200, "Get email from Acme")
        fields = {str(one["name"]): str(one["value"]) for one in BeautifulSoup(answer.text, "lxml").find_all("input")}
        reader.world.clock.advance(timedelta(seconds=3))
        assert heading(await reader.client.post(FORM, data=fields)) == "Look into your mailbox"
        assert len(await reader.letters()) == 1


@pytest.mark.parametrize("stamp", ["", "1772366400", "1772366400.", "x", "1772366400.deadbeef", "９.é", "9" * 400])
async def test_a_form_of_somebody_else_s_page_asks_for_one_more_press(reader: Reader, stamp: str) -> None:
    answer = await reader.sign_up(shown=stamp)

    assert heading(answer) == "Get email from Acme"
    assert await reader.letters() == []


async def test_a_stamp_of_one_form_is_none_of_another(reader: Reader) -> None:
    stamp = (await reader.form("/s/beta/club"))["shown"]

    await reader.sign_up(shown=stamp)

    assert await reader.letters() == []


async def test_who_fills_the_field_nobody_sees_gets_the_usual_answer_and_no_letter(reader: Reader) -> None:
    robot = await reader.sign_up(subject="buy")
    assert await reader.letters() == []
    person = await reader.sign_up()

    assert robot.content == person.content
    assert len(await reader.letters()) == 1


@pytest.mark.parametrize("body", [{"json": {"email": TYPED}}, {"data": {"mail": TYPED}}, {}])
async def test_what_is_no_form_of_ours_is_refused(reader: Reader, body: dict[str, object]) -> None:
    assert (await reader.client.post(FORM, **body)).status_code == 400  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limit", "clients"),
    [
        ("per_client", ["198.51.100.7"] * 3),
        ("per_client", [f"2001:db8::{n}" for n in (1, 2, 3)]),
        ("per_form", "123"),
    ],
)
async def test_too_many_forms_are_told_when_to_come_back(
    world: World, engine: Engine, limit: str, clients: list[str]
) -> None:
    settings = replace(trusting("127.0.0.0/8"), sign_up=replace(SETTINGS.sign_up, **{limit: 2}))
    async with visited(world, settings) as client:
        reader = Reader(world, client, engine)
        answers = []
        for number, address in enumerate(clients):
            client.headers["x-forwarded-for"] = address
            answers.append(await reader.sign_up(f"person{number}@example.com"))

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after"]) <= 3600
    check_page(answers[2])
    assert len(await reader.letters()) == 2


@pytest.mark.parametrize(
    ("found", "status"), [(TxtAnswer.ABSENT, 400), (TxtAnswer.UNKNOWN, 200), (TxtAnswer.FOUND, 200)]
)
async def test_a_domain_without_mail_is_said_and_one_nobody_could_look_up_is_taken(
    world: World, engine: Engine, found: TxtAnswer, status: int
) -> None:
    class Dns:
        async def takes_mail(self, domain: str) -> TxtAnswer:
            return found

    world.resolver = Dns()  # type: ignore[assignment]
    async with visited(world) as client:
        reader = Reader(world, client, engine)
        assert (await reader.sign_up()).status_code == status
        assert len(await reader.letters()) == (status == 200)


# ---------------------------------------------------------------- the link


async def test_looking_at_links_and_forms_changes_nothing(reader: Reader) -> None:
    await reader.sign_up()
    confirm_link = await reader.link()
    await reader.sign_up("anne.reader@example.com", "/me")
    links = [confirm_link, await reader.link(), FORM, "/me"]
    before = await reader.snapshot()

    for method in ("GET", "HEAD", "OPTIONS") * 8:
        for link in links:
            assert (await reader.client.request(method, link)).status_code == (204 if method == "OPTIONS" else 200)

    assert await reader.snapshot() == before


async def test_each_choice_is_a_form_of_its_own_and_yes_comes_first(reader: Reader) -> None:
    await reader.sign_up()
    page = check_page(await reader.client.get(await reader.link()))

    choices = [form.find("input", attrs={"name": "choice"})["value"] for form in page.find_all("form")]
    assert choices == ["confirm", "decline"]
    assert "Yes, I want to receive email from Acme" in page.get_text()


async def test_a_yes_counts_once_and_is_answered_alike_when_repeated(reader: Reader) -> None:
    await reader.sign_up()
    link = await reader.link()
    first = await reader.client.post(link, data={"choice": "confirm"})
    before = await reader.snapshot()
    again = [await reader.client.post(link, data={"choice": "confirm"}) for _ in range(3)]

    assert {(one.status_code, one.content) for one in (first, *again)} == {(200, first.content)}
    assert heading(first) == "Confirmed"
    assert await reader.snapshot() == before
    assert [one.event for one in reader.world.journal.named("confirm")] == ["confirm"]
    assert heading(await reader.client.get(link)) == "Confirmed"


async def test_who_did_not_ask_is_believed_and_a_yes_after_it_is_not(reader: Reader) -> None:
    await reader.sign_up()
    link = await reader.link()
    no = await reader.client.post(link, data={"choice": "decline"})
    again = await reader.client.post(link, data={"choice": "decline"})
    yes = await reader.client.post(link, data={"choice": "confirm"})

    assert (no.status_code, again.content, yes.status_code) == (200, no.content, 409)
    assert heading(no) == heading(await reader.client.get(link)) == "Nothing will be sent"
    (event,) = reader.world.journal.named("unsubscribe")
    assert event.fields["way"] == "not-asked"


async def test_a_link_that_lapsed_leads_back_to_the_form(reader: Reader) -> None:
    await reader.sign_up()
    link = await reader.link()
    reader.world.clock.advance(timedelta(days=30))

    shown, yes = await reader.client.get(link), await reader.client.post(link, data={"choice": "confirm"})

    assert (shown.status_code, yes.status_code) == (200, 410)
    back = check_page(shown).find("a", string="Sign up again")
    assert back is not None
    assert back["href"] == "../s/acme/club?l=en"  # type: ignore[index]


@pytest.mark.parametrize("data", [{}, {"choice": "maybe"}, {"List-Unsubscribe": "One-Click"}])
async def test_a_body_without_one_of_our_choices_is_refused(reader: Reader, data: dict[str, str]) -> None:
    await reader.sign_up()

    assert (await reader.client.post(await reader.link(), data=data)).status_code == 400


async def test_links_of_other_purposes_are_the_common_404_everywhere(reader: Reader) -> None:
    await reader.sign_up()
    token = (await reader.link()).split("/c/")[1].partition("?")[0]
    claim = reader.world.tokens.read_url(token, Purpose.CONFIRM)
    assert claim is not None
    tokens = {one: reader.world.tokens.url(replace(claim, purpose=one)) for one in Purpose}
    homes = {"/u/": Purpose.OPT_OUT, "/c/": Purpose.CONFIRM, "/me/": Purpose.MY_MAIL}
    missing = (await reader.client.get("/nowhere")).content
    before = await reader.snapshot()

    for home, own in homes.items():
        for purpose, one in tokens.items():
            answers = [
                await reader.client.get(f"{home}{one}"),
                await reader.client.post(f"{home}{one}", data={"choice": "confirm", "List-Unsubscribe": "One-Click"}),
            ]
            if purpose is not own:
                assert {(got.status_code, got.content) for got in answers} == {(404, missing)}, (home, purpose)

    assert len(await reader.snapshot()) == len(before)


# ---------------------------------------------------------------- /me


async def test_my_page_shows_every_sender_and_one_button_stops_them_all(reader: Reader) -> None:
    for path in (FORM, "/s/beta/club"):
        await reader.sign_up(path=path)
        await reader.client.post(await reader.link(), data={"choice": "confirm"})
        reader.world.clock.advance(timedelta(minutes=1))
    asked = await reader.sign_up(path="/me")
    link = await reader.link()
    page = check_page(await reader.client.get(link))

    assert heading(asked) == "Look into your mailbox"
    assert [one.get_text() for one in page.find_all("h2")] == ["Acme", "Beta"]
    choices = [one["value"] for one in page.find_all("input", attrs={"name": "choice"})]
    assert choices[0] == "everyone"
    assert len(choices) == 3
    assert (await reader.client.post(link, data={"choice": choices[1]})).status_code == 200
    after_one = check_page(await reader.client.get(link)).get_text()
    assert after_one.count("Stopped") == 1
    reader.world.clock.advance(timedelta(minutes=1))
    assert (await reader.client.post(link, data={"choice": "everyone"})).status_code == 200
    last = check_page(await reader.client.get(link))
    assert last.get_text().count("Stopped") == 2
    assert not last.find_all("form")
    noes = await Suppressions(reader.engine).of("", ANNE)
    assert [(one.all_accounts, one.reason, one.way) for one in noes] == [
        (True, SuppressionReason.OPT_OUT.value, "page")
    ]


async def test_an_address_nobody_knows_gets_the_same_answer_and_no_letter(reader: Reader) -> None:
    await reader.sign_up()
    known, unknown = await reader.sign_up(path="/me"), await reader.sign_up("anja.reader@example.com", "/me")

    assert known.content == unknown.content
    assert len(await reader.letters()) == 2


async def test_a_person_s_own_link_is_mailed_so_often_a_day_and_lapses_after_a_week(reader: Reader) -> None:
    await reader.sign_up()
    for _ in range(5):
        await reader.sign_up(path="/me")
    link = await reader.link()

    assert len(await reader.letters()) == 1 + SETTINGS.sign_up.per_person
    reader.world.clock.advance(timedelta(days=7, hours=1))
    assert heading(await reader.client.get(link)) == "This link has lapsed"
    assert (await reader.client.post(link, data={"choice": "everyone"})).status_code == 410


@pytest.mark.parametrize("choice", ["", "sender-0", "sender-x", "list"])
async def test_a_choice_my_page_does_not_offer_is_refused(reader: Reader, choice: str) -> None:
    await reader.sign_up()
    await reader.sign_up(path="/me")

    assert (await reader.client.post(await reader.link(), data={"choice": choice})).status_code == 400
