"""A page as a person meets it in Chromium: contrast, reach, a narrow phone, names, what the keyboard shows."""

from __future__ import annotations

from playwright.sync_api import Page

LEAST_CONTRAST = 4.5
"""WCAG 2.2 §1.4.3, text of any size."""
LEAST_TARGET = 24
"""CSS pixels a side (§2.5.8)."""

_FAULTS = r"""
([contrast, target]) => {
  const faults = [];
  const rgba = text => { const n = (text.match(/[\d.]+/g) || []).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const luminance = c => {
    const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 1) return c;
    }
    return [255, 255, 255, 1];
  };
  const ratio = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), e = walker.currentNode.parentElement;
    if (!text || e.closest('.unseen')) continue;
    const got = ratio(rgba(getComputedStyle(e).color), ground(e));
    if (got < contrast) faults.push(`contrast ${got.toFixed(1)}: ${text}`);
  }
  for (const e of document.querySelectorAll('button, input:not([type=hidden]), summary, a')) {
    if (e.closest('.unseen') || !e.checkVisibility()) continue;
    const box = e.getBoundingClientRect();
    if (Math.min(box.height, box.width) < target) faults.push(`small, ${box.width}x${box.height}: ${e.outerHTML}`);
    if (box.left < 0 || box.right > innerWidth + 1) faults.push(`out of reach: ${e.outerHTML}`);
    const label = e.labels && e.labels.length ? e.labels[0].innerText : e.getAttribute('aria-label');
    const name = e.innerText || label;
    if (!name || !name.trim()) faults.push(`no name: ${e.outerHTML}`);
  }
  for (const e of document.querySelectorAll('input[type=email]')) {
    const border = rgba(getComputedStyle(e).borderTopColor);
    if (ratio(border, ground(e.parentElement)) < 3) faults.push('a field whose edge cannot be seen');
  }
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) faults.push(`sideways: ${wide}`);
  if (!document.documentElement.lang) faults.push('no language');
  if (!document.title.trim()) faults.push('no title');
  if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  if (document.querySelectorAll('script, img, iframe, link[rel=stylesheet]').length) faults.push('fetches or runs');
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size !== ids.length) faults.push(`an id twice: ${ids}`);
  for (const e of document.querySelectorAll('[aria-describedby], [aria-labelledby]'))
    for (const id of (e.getAttribute('aria-describedby') || e.getAttribute('aria-labelledby')).split(/\s+/))
      if (!document.getElementById(id)) faults.push(`describes nothing: ${id}`);
  return faults;
}
"""
_FOCUS = """
() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]; }
"""


def faults(page: Page) -> list[str]:
    """What keeps somebody from reading or using the page."""
    found: list[str] = page.evaluate(_FAULTS, [LEAST_CONTRAST, LEAST_TARGET])
    return found


def shows_focus(page: Page) -> bool:
    """Whether one sees where the keyboard is (§2.4.7)."""
    style, width = page.evaluate(_FOCUS)
    return bool(style != "none" and width >= 2)
