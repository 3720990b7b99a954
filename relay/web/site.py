"""The public site put together: pages, health, and what every request must keep to (RELIABILITY.md rows 47-57)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from config.schema import Settings
from relay.permission.double_opt_in import DoubleOptIn
from relay.permission.my_mail import MyMail
from relay.permission.opt_out import OptOuts
from relay.ports import Clock, RefusalRows, Resolver, StoreUnavailable
from relay.tokens import Tokens
from relay.web import confirm, health, me, opt_out, refusals, sign_up
from relay.web.asking import Asking
from relay.web.clients import Clients
from relay.web.form_limits import FormLimits
from relay.web.pages import SECURITY_HEADERS, Pages
from relay.web.robots import Robots

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Permission:
    """What the pages of permission stand on."""

    opt_outs: OptOuts
    double_opt_in: DoubleOptIn
    my_mail: MyMail
    resolver: Resolver | None
    """None: domains of typed addresses are never looked up."""
    answer_after: float = 0.4
    """Seconds until any answer to a typed address."""


def build(
    settings: Settings,
    permission: Permission,
    tokens: Tokens,
    rows: RefusalRows,
    probes: health.Probes,
    clock: Clock,
) -> FastAPI:
    """The ASGI application; it holds no state of its own."""
    site = FastAPI(title=settings.platform.name, openapi_url=None, docs_url=None, redoc_url=None)
    pages = Pages(settings.platform)
    clients = Clients.behind(settings.web.trusted_proxies)
    prefix = urlsplit(settings.platform.public_url).path.rstrip("/")
    site.include_router(health.router(probes))
    limits = FormLimits(settings.sign_up.per_client, settings.sign_up.per_form)
    robots, public_url = Robots(tokens, clock), settings.platform.public_url
    asking = Asking(pages, clients, robots, limits, permission.resolver, public_url, permission.answer_after)
    for router in (
        opt_out.router(pages, permission.opt_outs, clients),
        confirm.router(pages, permission.double_opt_in, clients),
        sign_up.router(asking, permission.double_opt_in),
        me.router(asking, permission.my_mail),
        refusals.router(pages, tokens, rows, clock),
    ):
        site.include_router(router, prefix=prefix)
    site.middleware("http")(_guard(_hosts(settings)))
    _failures(site, pages)
    return site


def _failures(site: FastAPI, pages: Pages) -> None:
    """Every failure is a page or a line of ours: nothing of what went wrong inside is told."""

    @site.exception_handler(HTTPException)
    async def wrong(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return pages.not_found(pages.language(request))
        return _line(error.status_code, HTTPStatus(error.status_code).phrase, error.headers)

    @site.exception_handler(StoreUnavailable)
    async def away(request: Request, error: Exception) -> Response:
        return pages.note(pages.language(request), 503, "unavailable_title", "unavailable_page", {})

    @site.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> Response:
        return pages.note(pages.language(request), 500, "unavailable_title", "unavailable_page", {})


def _hosts(settings: Settings) -> frozenset[str]:
    """Host names we answer to: the public one, our own, and loopback for probes (RELIABILITY.md row 52)."""
    public = urlsplit(settings.platform.public_url).hostname or ""
    bound = settings.web.bind.rpartition(":")[0].strip("[]")
    return frozenset({public.lower(), bound.lower(), settings.hostname.lower(), "127.0.0.1", "localhost", "::1"})


def _host_of(request: Request) -> str:
    """The Host field without its port, in lower case."""
    host = request.headers.get("host", "").strip().lower()
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0].rstrip(".")


def _guard(hosts: frozenset[str]) -> Callable[[Request, Handler], Awaitable[Response]]:
    async def guard(request: Request, call_next: Handler) -> Response:
        response = _refused(request, hosts) or await call_next(request)
        response.headers.update({name: v for name, v in SECURITY_HEADERS.items() if name not in response.headers})
        return response

    return guard


def _refused(request: Request, hosts: frozenset[str]) -> Response | None:
    """An answer that needs no page: what no client of ours sends, and OPTIONS."""
    headers = request.headers
    if "transfer-encoding" in headers and "content-length" in headers:
        return _line(400, "two lengths for one body")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return _line(415, "compressed bodies are not taken")
    if _host_of(request) not in hosts:
        return _line(421, "this is not the host you asked for")
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": "GET, HEAD, POST, OPTIONS"})
    return None


def _line(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text}\n", status, {**SECURITY_HEADERS, **(headers or {})})
