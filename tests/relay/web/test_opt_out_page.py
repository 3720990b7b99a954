"""The opt-out page and one-click from outside, over HTTP (clauses 5.4 to 5.6, RFC 8058)."""

from __future__ import annotations

import httpx
import pytest
from visiting import ACME, ANNE, NEWS, ONE_CLICK, World, check_page, choices, trusting, visited

from policies.facts import SuppressionReason
from relay.tokens import Purpose

OPT_OUT, COMPLAINT = SuppressionReason.OPT_OUT, SuppressionReason.COMPLAINT


@pytest.fixture
def world() -> World:
    return World()


async def test_looking_changes_nothing(world: World) -> None:
    async with visited(world) as client:
        for method in ("GET", "HEAD", "OPTIONS") * 20:
            answer = await client.request(method, world.link())
            assert answer.status_code == (204 if method == "OPTIONS" else 200)

    assert world.people.said == []
    assert world.journal.events == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(world: World, method: str) -> None:
    async with visited(world) as client:
        answer = await client.request(method, world.link(), data=ONE_CLICK)

    assert answer.status_code == 405
    assert world.people.said == []


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
async def test_one_click_unsubscribes_at_once_and_again_without_effect(world: World, encoding: str) -> None:
    form = {"data": ONE_CLICK} if encoding == "urlencoded" else {"files": {"List-Unsubscribe": (None, "One-Click")}}
    async with visited(world) as client:
        answers = [await client.post(world.link(), **form) for _ in range(5)]  # type: ignore[arg-type]

    assert [one.status_code for one in answers] == [200] * 5
    assert world.people.said == [(7, ANNE.key, NEWS.list_id, OPT_OUT, "one-click", "127.0.0.1", f"{0x1234:016x}")]
    assert await world.permissions.suppressed(7, NEWS.list_id, ANNE) is OPT_OUT
    assert [event.event for event in world.journal.events] == ["unsubscribe"]
    assert world.journal.events[0].fields == {
        "recipient": str(ANNE),
        "client": "127.0.0.1",
        "way": "one-click",
        "scope": "list",
        "list": "news",
    }


async def test_one_click_without_a_list_stops_the_sender(world: World) -> None:
    async with visited(world) as client:
        answer = await client.post(world.link(list_id=0), data=ONE_CLICK)

    assert answer.status_code == 200
    assert world.people.said[0][:4] == (7, ANNE.key, 0, OPT_OUT)


async def test_one_click_works_on_a_link_with_a_language(world: World) -> None:
    async with visited(world) as client:
        answer = await client.post(f"{world.link()}?l=id", data=ONE_CLICK)

    assert answer.status_code == 200
    check_page(answer, "id")


@pytest.mark.parametrize(
    ("choice", "said", "event"),
    [
        ("list", (7, NEWS.list_id, OPT_OUT), "unsubscribe"),
        ("sender", (7, 0, OPT_OUT), "unsubscribe"),
        ("everyone", (0, 0, OPT_OUT), "unsubscribe"),
        ("spam", (7, 0, COMPLAINT), "complaint"),
    ],
)
async def test_each_button_does_what_it_says(
    world: World, choice: str, said: tuple[int, int, SuppressionReason], event: str
) -> None:
    async with visited(world) as client:
        page = check_page(await client.get(world.link()))
        assert choice in choices(page)
        done = await client.post(world.link(), data={"choice": choice})

    assert done.status_code == 200
    check_page(done)
    account, _, mailing_list, reason, way, _, _ = world.people.said[0]
    assert (account, mailing_list, reason, way) == (*said, "page")
    assert [one.event for one in world.journal.events] == [event]


async def test_a_forwarded_message_changes_nothing(world: World) -> None:
    async with visited(world) as client:
        done = await client.post(world.link(), data={"choice": "forwarded"})

    assert done.status_code == 200
    assert "Nothing was changed" in check_page(done).get_text()
    assert world.people.said == []


async def test_the_page_offers_each_choice_as_a_form_of_its_own(world: World) -> None:
    async with visited(world) as client:
        page = check_page(await client.get(world.link()))

    assert choices(page) == ["list", "sender", "everyone", "spam", "forwarded"]
    forms = page.find_all("form")
    assert len(forms) == 5
    assert {form["method"] for form in forms} == {"post"}
    text = page.get_text()
    assert ACME.organisation in text
    assert "news" in text
    assert "a••••••@e••••••.com" in text


async def test_without_a_list_the_first_button_stops_the_sender(world: World) -> None:
    async with visited(world) as client:
        page = check_page(await client.get(world.link(list_id=0)))

    assert choices(page) == ["sender", "everyone", "spam", "forwarded"]


def mutated(link: str) -> list[str]:
    """Every character changed once, cut, lengthened, padded, in another case."""
    token = link.removeprefix("/u/")
    changed = [f"{token[:at]}{'A' if one != 'A' else 'B'}{token[at + 1 :]}" for at, one in enumerate(token)]
    return [f"/u/{one}" for one in [*changed, token[:-1], f"{token}A", f"{token}=", token.swapcase(), "x", "%20"]]


async def test_forged_mutated_and_foreign_tokens_all_get_the_same_octets(world: World) -> None:
    stranger = World(tokens=World().tokens.__class__(world.tokens._ring.__class__({1: b"2" * 32})))
    links = [*mutated(world.link()), stranger.link(), "/u/", "/nowhere", "/r/x", "/help/no.rule"]
    links += [world.link(purpose=purpose) for purpose in Purpose if purpose is not Purpose.OPT_OUT]
    async with visited(world) as client:
        shown = [await client.get(link) for link in links]
        posted = [await client.post(link, data=ONE_CLICK) for link in links if link.startswith("/u/")]

    assert {one.status_code for one in (*shown, *posted)} <= {404, 405}
    missing = [one for one in (*shown, *posted) if one.status_code == 404]
    assert len(missing) >= len(links)
    assert len({one.content for one in missing}) == 1
    assert len({tuple(sorted((k, v) for k, v in one.headers.items() if k != "date")) for one in missing}) == 1
    check_page(missing[0])
    assert world.people.said == []


