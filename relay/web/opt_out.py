"""GET and POST /u/TOKEN: the opt-out page and RFC 8058 one-click (clauses 5.4 to 5.6)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException

from relay.permission.opt_out import OptOuts, Scope, Subject, Way
from relay.ports import StoreUnavailable
from relay.web.clients import Clients
from relay.web.masking import masked
from relay.web.pages import Pages

MAX_BODY = 65_536
_SCOPES = {"list": Scope.LIST, "sender": Scope.SENDER, "everyone": Scope.EVERYONE}


def router(pages: Pages, opt_outs: OptOuts, clients: Clients) -> APIRouter:
    """Only POST changes anything: link scanners fetch GET, HEAD and OPTIONS (RELIABILITY.md row 47)."""
    routes = APIRouter()

    @routes.api_route("/u/{token}", methods=["GET", "HEAD"])
    async def show(request: Request, token: str) -> Response:
        language = pages.language(request)
        subject = await opt_outs.by_link(token)
        if subject is None:
            return pages.not_found(language)
        context = _context(subject)
        sentence = pages.text(language, "opt_out_list" if subject.list_name else "opt_out_sender", context)
        shown = {**context, "sentence": sentence, "has_list": bool(subject.list_name)}
        return pages.page("opt_out.html", language, "opt_out_title", 200, shown)

    @routes.post("/u/{token}")
    async def act(request: Request, token: str) -> Response:
        language = pages.language(request)
        subject = await opt_outs.by_link(token)
        if subject is None:
            return pages.not_found(language)
        form = await form_of(request)
        if form is None:
            return pages.note(language, 400, "bad_title", "bad_request", {})
        return await _answer(pages, opt_outs, subject, form, clients.address(request), language)

    return routes


async def form_of(request: Request) -> FormData | None:
    """The posted fields; None where the body is too large, compressed or no form."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BODY:
        return None
    try:
        return await request.form(max_files=5, max_fields=20, max_part_size=MAX_BODY)
    except (MultiPartException, ValueError, UnicodeDecodeError):
        return None


async def _answer(
    pages: Pages, opt_outs: OptOuts, subject: Subject, form: FormData, client: str, language: str
) -> Response:
    choice = form.get("choice")
    try:
        if form.get("List-Unsubscribe") == "One-Click":
            done = await _carry_out(opt_outs, subject, _own_scope(subject), Way.ONE_CLICK, client)
        elif choice == "spam":
            await opt_outs.complain(subject, client)
            done = "spam"
        elif choice == "forwarded":
            return pages.note(language, 200, "done_title", "done_forwarded", _context(subject))
        elif isinstance(choice, str) and choice in _SCOPES:
            done = await _carry_out(opt_outs, subject, _SCOPES[choice], Way.PAGE, client)
        else:
            return pages.note(language, 400, "bad_title", "bad_request", {})
    except StoreUnavailable:
        return pages.note(language, 503, "unavailable_title", "unavailable", {})
    return pages.note(language, 200, "done_title", f"done_{done}", _context(subject), "done_note")


async def _carry_out(opt_outs: OptOuts, subject: Subject, scope: Scope, way: Way, client: str) -> str:
    scope = _own_scope(subject) if scope is Scope.LIST else scope
    await opt_outs.carry_out(subject, scope, way, client)
    return scope.value


def _own_scope(subject: Subject) -> Scope:
    """One-click is per list; where none was named, the whole sender (INTERFACE.md §3)."""
    return Scope.LIST if subject.claim.list_id else Scope.SENDER


def _context(subject: Subject) -> dict[str, object]:
    return {
        "organisation": subject.organisation,
        "list": subject.list_name,
        "address": masked(str(subject.address)),
    }
