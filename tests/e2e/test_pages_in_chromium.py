"""The public pages in real Chromium: phone and desktop, dark and light, keyboard alone, no script (clause 5.6)."""

import re
import time
import urllib.request

import pytest
from browsing import faults, shows_focus
from dialog import accepted, rule, send
from playwright.sync_api import sync_playwright
from reading_mail import form, gmail_posts, link_in, opt_out_of, parsed, path_of, sign_up
from running import Running, message

pytestmark = pytest.mark.browser
NEWS, CLUB = "news@acme.test", ["XLIST=club"]
WITHDRAWN = "550 5.7.1 consent.withdrawn"
PHONE, DESKTOP, NARROW = {"width": 390, "height": 844}, {"width": 1280, "height": 800}, {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def relay(postfix, tmp_path_factory):
    """Behind it a real Postfix delivers to everybody@example.test."""
    one = Running(tmp_path_factory.mktemp("pages"), smarthost=f"smtp://127.0.0.1:{postfix.port}")
    one.here("db", "init")
    one.account()
    one.here("list", "add", "acme", "club", "--title", "The Coffee Club of a rather long name in Kulonprogo")
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def chromium(tool, relay):
    """After the relay is set up: Playwright leaves a running loop behind, in which no command can run."""
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=tool("chromium"), args=args)
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium, relay):
    """A phone whose browser runs no script."""
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False, base_url=at(relay))
    yield context.new_page()
    context.close()


def at(relay):
    return f"http://127.0.0.1:{relay.web}"


def letters(postfix, person, wanted=1, seconds=20.0):
    """What Postfix delivered to a person, oldest first."""
    deadline = time.monotonic() + seconds
    while True:
        found = [one for one in map(parsed, postfix.arrived(0)) if str(one["Delivered-To"]) == person]
        if len(found) >= wanted or time.monotonic() > deadline:
            return sorted(found, key=lambda one: one["Date"].datetime)
        time.sleep(0.05)


@pytest.fixture(scope="module")
def links(relay, postfix):
    """Every kind of page by name, with what it shows before and after its button."""
    person = "every-page@example.test"
    sign_up(relay, "/s/acme/club?l=en", person)
    (letter,) = letters(postfix, person)
    confirm = path_of(link_in(letter, "c"))
    found = {"sign-up": "/s/acme/club", "me": "/me", "confirm": confirm.partition("?")[0], "nothing": "/u/nothing"}
    sign_up(relay, "/me?l=en", person)
    found["mine"] = path_of(link_in(letters(postfix, person, 2)[-1], "me")).partition("?")[0]
    with relay.bulk_session() as client:
        sign_up(relay, "/s/acme/club?l=en", "copied@example.test")
        (other,) = letters(postfix, "copied@example.test")
        relay.http(path_of(link_in(other, "c")), form(choice="confirm"))
        accepted(send(client, NEWS, ["copied@example.test"], message(), options=CLUB)[-1])
    copy = letters(postfix, "copied@example.test", 2)[-1]
    found["opt-out"] = path_of(opt_out_of(copy)[0]).partition("?")[0]
    return found


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP, NARROW], ids=["phone", "desktop", "narrow"])
def test_every_page_can_be_read_and_reached(chromium, relay, links, size, scheme, language):
    context = chromium.new_context(viewport=size, color_scheme=scheme, base_url=at(relay))
    page = context.new_page()
    for name, path in links.items():
        page.goto(f"{path}?l={language}")
        for summary in page.locator("summary").all():
            summary.click()
        assert faults(page) == [], name
        assert page.locator("html").get_attribute("lang") == language
    page.goto(f"{links['sign-up']}?l={language}")
    page.fill("#email", "anne@")
    page.press("#email", "Enter")
    assert faults(page) == []
    assert page.locator("#email").get_attribute("aria-invalid") == "true"
    context.close()


def test_the_language_switch_keeps_the_page(phone, links):
    for path in links.values():
        phone.goto(f"{path}?l=en")
        phone.click("nav a")
        assert phone.url.endswith(f"{path}?l=id")
        assert phone.locator("html").get_attribute("lang") == "id"


def test_no_page_fetches_anything_or_has_an_address_in_its_url(chromium, relay, links):
    context = chromium.new_context(base_url=at(relay))
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    for path in links.values():
        page.goto(path)

    assert {url for url in asked if not url.endswith("/favicon.ico")} == {
        f"{at(relay)}{one}" for one in links.values()
    }
    assert not [url for url in asked if "@" in url or "%40" in url]
    assert context.cookies() == []
    context.close()


def test_the_whole_way_without_script_signed_up_confirmed_written_to_and_out(relay, postfix, phone):
    person = "journey@example.test"
    phone.goto("/s/acme/club?l=id")
    phone.fill("input[name=email]", person)
    time.sleep(2.1)
    phone.click("button")
    assert "Periksa kotak surat" in phone.inner_text("h1")
    assert person not in phone.content()
    (letter,) = letters(postfix, person)
    phone.goto(link_in(letter, "c"))
    phone.click("form:first-of-type button")
    assert phone.inner_text("h1") == "Terkonfirmasi"
    with relay.bulk_session() as client:
        accepted(send(client, NEWS, [person], message(), options=CLUB)[-1])
        copy = letters(postfix, person, 2)[-1]
        status, body, cookie = gmail_posts(relay, opt_out_of(copy)[0])
        assert (status, cookie) == (200, None)
        assert person not in body
        assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == WITHDRAWN


def test_the_same_by_keyboard_alone_on_a_desktop(relay, postfix, chromium):
    person = "keyboard@example.test"
    context = chromium.new_context(viewport=DESKTOP, base_url=at(relay))
    page = context.new_page()
    page.goto("/s/acme/club?l=en")
    tab_to(page, "#email")
    page.keyboard.type(person)
    time.sleep(2.1)
    page.keyboard.press("Enter")
    assert page.inner_text("h1") == "Look into your mailbox"
    (letter,) = letters(postfix, person)
    page.goto(link_in(letter, "c"))
    tab_to(page, "button")
    page.keyboard.press("Enter")
    assert page.inner_text("h1") == "Confirmed"
    with relay.bulk_session() as client:
        accepted(send(client, NEWS, [person], message(), options=CLUB)[-1])
        page.goto(opt_out_of(letters(postfix, person, 2)[-1])[0])
        tab_to(page, "summary")
        page.keyboard.press("Enter")
        tab_to(page, "button[value=everyone]")
        page.keyboard.press("Space")
        assert page.inner_text("h1") == "Done"
        assert rule(send(client, NEWS, [person], options=CLUB)[-1]) == WITHDRAWN
    context.close()


def tab_to(page, selector, most=15):
    """Press Tab until the element has the focus; wherever it goes, one sees where it is."""
    for _ in range(most):
        page.keyboard.press("Tab")
        assert shows_focus(page), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_nothing_in_a_page_s_words_is_markup(relay, phone):
    relay.relay("list", "add", "acme", "odd", "--title", "<script>alert(1)</script>{{ 7*7 }}")
    phone.goto("/s/acme/odd?l=en")

    assert "<script>alert(1)</script>{{ 7*7 }}" in phone.inner_text("main")
    with urllib.request.urlopen(f"{at(relay)}/s/acme/odd", timeout=20) as answer:
        assert not re.search(r"<script", answer.read().decode())
