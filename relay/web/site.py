"""The public site put together: pages, health, and what every request must keep to (RELIABILITY.md rows 47-57)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from config.schema import Settings
from relay.permission.opt_out import OptOuts
from relay.ports import Clock, RefusalRows
from relay.tokens import Tokens
from relay.web import health, opt_out, refusals
from relay.web.clients import Clients
from relay.web.pages import SECURITY_HEADERS, Pages

Handler = Callable[[Request], Awaitable[Response]]


def build(
    settings: Settings,
    opt_outs: OptOuts,
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
    for router in (opt_out.router(pages, opt_outs, clients), refusals.router(pages, tokens, rows, clock)):
        site.include_router(router, prefix=prefix)
    site.middleware("http")(_guard(_hosts(settings)))

    @site.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return pages.not_found(pages.language(request))
        return PlainTextResponse(
            f"{error.detail}\n", error.status_code, {**SECURITY_HEADERS, **(error.headers or {})}
        )

    return site


def _hosts(settings: Settings) -> frozenset[str]:
    """Host names we answer to: the public one, our own, and loopback for probes (RELIABILITY.md row 52)."""
    public = urlsplit(settings.platform.public_url).hostname or ""
    bound = settings.web.bind.rpartition(":")[0].strip("[]")
    return frozenset({public, bound, settings.hostname, "127.0.0.1", "localhost", "::1"})


def _guard(hosts: frozenset[str]) -> Callable[[Request, Handler], Awaitable[Response]]:
    async def guard(request: Request, call_next: Handler) -> Response:
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            return PlainTextResponse("compressed bodies are not taken\n", 415)
        if (request.url.hostname or "") not in hosts:
            return PlainTextResponse("this is not the host you asked for\n", 421)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": "GET, HEAD, POST, OPTIONS"})
        response = await call_next(request)
        response.headers.update({name: v for name, v in SECURITY_HEADERS.items() if name not in response.headers})
        return response

    return guard
