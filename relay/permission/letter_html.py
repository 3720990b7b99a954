"""How the relay's own letters look: one column, one button, readable without images and in dark mode."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_FONT = "font-family:Arial,Helvetica,sans-serif"
_TEXT = f"margin:0 0 16px;{_FONT};font-size:16px;line-height:24px;color:#1b1f24"
_SMALL = f"margin:0 0 12px;{_FONT};font-size:14px;line-height:21px;color:#57606a"
_HEAD = f"margin:0 0 16px;{_FONT};font-size:22px;line-height:28px;color:#1b1f24"
_BUTTON = (
    f"display:inline-block;padding:14px 24px;{_FONT};font-size:16px;font-weight:bold;line-height:20px;"
    "color:#ffffff;background-color:#0b5cad;border-radius:8px;text-decoration:none"
)
_TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'


def letter_html(
    language: str,
    heading: str,
    paragraphs: Sequence[str],
    button: tuple[str, str],
    after: Sequence[str],
    sender: str,
) -> str:
    """A whole document, lines ended by LF. `paragraphs` and `after` are HTML, all else is text; (label, link)."""
    label, link = button
    body = [f'<h1 style="{_HEAD}">{escape(heading)}</h1>', *[f'<p style="{_TEXT}">{one}</p>' for one in paragraphs]]
    body.append(f'<p style="margin:24px 0"><a href="{escape(link)}" style="{_BUTTON}">{escape(label)}</a></p>')
    body += [f'<p style="{_SMALL}">{one}</p>' for one in [*after, escape(sender)]]
    inside = "\n".join(body)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(heading)}</title>\n</head>\n"
        f'<body style="margin:0;padding:0;background-color:#f6f7f9">\n<table {_TABLE} bgcolor="#f6f7f9">\n<tr>\n'
        '<td align="center" style="padding:24px 12px">\n'
        f'<table {_TABLE} bgcolor="#ffffff" style="max-width:560px;background-color:#ffffff;border-radius:12px">\n'
        f'<tr>\n<td align="left" style="padding:28px 24px">\n{inside}\n</td>\n</tr>\n</table>\n</td>\n</tr>\n'
        "</table>\n</body>\n</html>\n"
    )
