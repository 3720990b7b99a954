"""GET /r/REF.MAC: one refusal explained to its sender; GET /help/RULE: what a rule asks (clause 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Request, Response

from policies.clauses import CLAUSES
from policies.guidance import GUIDANCE
from relay.masking import masked, masked_text
from relay.ports import Clock, RefusalRow, RefusalRows, StoreUnavailable
from relay.refusals import sentence
from relay.tokens import Tokens
from relay.web.pages import Pages

SHOWN_FOR = timedelta(days=30)
"""How long a refusal's page can be opened without a login."""
MAX_RECIPIENTS = 10
"""Recipients named on a refusal's page."""
_TITLES = {clause.id: clause.title for clause in CLAUSES}


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
    mend: str


def router(pages: Pages, tokens: Tokens, rows: RefusalRows, clock: Clock) -> APIRouter:
    """Both pages change nothing and need no login; a page name that is not ours is the common 404."""
    routes = APIRouter()

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
        shown = _shown(pages, language, row)
        context = {
            "refusal": shown,
            "help_url": f"../help/{row.rule}?l={language}",
            "ask": _ask(pages, language, row.ref),
        }
        return pages.page("refusal.html", language, "refusal_title", 200, context)

    @routes.api_route("/help/{rule}", methods=["GET", "HEAD"])
    async def explain(request: Request, rule: str) -> Response:
        language = pages.language(request)
        if rule not in GUIDANCE:
            return pages.not_found(language)
        asks, mend = GUIDANCE[rule].in_language(language)
        clause = next((one for one in CLAUSES if rule in one.rules), None)
        told = {"asks": asks, "mend": mend, "clause": clause.id if clause else ""}
        told["clause_title"] = clause.title if clause else ""
        ask = pages.text(language, "help_ask", {"contact": pages.contact})
        return pages.page("help.html", language, "help_title", 200, {"rule": rule, "help": told, "ask": ask})

    return routes


def _ask(pages: Pages, language: str, ref: str) -> str:
    return pages.text(language, "ask", {"contact": pages.contact, "ref": ref})


def _shown(pages: Pages, language: str, row: RefusalRow) -> Shown:
    guidance = GUIDANCE.get(row.rule)
    findings = [
        Found(_place(pages, language, part, line), masked_text(excerpt)) for part, line, excerpt in row.findings
    ]
    return Shown(
        text=sentence(row),
        rule=row.rule,
        clause=row.clause,
        clause_title=_TITLES.get(row.clause, ""),
        recipients=[masked(one) for one in row.recipients[:MAX_RECIPIENTS]],
        more=_more(pages, language, len(row.recipients) - MAX_RECIPIENTS),
        at=pages.time(row.at),
        reply=masked_text(row.reply),
        findings=findings,
        mend=guidance.in_language(language)[1] if guidance else "",
    )


def _place(pages: Pages, language: str, part: str, line: int) -> str:
    """A part by its number and line; what is no part (a header field) by its name."""
    if not part[:1].isdigit():
        return part
    return pages.text(language, "part_line" if line else "part_alone", {"part": part, "line": str(line)})


def _more(pages: Pages, language: str, count: int) -> str:
    return pages.text(language, "refusal_more", {"count": str(count)}) if count > 0 else ""
