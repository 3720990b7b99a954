"""`relay dkim`: keys of sending domains; the private half never leaves data_dir."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from relay.adapters.dkim_keys import KeyDirectory, zone_line
from relay.cli.arguments import Domain
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_note
from relay.message.dkim import SigningFault

app = typer.Typer(help="DKIM keys.")


@app.callback()
def keys() -> None:
    """DKIM keys."""


@app.command()
def keygen(
    ctx: typer.Context,
    domain: Domain,
    later: Annotated[
        bool, typer.Option("--later", help="Do not sign with it yet: its record is to be published first.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a key, store it readable by the relay alone, and print the DNS record to publish."""
    directory = KeyDirectory(invocation(ctx).settings.data_dir / "dkim")
    try:
        stored = directory.generate(domain, datetime.now(UTC), later=later)
        text = directory.record(stored.domain, stored.selector)
    except SigningFault as fault:
        raise Failure(str(fault)) from None
    except OSError as fault:
        raise Failure(f"{directory.directory}: {fault.strerror}", Exit.UNAVAILABLE) from None
    if json:
        shown = {"domain": stored.domain, "selector": stored.selector, "signs": stored.signs}
        print_json(shown | {"name": stored.record_name, "type": "TXT", "value": text})
        return
    print_line(zone_line(stored.record_name, text))
    print_note(f"{domain} is signed with it from now on" if stored.signs else "it does not sign yet")
