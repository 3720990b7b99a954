"""GET /r/REF.MAC: one refusal explained to its sender; GET /help/RULE: what a rule asks (clause 3.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Request, Response

from config.schema import Settings
from policies.guidance import GUIDANCE
from policies.registry import build as build_rules
from relay.masking import masked, masked_text
from relay.ports import Clock, RefusalRow, RefusalRows, StoreUnavailable
from relay.refusals import sentence
from relay.tokens import Tokens
from relay.web.clause_titles import clause_title
from relay.web.pages import Pages

SHOWN_FOR = timedelta(days=30)
"""How long a refusal's page can be opened without a login."""
MAX_RECIPIENTS = 10
"""Lines of recipients on a refusal's page; those that look alike once masked share one."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where something was found in the message."""

    place: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows: recipients masked, texts in the reader's language."""

    text: str
    rule: str
    clause: str
    clause_title: str
    recipients: Sequence[str]
    more: str
    """How many recipients are left out; empty: none."""
    at: str
    reply: str
    findings: Sequence[Found]
    asks: str
    mend: str


def router(pages: Pages, tokens: Tokens, rows: RefusalRows, clock: Clock) -> APIRouter:
    """Both pages change nothing and need no login; a page name that is not ours is the common 404."""
    routes = APIRouter()
    clauses = {rule.id: rule.clause or "" for rule in build_rules(Settings()).everything()}

    @routes.api_route("/r/{name}", methods=["GET", "HEAD"])
    async def refusal(request: Request, name: str) -> Response:
        language = pages.language(request)
        ref = tokens.read_refusal(name)
        try:
            row = await rows.refusal(ref) if ref else None
        except StoreUnavailable:
            return pages.note(language, 503, "unavailable_title", "unavailable_page", {})
        if row is None or clock.now() - row.at > SHOWN_FOR:
            return pages.not_found(language)
        context = {
            "refusal": _shown(pages, language, row),
            "help_url": f"../help/{row.rule}?l={language}",
            "contact_url": pages.contact_url(row.ref),
            "ask": pages.text(language, "ask", {"contact": pages.contact, "ref": row.ref}),
        }
        return pages.page("refusal.html", language, "refusal_title", 200, context)

    @routes.api_route("/help/{rule}", methods=["GET", "HEAD"])
    async def explain(request: Request, rule: str) -> Response:
        language = pages.language(request)
        if rule not in GUIDANCE:
            return pages.not_found(language)
        asks, mend = GUIDANCE[rule].in_language(language)
        clause = clauses.get(rule, "")
        told = {"asks": asks, "mend": mend, "clause": clause, "clause_title": clause_title(language, clause)}
        context = {"rule": rule, "help": told, "ask": pages.contact, "contact_url": pages.contact_url(rule)}
        return pages.page("help.html", language, "help_title", 200, context)

    return routes


def _shown(pages: Pages, language: str, row: RefusalRow) -> Shown:
    guidance = GUIDANCE.get(row.rule)
    asks, mend = guidance.in_language(language) if guidance else ("", "")
    alike = Counter(masked(one) for one in row.recipients).most_common()
    return Shown(
        text=sentence(row),
        rule=row.rule,
        clause=row.clause,
        clause_title=clause_title(language, row.clause),
        recipients=list(_lines(pages, language, alike[:MAX_RECIPIENTS])),
        more=_more(pages, language, sum(count for _, count in alike[MAX_RECIPIENTS:])),
        at=pages.time(row.at),
        reply=masked_text(row.reply),
        findings=[
            Found(_place(pages, language, part, line), masked_text(found)) for part, line, found in row.findings
        ],
        asks=asks,
        mend=mend,
    )


def _lines(pages: Pages, language: str, alike: Sequence[tuple[str, int]]) -> Iterator[str]:
    """One line for all recipients that look the same once masked."""
    for recipient, count in alike:
        values = {"recipient": recipient, "count": str(count)}
        yield recipient if count == 1 else pages.text(language, "refusal_alike", values)


def _place(pages: Pages, language: str, part: str, line: int) -> str:
    """A part by its number and line; what is no part (a header field) by its name."""
    if not part[:1].isdigit():
        return part
    return pages.text(language, "part_line" if line else "part_alone", {"part": part, "line": str(line)})


def _more(pages: Pages, language: str, count: int) -> str:
    return pages.text(language, "refusal_more", {"count": str(count)}) if count > 0 else ""
