"""GET and POST /c/TOKEN: the person's own yes, or 'I did not ask for this' (clauses 2.3 and 6.1)."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from relay.masking import masked
from relay.permission.confirmation_letter import wording_for
from relay.permission.double_opt_in import DoubleOptIn
from relay.permission.questions import Answer, Sent
from relay.ports import StoreUnavailable
from relay.web.asking import visitor_of
from relay.web.clients import Clients
from relay.web.form import fields_of
from relay.web.pages import Pages

_STATUS: Mapping[Answer, int] = {Answer.DECLINED: 409, Answer.WITHDRAWN: 409, Answer.LAPSED: 410}
"""Of a confirmation that was not taken; all else is 200, also when repeated."""


def router(pages: Pages, double_opt_in: DoubleOptIn, clients: Clients) -> APIRouter:
    """Only POST changes anything: link scanners fetch GET, HEAD and OPTIONS (RELIABILITY.md row 51)."""
    routes = APIRouter()

    @routes.api_route("/c/{token}", methods=["GET", "HEAD"])
    async def show(request: Request, token: str) -> Response:
        language = pages.language(request)
        sent = await double_opt_in.by_link(token)
        if sent is None:
            return pages.not_found(language)
        if sent.answer in _STATUS:
            return _over(pages, language, sent, sent.answer, 200)
        return _page(pages, language, sent, sent.answer)

    @routes.post("/c/{token}")
    async def answer(request: Request, token: str) -> Response:
        language = pages.language(request)
        try:
            sent = await double_opt_in.by_link(token)
            if sent is None:
                return pages.not_found(language)
            fields = await fields_of(request) or {}
            return await take(request, language, sent, fields.get("choice", ""))
        except StoreUnavailable:
            return pages.note(language, 503, "unavailable_title", "unavailable", {})

    async def take(request: Request, language: str, sent: Sent, choice: str) -> Response:
        visitor = visitor_of(request, clients)
        if choice == "confirm":
            stands = await double_opt_in.confirm(sent, visitor, language)
            if stands in _STATUS:
                return _over(pages, language, sent, stands, _STATUS[stands])
            return _page(pages, language, sent, stands)
        if choice == "decline":
            await double_opt_in.decline(sent, visitor)
            return _over(pages, language, sent, Answer.DECLINED, 200)
        return pages.note(language, 400, "bad_title", "bad_request", {})

    return routes


def _page(pages: Pages, language: str, sent: Sent, answer: Answer) -> Response:
    """What is asked, or that it was confirmed; both with the way to say no."""
    confirmed = answer is Answer.CONFIRMED
    context = _context(sent)
    shown = {
        **context,
        "confirmed": confirmed,
        "sentence": pages.text(language, "confirmed" if confirmed else "confirm_asked", context),
        "wording": wording_for(sent.organisation, sent.title, language),
    }
    title = "confirmed_title" if confirmed else "confirm_title"
    return pages.page("confirm.html", language, title, 200, shown)


def _over(pages: Pages, language: str, sent: Sent, answer: Answer, status: int) -> Response:
    """A question that takes no yes any more, and the way to a new one."""
    context = {**_context(sent), "sentence": "", "anew": ""}
    context["sentence"] = pages.text(language, f"confirm_{answer.value}", context)
    if answer is not Answer.DECLINED:
        context["anew"] = f"../s/{sent.account_name}/{sent.list_name}?l={language}"
    return pages.page("confirm_over.html", language, f"confirm_{answer.value}_title", status, context)


def _context(sent: Sent) -> dict[str, object]:
    return {"organisation": sent.organisation, "list": sent.title, "address": masked(str(sent.address))}
