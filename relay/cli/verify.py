"""`relay verify`: whether every message is whole, every copy due or done, and every 'no' kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import typer

from config.schema import Settings
from relay.adapters.clock import SystemClock
from relay.adapters.store.mail_store import open_mail_store
from relay.adapters.store.spool_recovery import Damage
from relay.adapters.store.verification import verify_store
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line
from relay.cli.session import with_store
from relay.key_ring import KeyRing

app = typer.Typer()


@app.command()
def verify(ctx: typer.Context, json: Json = False) -> None:
    """Check messages, octets, copies, opt-outs and keys; exit 0 where all is well, 1 with every contradiction."""
    with_store(ctx, lambda engine: asyncio.sleep(0))
    found = asyncio.run(_verify(invocation(ctx).settings))
    if json:
        print_json({"sound": not found, "findings": [{"ref": one.ref or None, "what": one.what} for one in found]})
    else:
        for one in found:
            print_line(f"{one.ref}: {one.what}" if one.ref else one.what, "red")
    if found:
        raise typer.Exit(Exit.REFUSED)
    if not json:
        print_line("all is as it was promised")


async def _verify(settings: Settings) -> list[Damage]:
    doubt = timedelta(seconds=settings.delivery.in_doubt_after)
    store = open_mail_store(settings.store.url, SystemClock(), doubt, settings.data_dir)
    try:
        ring = KeyRing.fingerprints_in(settings.data_dir / "keys")
    except OSError as failure:
        raise Failure(f"{settings.data_dir / 'keys'}: {failure.strerror}", Exit.UNAVAILABLE) from None
    try:
        return await verify_store(store, settings.data_dir, ring)
    finally:
        await store.close()
