"""The form on which a person types an address: limits, robots, form of the address; the same for sign-up and /me."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import Request, Response

from policies.address import Address, AddressFault
from relay.permission.questions import Visitor
from relay.ports import Resolver, TxtAnswer
from relay.web.clients import Clients
from relay.web.form import fields_of
from relay.web.form_limits import FormLimits
from relay.web.pages import Pages
from relay.web.robots import Robots, Sender

MAX_AGENT = 300
"""Characters of a User-Agent that are kept."""


@dataclass(frozen=True, slots=True)
class AddressForm:
    """One page with an address field: its template and title, and what its own texts need."""

    path: str
    """What stamps and limits are bound to."""
    template: str
    title: str
    context: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asking:
    """Shows such forms and takes them; `act` is called once the address came from a person."""

    pages: Pages
    clients: Clients
    robots: Robots
    limits: FormLimits
    resolver: Resolver | None
    """None: domains are never looked up."""
    public_url: str
    answer_after: float
    """Seconds until every answer to an address: how long it took says nothing of who is known."""

    def show(
        self, form: AddressForm, language: str, status: int = 200, typed: str = "", problem: str = ""
    ) -> Response:
        """The form; `problem` is a text's name."""
        said = self.pages.text(language, problem, form.context) if problem else ""
        shown = {**form.context, "typed": typed[:320], "problem": said, "stamp": self.robots.stamp(form.path)}
        shown["status"] = status
        return self.pages.page(form.template, language, form.title, status, shown)

    async def take(
        self,
        form: AddressForm,
        request: Request,
        act: Callable[[Address, Visitor], Awaitable[None]],
        done: Callable[[Address], Response],
    ) -> Response:
        """The answer to a sent form: alike whoever the address belongs to."""
        language, client = self.pages.language(request), self.clients.address(request)
        fields = await fields_of(request)
        if fields is None or "email" not in fields:
            return self.pages.note(language, 400, "bad_title", "bad_request", {})
        seconds = self.limits.taken(client, form.path)
        if seconds:
            return self._too_many(language, seconds)
        typed = fields["email"].strip()
        try:
            address = Address.parse(typed)
        except AddressFault:
            return self.show(form, language, 400, typed, "address_bad")
        sender = self.robots.sender(form.path, fields)
        if sender is Sender.HASTY:
            return self.show(form, language, 200, typed, "press_again")
        if await self._takes_no_mail(address):
            return self.show(form, language, 400, typed, "domain_bad")
        visitor = Visitor(client, _agent(request), f"{self.public_url.rstrip('/')}/{form.path}")
        async with _Evenly(self.answer_after):
            if sender is Sender.PERSON:
                await act(address, visitor)
        return done(address)

    async def _takes_no_mail(self, address: Address) -> bool:
        """'Could not look it up' is not 'no'."""
        return self.resolver is not None and await self.resolver.takes_mail(address.domain) is TxtAnswer.ABSENT

    def _too_many(self, language: str, seconds: int) -> Response:
        minutes = str(-(-seconds // 60))
        answer = self.pages.note(language, 429, "too_many_title", "too_many", {"minutes": minutes})
        answer.headers["Retry-After"] = str(seconds)
        return answer


class _Evenly:
    """Lets every block last as long as any other, unless it fails."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __aenter__(self) -> None:
        self._until = asyncio.get_running_loop().time() + self._seconds

    async def __aexit__(self, kind: object, failure: object, trace: object) -> None:
        if kind is None:
            await asyncio.sleep(self._until - asyncio.get_running_loop().time())


def _agent(request: Request) -> str:
    return "".join(sign for sign in request.headers.get("user-agent", "") if sign.isprintable())[:MAX_AGENT]


def visitor_of(request: Request, clients: Clients) -> Visitor:
    """Who presses a button, as evidence."""
    return Visitor(clients.address(request), _agent(request))
