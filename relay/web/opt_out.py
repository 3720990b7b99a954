"""GET and POST /u/TOKEN: the opt-out page and RFC 8058 one-click (clauses 5.4 to 5.6)."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from relay.masking import masked
from relay.permission.opt_out import OptOuts, Scope, Subject, Way
from relay.ports import StoreUnavailable
from relay.web.clients import Clients
from relay.web.form import fields_of
from relay.web.pages import Pages

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
        try:
            subject = await opt_outs.by_link(token)
            if subject is None:
                return pages.not_found(language)
            done = await _obey(opt_outs, subject, await fields_of(request) or {}, clients.address(request))
        except StoreUnavailable:
            return pages.note(language, 503, "unavailable_title", "unavailable", {})
        if done is None:
            return pages.note(language, 400, "bad_title", "bad_request", {})
        note = "" if done == "forwarded" else "done_note"
        return pages.note(language, 200, "done_title", f"done_{done}", _context(subject), note)

    return routes


async def _obey(opt_outs: OptOuts, subject: Subject, fields: Mapping[str, str], client: str) -> str | None:
    """What was done, durably; None where the fields are neither one-click nor a choice of our page."""
    choice = fields.get("choice", "")
    if fields.get("List-Unsubscribe", "").strip() == "One-Click":
        return await _carry_out(opt_outs, subject, Scope.LIST, Way.ONE_CLICK, client)
    if choice == "spam":
        await opt_outs.complain(subject, client)
        return choice
    if choice in _SCOPES:
        return await _carry_out(opt_outs, subject, _SCOPES[choice], Way.PAGE, client)
    return choice if choice == "forwarded" else None


async def _carry_out(opt_outs: OptOuts, subject: Subject, scope: Scope, way: Way, client: str) -> str:
    """One-click and the first button are per list; where none was named, the whole sender (INTERFACE.md §3)."""
    if scope is Scope.LIST and not subject.claim.list_id:
        scope = Scope.SENDER
    await opt_outs.carry_out(subject, scope, way, client)
    return scope.value


def _context(subject: Subject) -> dict[str, object]:
    return {
        "organisation": subject.organisation,
        "list": subject.list_title,
        "address": masked(str(subject.address)),
    }
