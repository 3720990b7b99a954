"""What a person sees of an opt-out link in real Chromium: style, size, contrast, a click, what stands below."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
MISSING = "chromium is not installed: apt-get install chromium"
WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")
MIN_CONTRAST = 4.5
"""WCAG 2.2 §1.4.3 for text of any size."""

_LOOK = r"""
(url) => {
  const links = [...document.querySelectorAll('a')].filter(a => a.getAttribute('href') === url);
  const rgba = text => {
    const n = (text.match(/[\d.]+/g) || []).map(Number);
    return n.length < 3 ? [0, 0, 0, 0] : [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
  };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat([1]);
  const luminance = c => {
    const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    const layers = [];
    let picture = false;
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e), colour = rgba(style.backgroundColor);
      if (style.backgroundImage !== 'none') { picture = true; break; }
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    const dark = matchMedia('(prefers-color-scheme: dark)').matches
      && getComputedStyle(document.documentElement).colorScheme.includes('dark');
    const canvas = dark ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return [layers.reverse().reduce((below, one) => over(one, below), canvas), picture];
  };
  const seen = link => {
    const walker = document.createTreeWalker(link, NodeFilter.SHOW_TEXT);
    let text = null;
    while (walker.nextNode()) if (walker.currentNode.data.trim()) { text = walker.currentNode; break; }
    const holder = text ? text.parentElement : link;
    const style = getComputedStyle(holder);
    const range = document.createRange();
    range.selectNodeContents(text || link);
    let box = range.getClientRects()[0] || link.getBoundingClientRect();
    if (!text) { const img = link.querySelector('img'); if (img) box = img.getBoundingClientRect(); }
    window.scrollTo(0, Math.max(0, box.top + scrollY - innerHeight / 2));
    box = text ? range.getClientRects()[0] : (link.querySelector('img') || link).getBoundingClientRect();
    let opacity = 1;
    for (let e = holder; e; e = e.parentElement) opacity *= Number(getComputedStyle(e).opacity);
    const [behind, picture] = ground(holder);
    const front = over(rgba(style.color), behind);
    const [a, b] = [luminance(front), luminance(behind)].sort((x, y) => y - x);
    const hit = box && document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return {
      text: link.innerText.trim() || (link.querySelector('img') || {alt: ''}).alt,
      displayed: !!box && box.width > 0 && box.height > 0 && style.visibility === 'visible' && opacity > 0.3,
      font: parseFloat(style.fontSize), width: box ? box.width : 0, height: box ? box.height : 0,
      left: box ? box.left : -1, right: box ? box.right : -1, page: innerWidth,
      contrast: (a + 0.05) / (b + 0.05), picture: picture,
      clickable: !!hit && (hit === link || link.contains(hit) || hit.closest('a') === link),
      top: box ? box.top + scrollY : -1,
    };
  };
  return links.map(seen);
}
"""
_BELOW = r"""
(url) => {
  const all = [...document.querySelectorAll('a')];
  const link = all.filter(a => a.getAttribute('href') === url).pop();
  if (!link) return [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!(link.compareDocumentPosition(node) & 4) || link.contains(node) || !node.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect(), style = getComputedStyle(node.parentElement);
    if (box.width > 1 && box.height > 1 && style.visibility === 'visible') found.push(node.data.trim());
  }
  return found;
}
"""


@dataclass(frozen=True)
class Sight:
    """One opt-out link as Chromium shows it; lengths in CSS pixels."""

    text: str
    displayed: bool
    font: float
    width: float
    height: float
    left: float
    right: float
    page: float
    contrast: float
    picture: bool
    """Its background is a picture: contrast cannot be computed from styles."""
    clickable: bool
    top: float

    def faults(self) -> list[str]:
        """What keeps a person from seeing, reading or clicking it."""
        found = []
        if not self.displayed:
            found.append("not displayed")
        if self.font < 6 or self.height < 6 or self.width < 6:
            found.append(f"too small: {self.font:g}px text, {self.width:.0f}x{self.height:.0f}")
        if self.left < 0 or self.right > self.page + 1:
            found.append(f"off the page: {self.left:.0f} to {self.right:.0f} of {self.page:.0f}")
        if self.contrast < MIN_CONTRAST and not self.picture:
            found.append(f"contrast {self.contrast:.1f}:1")
        if not self.clickable:
            found.append("a click does not reach it")
        return found


def look(page: Page, url: str) -> list[Sight]:
    """Every link with this href, in document order."""
    return [Sight(**one) for one in page.evaluate(_LOOK, url)]


def text_below(page: Page, url: str) -> list[str]:
    """Displayed text after the last link with this href, piece by piece."""
    found: list[str] = page.evaluate(_BELOW, url)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without network; the test is skipped by name where it is absent, and fails under CI."""
    if not CHROMIUM:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def page_of(browser: Browser, width: int, scheme: str = "light") -> Page:
    """A page of this width in a colour scheme; nothing is fetched."""
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.route("**/*", _nothing)
    return page


def show(page: Page, markup: str) -> None:
    """The page with this markup and nothing left of what it showed before."""
    page.goto("about:blank")
    page.set_content(markup, wait_until="commit")


def _nothing(route: Route) -> None:
    route.abort()
