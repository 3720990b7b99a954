"""Rendering of the public pages: server-made, no script, no outside assets, phone first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from config.schema import Platform
from relay.web.texts import LANGUAGES, TEXTS, language_of

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


class Pages:
    """One Jinja environment; every page is HTML in one of our languages with the same security headers."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._templates = Environment(
            loader=PackageLoader("relay.web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
        )

    @property
    def contact(self) -> str:
        """The platform's contact as people read it."""
        return self.platform.contact.removeprefix("mailto:")

    def contact_url(self, about: str) -> str:
        """A link to the contact; a mail begins with what it is about as its subject."""
        contact = self.platform.contact
        return contact if "?" in contact or not contact.startswith("mailto:") else f"{contact}?subject={quote(about)}"

    def time(self, at: datetime) -> str:
        """A time in the platform's time zone, with the zone's name."""
        return f"{at.astimezone(ZoneInfo(self.platform.timezone)):%Y-%m-%d %H:%M %Z}"

    def language(self, request: Request) -> str:
        accepted = request.headers.get("accept-language", "")
        return language_of(request.query_params.get("l"), accepted, self.platform.language)

    def page(
        self, template: str, language: str, title: str, status: int, context: Mapping[str, object]
    ) -> HTMLResponse:
        """`title` is a text's name; its placeholders come from the context."""
        texts = self._texts(language, context)
        shown = {"t": texts, "title": texts[title], "language": language, "platform": self.platform.name}
        body = self._templates.get_template(template).render({**context, **shown})
        return HTMLResponse(body, status, {**SECURITY_HEADERS, "Content-Language": language})

    def note(
        self, language: str, status: int, title: str, sentence: str, context: Mapping[str, object], note: str = ""
    ) -> HTMLResponse:
        """A page of one sentence."""
        texts = self._texts(language, context)
        said = {"sentence": texts[sentence], "note": texts[note] if note else ""}
        return self.page("message.html", language, title, status, {**context, **said})

    def text(self, language: str, name: str, context: Mapping[str, object]) -> str:
        """One text with its placeholders filled."""
        return self._texts(language, context)[name]

    def _texts(self, language: str, context: Mapping[str, object]) -> dict[str, str]:
        """Every text of a language, filled, a placeholder without a value blank; and the other language's name."""
        values = _Blank({"platform": self.platform.name, **{k: v for k, v in context.items() if isinstance(v, str)}})
        texts = {name: text.format_map(values) for name, text in TEXTS[language].items()}
        other = next(code for code in LANGUAGES if code != language)
        return {**texts, "other_code": other, "other_language": TEXTS[other]["language_name"]}

    def not_found(self, language: str) -> HTMLResponse:
        """The same octets for every token that is not ours (RELIABILITY.md row 49)."""
        return self.note(language, 404, "not_found_title", "not_found", {})


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""