async def test_a_link_whose_address_now_belongs_to_somebody_else_is_unknown(world: World) -> None:
    """RELIABILITY.md row 73: a restored store may give the same id to another person."""
    link = world.link()
    world.permissions.people = {(7, "somebody@else.example"): world.permissions.person(7, ANNE)}
    async with visited(world) as client:
        assert (await client.post(link, data=ONE_CLICK)).status_code == 404

    assert world.people.said == []


BAD_BODIES: list[dict[str, object]] = [
    {},
    {"data": {"List-Unsubscribe": "Two-Click"}},
    {"data": {"choice": "nothing-we-know"}},
    {"data": {"list-unsubscribe": "One-Click"}},
    {"json": ONE_CLICK},
    {"content": b"List-Unsubscribe=One-Click", "headers": {"content-type": "text/plain"}},
    {"content": b"--x\r\nbroken", "headers": {"content-type": "multipart/form-data; boundary=x"}},
    {"content": b"broken", "headers": {"content-type": "multipart/form-data"}},
    {"content": b"\xff\xfe=%zz", "headers": {"content-type": "application/x-www-form-urlencoded"}},
    {"files": {"List-Unsubscribe": ("one.txt", b"One-Click")}},
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=str)
async def test_a_body_that_is_neither_one_click_nor_our_form_is_refused(
    world: World, body: dict[str, object]
) -> None:
    async with visited(world) as client:
        answer = await client.post(world.link(), **body)  # type: ignore[arg-type]

    assert answer.status_code == 400
    check_page(answer)
    assert world.people.said == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_huge_body_is_not_read_to_its_end(world: World, chunked: bool) -> None:
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(100):
            yield b"choice=list&" * 1000

    body = endless() if chunked else b"choice=list&" * 100_000
    headers = {"content-type": "application/x-www-form-urlencoded"}
    async with visited(world) as client:
        try:
            answer = await client.post(world.link(), content=body, headers=headers)
            assert answer.status_code == 413
        except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            pass  # the server hung up while we were still sending

    assert world.people.said == []


async def test_nothing_is_said_to_be_done_while_the_store_is_away(world: World) -> None:
    world.people.full = True
    async with visited(world) as client:
        for form in (ONE_CLICK, {"choice": "list"}, {"choice": "everyone"}, {"choice": "spam"}):
            answer = await client.post(world.link(), data=form)
            assert answer.status_code == 503
            page = check_page(answer)
            assert "could not keep your wish" in page.get_text()
            assert "Done" not in page.get_text()
        world.people.full, world.people.stopped = False, True
        assert (await client.get(world.link())).status_code == 503
        assert (await client.post(world.link(), data=ONE_CLICK)).status_code == 503
        assert (await client.get("/u/forged")).status_code == 404

    assert world.people.said == []
    assert world.journal.events == []


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "", "en"),
        ("?l=id", "en", "id"),
        ("?l=en", "id", "en"),
        ("?l=xx", "id", "id"),
        ("", "id-ID,id;q=0.9,en;q=0.8", "id"),
        ("", "in", "id"),
        ("", "de,fr;q=0.9", "en"),
        ("", "en;q=0.1,id;q=0.7", "id"),
        ("", "id;q=0", "en"),
        ("", "id;q=nonsense,en;q=0.5", "en"),
    ],
)
async def test_the_language_is_the_links_then_the_browsers(
    world: World, query: str, accepted: str, language: str
) -> None:
    async with visited(world) as client:
        page = check_page(await client.get(world.link() + query, headers={"accept-language": accepted}), language)

    switch = page.find("nav").a  # type: ignore[union-attr]
    assert switch["href"] == f"?l={'en' if language == 'id' else 'id'}"
    assert {form["action"] for form in page.find_all("form")} == {f"?l={language}"}


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client_address"),
    [
        (("127.0.0.0/8",), ["198.51.100.7"], "198.51.100.7"),
        (("192.0.2.0/24",), ["198.51.100.7"], "127.0.0.1"),
        (("127.0.0.0/8",), ["203.0.113.1, 198.51.100.7"], "198.51.100.7"),
        (("127.0.0.0/8", "198.51.100.0/24"), ["203.0.113.1, 198.51.100.7"], "203.0.113.1"),
        (("127.0.0.0/8",), ["203.0.113.1", "198.51.100.7"], "198.51.100.7"),
        (("127.0.0.0/8",), ["203.0.113.1, unknown"], "127.0.0.1"),
        (("127.0.0.0/8",), ["198.51.100.7:4711"], "198.51.100.7"),
        (("127.0.0.0/8",), ["[2001:db8::7]:4711"], "2001:db8::7"),
        (("127.0.0.0/8",), ["::ffff:198.51.100.7"], "198.51.100.7"),
        (("127.0.0.0/8",), [""], "127.0.0.1"),
    ],
)
async def test_forwarded_addresses_count_from_trusted_proxies_only(
    world: World, trusted: tuple[str, ...], forwarded: list[str], client_address: str
) -> None:
    headers = [("x-forwarded-for", one) for one in forwarded]
    async with visited(world, trusting(*trusted)) as client:
        await client.post(world.link(), data=ONE_CLICK, headers=headers)

    assert world.people.said[0][5] == client_address
