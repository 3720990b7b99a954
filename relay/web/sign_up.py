"""GET and POST /s/ACCOUNT/LIST: the hosted sign-up form; POST sends the confirmation mail (clause 6.1)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from policies.address import Address
from relay.identifiers import is_name
from relay.masking import masked
from relay.permission.confirmation_letter import wording
from relay.permission.double_opt_in import DoubleOptIn, Wish
from relay.permission.questions import Form, Visitor
from relay.web.asking import AddressForm, Asking


def router(asking: Asking, double_opt_in: DoubleOptIn) -> APIRouter:
    """GET and HEAD change nothing; an unknown list is the common 404."""
    routes, pages = APIRouter(), asking.pages

    async def found(account: str, list_name: str) -> Form | None:
        return await double_opt_in.form(account, list_name) if is_name(account) and is_name(list_name) else None

    @routes.api_route("/s/{account}/{list_name}", methods=["GET", "HEAD"])
    async def show(request: Request, account: str, list_name: str) -> Response:
        language = pages.language(request)
        form = await found(account, list_name)
        return pages.not_found(language) if form is None else asking.show(_form(form, language), language)

    @routes.post("/s/{account}/{list_name}")
    async def sign_up(request: Request, account: str, list_name: str) -> Response:
        language = pages.language(request)
        form = await found(account, list_name)
        if form is None:
            return pages.not_found(language)

        async def ask(address: Address, visitor: Visitor) -> None:
            await double_opt_in.ask(form, Wish(address, visitor, language))

        def asked(address: Address) -> Response:
            told = {**_context(form), "address": masked(str(address))}
            return pages.note(language, 200, "asked_title", "asked", told, "asked_note")

        return await asking.take(_form(form, language), request, ask, asked)

    return routes


def _form(form: Form, language: str) -> AddressForm:
    context = {**_context(form), "wording": wording(form, language)}
    return AddressForm(f"s/{form.account_name}/{form.list_name}", "sign_up.html", "sign_up_title", context)


def _context(form: Form) -> dict[str, object]:
    return {"organisation": form.organisation, "list": form.title}
