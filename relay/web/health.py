"""/healthz: the process lives. /readyz: the store answers and a smarthost can be reached."""

from __future__ import annotations

from typing import Protocol

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from relay.ports import StoreUnavailable


class Probes(Protocol):
    async def probe_store(self) -> None:
        """Returns when the store answers; StoreUnavailable otherwise."""

    async def probe_smarthost(self) -> bool:
        """Whether at least one smarthost greets."""


def router(probes: Probes) -> APIRouter:
    """Probes write no journal line (INTERFACE.md §5)."""
    routes = APIRouter()

    @routes.api_route("/healthz", methods=["GET", "HEAD"])
    async def alive() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @routes.api_route("/readyz", methods=["GET", "HEAD"])
    async def ready() -> PlainTextResponse:
        try:
            await probes.probe_store()
        except StoreUnavailable:
            return PlainTextResponse("the store is not reachable\n", 503)
        if not await probes.probe_smarthost():
            return PlainTextResponse("no smarthost is reachable\n", 503)
        return PlainTextResponse("ready\n")

    return routes
