"""The rewritten opt-out link in Chromium: seen, readable, clickable, nothing but footer below (clause 5.5)."""

from __future__ import annotations

import pytest
from looking import SCHEMES, WIDTHS, chromium, look, page_of, show, text_below
from rewritten import URL, rewritten

pytestmark = pytest.mark.browser
STORY = "<h1>News from the orchard</h1><p>Our apples are ripe, and this week they taste better than ever.</p>" * 3
PAGES = {
    "plain": f"<html><body>{STORY}</body></html>",
    "no body": STORY,
    "dark page": f'<html><body style="background:#111;color:#eee;margin:0">{STORY}</body></html>',
    "own dark mode": (
        "<html><head><meta name=color-scheme content='light dark'><style>:root{color-scheme:light dark}"
        "@media (prefers-color-scheme:dark){body{background:#000;color:#fff}a{color:#000!important}}</style></head>"
        f"<body>{STORY}</body></html>"
    ),
    "tables": (
        '<html><body style="margin:0"><table width="100%" bgcolor="#f4f4f4"><tr><td align="center">'
        '<table width="600">'
        f"<tr><td>{STORY}</td></tr></table></td></tr></table></body></html>"
    ),
    "right to left": f'<html dir="rtl" lang="ar"><body>{STORY}</body></html>',
    "everything small and white": (
        "<html><head><style>td,p,span{font-size:0}a{color:#fff;font-size:1px}</style></head>"
        f"<body>{STORY}</body></html>"
    ),
    "links white and hidden by force": (
        "<html><head><style>a{color:#fff!important;display:none!important}</style></head>"
        f"<body>{STORY}</body></html>"
    ),
    "dark mode by force": (
        "<html><head><meta name=color-scheme content='light dark'><style>:root{color-scheme:light dark}@media "
        "(prefers-color-scheme:dark){body,table,tr,td{background-color:#000!important;color:#fff!important}}</style>"
        f"</head><body>{STORY}</body></html>"
    ),
    "centred column": f'<html><body><div style="max-width:480px;margin:0 auto">{STORY}</div></body></html>',
    "broken": f"<html><body><table><tr><td>{STORY}<div><b>unclosed",
    "own link": f'<html><body>{STORY}<p><a href="https://kopi.example/out">Unsubscribe</a></p></body></html>',
    "own pale link": (
        f'<html><body>{STORY}<p><a style="color:#aaa" href="https://kopi.example/out">Unsubscribe</a></p></body></html>'
    ),
    "own link hidden": (
        f'<html><body>{STORY}<p style="display:none"><a href="https://kopi.example/out">Unsubscribe</a></p></body></html>'
    ),
    "own link above": f'<html><body><p><a href="https://kopi.example/out">Unsubscribe</a></p>{STORY}</body></html>',
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_person_sees_reads_and_reaches_the_link_on_every_page(browser, width, scheme):
    page = page_of(browser, width, scheme)
    for name, markup in PAGES.items():
        show(page, rewritten(markup.encode()).after)
        links = look(page, URL)

        assert links, name
        assert min((one.faults() for one in links), key=len) == [], f"{name}: {links}"
        below = " ".join(text_below(page, URL)).replace("Unsubscribe", "")
        assert below in ("", "Kopi & Teh Jalan Melati 7 55281 Yogyakarta"), name
    page.close()


def test_a_click_leads_to_the_recipients_own_page(browser):
    page = page_of(browser, 390)
    show(page, rewritten(PAGES["tables"].encode()).after)

    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.locator(f'a[href="{URL}"]').last.click()
    page.wait_for_timeout(100)

    assert asked == [URL]


def test_before_rewriting_the_hidden_link_is_as_invisible_as_the_reader_says(browser):
    page = page_of(browser, 1280)
    show(page, PAGES["own link hidden"])

    assert all(one.faults() for one in look(page, "https://kopi.example/out"))
