"""GET and POST /me: the form that mails a link; /me/TOKEN: every sender, and one button for all (clause 5.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from policies.address import Address
from relay.masking import masked
from relay.permission.my_mail import MyMail, Sender
from relay.permission.opt_out import Scope
from relay.permission.questions import Visitor
from relay.ports import StoreUnavailable
from relay.tokens import Claim
from relay.web.asking import AddressForm, Asking
from relay.web.form import fields_of
from relay.web.pages import Pages

_FORM = AddressForm("me", "me.html", "me_title", {})
_OF_SENDER = "sender-"
"""In front of an account's id: a button's choice."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """One sender on the page."""

    organisation: str
    lists: str
    value: str
    button: str
    """Empty: stopped already."""


def router(asking: Asking, my_mail: MyMail) -> APIRouter:
    """GET and HEAD change nothing; the address stands in no URL."""
    routes, pages = APIRouter(), asking.pages

    @routes.api_route("/me", methods=["GET", "HEAD"])
    async def show(request: Request) -> Response:
        return asking.show(_FORM, pages.language(request))

    @routes.post("/me")
    async def ask(request: Request) -> Response:
        language = pages.language(request)

        async def act(address: Address, visitor: Visitor) -> None:
            await my_mail.ask(address, visitor, language)

        def done(address: Address) -> Response:
            told: dict[str, object] = {"address": masked(str(address))}
            return pages.note(language, 200, "me_asked_title", "me_asked", told, "me_asked_note")

        return await asking.take(_FORM, request, act, done)

    _own_page(routes, asking, my_mail)
    return routes


def _own_page(routes: APIRouter, asking: Asking, my_mail: MyMail) -> None:
    """What the mailed link leads to."""
    pages = asking.pages

    @routes.api_route("/me/{token}", methods=["GET", "HEAD"])
    async def mine(request: Request, token: str) -> Response:
        language = pages.language(request)
        found = await my_mail.by_link(token)
        if found is None:
            return pages.not_found(language)
        return await _page(pages, my_mail, language, *found)

    @routes.post("/me/{token}")
    async def stop(request: Request, token: str) -> Response:
        language = pages.language(request)
        try:
            found = await my_mail.by_link(token)
            if found is None:
                return pages.not_found(language)
            choice = (await fields_of(request) or {}).get("choice", "")
            return await _obey(pages, my_mail, language, *found, choice, asking.clients.address(request))
        except StoreUnavailable:
            return pages.note(language, 503, "unavailable_title", "unavailable", {})


async def _page(pages: Pages, my_mail: MyMail, language: str, claim: Claim, address: Address) -> Response:
    if my_mail.lapsed(claim):
        return _lapsed(pages, language)
    senders = await my_mail.senders(address)
    told: dict[str, object] = {"address": masked(str(address))}
    open_ones = any(one.open for one in senders)
    shown = {
        **told,
        "sentence": pages.text(language, "me_all" if senders else "me_none", told),
        "open": open_ones,
        "senders": [_shown(pages, language, one) for one in senders],
    }
    return pages.page("my_mail.html", language, "me_all_title", 200, shown)


def _shown(pages: Pages, language: str, one: Sender) -> _Shown:
    lists = pages.text(language, "me_lists", {"lists": ", ".join(one.lists)}) if one.lists else ""
    button = pages.text(language, "button_sender", {"organisation": one.organisation}) if one.open else ""
    return _Shown(one.organisation, lists, f"{_OF_SENDER}{one.account_id}", button)


async def _obey(
    pages: Pages, my_mail: MyMail, language: str, claim: Claim, address: Address, choice: str, client: str
) -> Response:
    if my_mail.lapsed(claim):
        return _lapsed(pages, language)
    senders = await my_mail.senders(address)
    chosen = _chosen(senders, choice)
    if chosen is None:
        return pages.note(language, 400, "bad_title", "bad_request", {})
    scope = Scope.EVERYONE if choice == Scope.EVERYONE.value else Scope.SENDER
    await my_mail.stop(claim, address, chosen, scope, client)
    told: dict[str, object] = {"address": masked(str(address)), "organisation": chosen.organisation}
    return pages.note(language, 200, "done_title", f"done_{scope.value}", told, "done_note")


def _chosen(senders: Sequence[Sender], choice: str) -> Sender | None:
    """The sender a button names; for all of them, any."""
    if choice == Scope.EVERYONE.value:
        return senders[0] if senders else None
    return next((one for one in senders if choice == f"{_OF_SENDER}{one.account_id}"), None)


def _lapsed(pages: Pages, language: str) -> Response:
    context: dict[str, object] = {"sentence": pages.text(language, "me_lapsed", {}), "anew": f"../me?l={language}"}
    return pages.page("me_lapsed.html", language, "me_lapsed_title", 410, context)
