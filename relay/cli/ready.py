"""`relay ready`: whether the relay of this configuration takes mail now."""

from __future__ import annotations

import http.client
import time
from typing import Annotated

import typer

from config.endpoint import Endpoint
from relay.cli.invocation import invocation
from relay.cli.output import Exit, Failure, print_line

app = typer.Typer()

PAUSE = 0.2
"""Seconds between two questions."""
PATIENCE = 5.0
"""Seconds one question may take; a smarthost is greeted meanwhile."""
_EVERY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@app.command()
def ready(
    ctx: typer.Context,
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Go on asking for so long.")] = 0.0,
) -> None:
    """Ask this configuration's own /readyz: exit 0 or 69."""
    bind = Endpoint.parse(invocation(ctx).settings.web.bind)
    deadline = time.monotonic() + wait
    while said := _asked(bind):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure(said, Exit.UNAVAILABLE)
        time.sleep(min(PAUSE, left))
    print_line("ready")


def _asked(bind: Endpoint) -> str:
    """What stands in the way; empty: nothing."""
    host = _EVERY.get(bind.host, bind.host)
    connection = http.client.HTTPConnection(host, bind.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/readyz", headers={"Host": f"{host}:{bind.port}", "Connection": "close"})
        answer = connection.getresponse()
        text = answer.read(500).decode("ascii", "replace").strip()
    except (OSError, http.client.HTTPException) as failure:
        return f"nothing answers at {host}:{bind.port}: {failure}"
    finally:
        connection.close()
    return "" if answer.status == 200 else text or f"/readyz said {answer.status}"
