"""The messages of the bench: 4 KB of text and 60 KB of HTML, as newsletters have them."""

from __future__ import annotations

from pathlib import Path

from bench.relay import RECIPIENT, SENDER
from bench.source import NUMBER

_HEAD = f"From: Acme News <{SENDER}>\nTo: {RECIPIENT}\nSubject: This week's news\nMIME-Version: 1.0\n"
_SENTENCE = "The new season's beans have arrived and they are better than last year's ones. "


def text_4k() -> str:
    """About 4 KB of plain text without a footer."""
    lines = [NUMBER.decode(), *[(_SENTENCE * 2)[at : at + 72].strip() for at in range(0, 60)]]
    return f"{_HEAD}Content-Type: text/plain; charset=us-ascii\n\n" + "\n".join(lines)[:3700] + "\n"


def html_60k() -> str:
    """About 60 KB of HTML in nested tables, with the sender's own opt-out link and address at its end."""
    row = (
        '<tr><td style="padding:0 24px;font-family:Arial,sans-serif;font-size:16px;color:#333333">\n'
        f'<p style="margin:0 0 16px">{_SENTENCE}</p>\n'
        '<a href="https://acme.test/beans" style="color:#0b5cad">Read more</a></td></tr>\n'
    )
    top = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>News</title>\n'
        "<style>\nbody { margin: 0; background: #ffffff }\n.button { background: #0b5cad }\n</style></head>\n"
        f'<body><!-- {NUMBER.decode()} --><table role="presentation" width="100%">\n'
    )
    end = (
        '<tr><td style="font-size:12px;color:#555555">Acme, 1 Example Street, Example Town<br>\n'
        '<a href="https://acme.test/unsubscribe?u=7">Unsubscribe</a></td></tr></table></body></html>\n'
    )
    rows = (60_000 - len(top) - len(end)) // len(row)
    return f"{_HEAD}Content-Type: text/html; charset=utf-8\n\n{top}{row * rows}{end}"


def write(folder: Path) -> dict[str, Path]:
    """Both messages as files for the load generator: name -> path."""
    found = {"4 KB text": text_4k(), "60 KB HTML": html_60k()}
    paths = {}
    for name, message in found.items():
        paths[name] = folder / f"{name.replace(' ', '-')}.eml"
        paths[name].write_text(message)
    return paths
