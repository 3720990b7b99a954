"""`make contact-sheet`: every template of ../shared/data before and after rewriting, judged and put on one sheet.

Nothing of the templates stays in the repository: pictures and the sheet go to build/contact-sheet.
"""

from __future__ import annotations

import html
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "relay" / "message"), str(ROOT / "tests" / "browser")]

from looking import MIN_CONTRAST, SCHEMES, WIDTHS, Sight, chromium, look, page_of, show, text_below  # noqa: E402
from playwright.sync_api import Browser  # noqa: E402
from rewritten import URL, Rewritten, rewritten  # noqa: E402

from relay.message.bottom import MAX_FOOTER  # noqa: E402

TEMPLATES = ROOT.parent / "shared" / "data" / "templates"
OUT = ROOT / "build" / "contact-sheet"
SHOTS = (
    (390, "light", "before"), (390, "light", "after"), (390, "dark", "after"),
    (1280, "light", "before"), (1280, "light", "after"), (1280, "dark", "after"),
)  # fmt: skip
ROWS = 12
"""Templates on one picture of the sheet."""
STYLE = "body{font:12px sans-serif}th{width:160px;text-align:left}td,th{vertical-align:top;border:1px solid #888}"


def main() -> int:
    files = sorted(TEMPLATES.glob("*/*.html"))
    if not files:
        print(f"{TEMPLATES} is not there")
        return 2
    pages = {f"{path.parent.name}-{path.stem}": rewritten(path.read_bytes()) for path in files}
    OUT.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        faults = _judge(browser, pages)
        _sheet(browser, pages, faults)
    for name, said in faults.items():
        print(f"{name}: {'; '.join(said)}")
    looks = len(pages) * len(WIDTHS) * len(SCHEMES)
    print(f"{len(pages)} templates, {looks} looks, {len(faults)} with a fault (contrast below {MIN_CONTRAST}:1 …)")
    print(f"sheet: {(OUT / 'sheet.html').relative_to(ROOT)}")
    return 1 if faults else 0


def _judge(browser: Browser, pages: dict[str, Rewritten]) -> dict[str, list[str]]:
    """Looks at every page at each width and scheme, and takes its picture; the faults by name."""
    faults: dict[str, list[str]] = {}
    for width, scheme, state in SHOTS:
        page = page_of(browser, width, scheme)
        for name, one in pages.items():
            show(page, one.after if state == "after" else one.before)
            if state == "after":
                said = _faults_of(look(page, URL), text_below(page, URL))
                faults.setdefault(name, []).extend(f"{width}px {scheme}: {fault}" for fault in said)
            page.evaluate("window.scrollTo(0, 1e9)")
            page.screenshot(path=OUT / f"{name}-{width}-{scheme}-{state}.jpg", type="jpeg", quality=60)
        page.close()
    return {name: said for name, said in faults.items() if said}


def _faults_of(links: list[Sight], below: list[str]) -> list[str]:
    """Faults of the best link, and of what stands below the last one where that is longer than a footer."""
    if not links:
        return ["no opt-out link"]
    found = min((one.faults() for one in links), key=len)
    length = sum(map(len, below))
    return [*found, f"{length} characters below"] if length > MAX_FOOTER else found


def _sheet(browser: Browser, pages: dict[str, Rewritten], faults: dict[str, list[str]]) -> None:
    """One page of all pictures, and pictures of that page, a part each."""
    rows = [_row(name, one, faults.get(name, [])) for name, one in pages.items()]
    parts = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    for number, some in enumerate(parts, 1):
        file = OUT / f"sheet-{number}.html"
        file.write_text(f"<meta charset=utf-8><style>{STYLE}</style><table>{''.join(some)}</table>", "utf-8")
        page = browser.new_page(viewport={"width": 1720, "height": 900})
        page.goto(file.as_uri())
        page.screenshot(path=OUT / f"sheet-{number}.png", full_page=True)
        page.close()
    pictures = "".join(f'<p><img src="sheet-{number}.png"></p>' for number in range(1, len(parts) + 1))
    (OUT / "sheet.html").write_text(pictures, "utf-8")


def _row(name: str, one: Rewritten, said: list[str]) -> str:
    told = f"{html.escape(', '.join(one.changes))}<br>{html.escape('; '.join(said)) or 'all seen'}"
    cells = "".join(_cell(name, *shot) for shot in SHOTS)
    return f"<tr><th>{name}<br><small>{told}</small></th>{cells}</tr>"


def _cell(name: str, width: int, scheme: str, state: str) -> str:
    shown = 150 if width < 500 else 320
    return f'<td>{width} {scheme} {state}<br><img src="{name}-{width}-{scheme}-{state}.jpg" width="{shown}"></td>'


if __name__ == "__main__":
    sys.exit(main())
