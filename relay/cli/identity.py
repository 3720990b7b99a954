"""`relay identity`: further organisations and postal addresses for an account's footers (clause 5.1)."""

from __future__ import annotations

from typing import Annotated

import typer

from relay.adapters.store.identities import Identities, Identity
from relay.cli.arguments import Account, country, domain_name, name, one_line, several_lines
from relay.cli.invocation import By, Json
from relay.cli.output import Exit, Failure, print_json, print_line, print_table
from relay.cli.session import act, with_store

app = typer.Typer(help="Footer identities: brands and clients of an account; the most specific one signs.")

Name = Annotated[str, typer.Argument(metavar="NAME", parser=name)]


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    identity: Name,
    organisation: Annotated[str, typer.Option(parser=one_line, metavar="TEXT", help="As it stands in the footer.")],
    postal_address: Annotated[str, typer.Option(parser=several_lines, metavar="TEXT", help="As registered.")],
    country: Annotated[str | None, typer.Option(parser=country, metavar="CC", help="ISO 3166 code.")] = None,
    domain: Annotated[
        str | None, typer.Option(parser=domain_name, metavar="D", help="For mail with From at this domain.")
    ] = None,
    list_: Annotated[
        str | None, typer.Option("--list", parser=name, metavar="L", help="For mail of this list.")
    ] = None,
    *,
    by: By,
    json: Json = False,
) -> None:
    """A further identity, for a list, a From domain or both; a list outweighs a domain."""
    if domain is None and list_ is None:
        raise Failure("say what it is for: --domain, --list or both", Exit.USAGE)
    new = Identity(identity, organisation, postal_address, country or "", domain or "", list_ or "")
    added = with_store(ctx, lambda engine: Identities(engine).add(account, new, act(by)))
    if json:
        print_json(_json(added))
    else:
        print_line(f"{account}/{added.name}: {added.organisation}, for {_purpose(added)}")


@app.command("list")
def list_(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """An account's identities, its own first."""
    found = with_store(ctx, lambda engine: Identities(engine).of(account))
    if json:
        print_json([_json(one) for one in found])
        return
    rows = [(one.name, one.organisation, one.postal_address.replace("\n", ", "), _purpose(one)) for one in found]
    print_table(("name", "organisation", "postal address", "for"), rows)


@app.command()
def remove(ctx: typer.Context, account: Account, identity: Name) -> None:
    """Drop an identity; its mail is signed by the next best."""
    with_store(ctx, lambda engine: Identities(engine).remove(account, identity))
    print_line(f"{account}/{identity} is removed")


def _purpose(one: Identity) -> str:
    said = [f"list {one.list_name}" if one.list_name else "", f"From at {one.domain}" if one.domain else ""]
    return " and ".join(filter(None, said)) or "everything else"


def _json(one: Identity) -> dict[str, str | None]:
    return {
        "name": one.name,
        "organisation": one.organisation,
        "postal_address": one.postal_address,
        "country": one.country or None,
        "domain": one.domain or None,
        "list": one.list_name or None,
    }
