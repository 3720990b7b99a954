"""`relay person`: one person over all accounts, shown, handed out, erased (clause 3.1)."""

from __future__ import annotations

from datetime import timedelta

import typer

from policies.address import Address
from relay.adapters.store.engine import Engine
from relay.adapters.store.evidence import PersonRecord
from relay.adapters.store.persons import Forgotten, Kept, Persons
from relay.adapters.store.suppressions import SuppressionRecord, Suppressions
from relay.cli.arguments import Mailbox
from relay.cli.evidence_bundle import bundle
from relay.cli.invocation import By, Json, invocation
from relay.cli.output import print_json, print_line, print_table
from relay.cli.session import act, with_store
from relay.cli.suppress import shape
from relay.cli.suppress_import import EVERY_ACCOUNT

app = typer.Typer(help="One person over all accounts.")


@app.command()
def show(ctx: typer.Context, address: Mailbox, json: Json = False) -> None:
    """Which accounts know the person, what permission each has, and what the person said."""
    records = with_store(ctx, lambda engine: Persons(engine).show(address))
    max_age = timedelta(days=invocation(ctx).settings.imports.max_age_days)
    if json:
        print_json({"address": address.key, "accounts": [bundle(one, "", max_age).json() for one in records]})
        return
    rows = [
        (one["account"], one.get("list"), one.get("status"), one.get("basis"), one.get("expires_at"))
        for record in records
        for one in bundle(record, "", max_age).records
    ]
    print_table(("account", "list", "status", "basis", "permission until"), rows)


@app.command()
def export(ctx: typer.Context, address: Mailbox) -> None:
    """All that is kept under an address, as JSON, to hand to the person."""

    async def work(engine: Engine) -> tuple[list[PersonRecord], list[SuppressionRecord], Kept]:
        persons = Persons(engine)
        records = await persons.show(address)
        noes = [no for one in records for no in await Suppressions(engine).of(one.account, address)]
        return records, noes or await Suppressions(engine).of(EVERY_ACCOUNT, address), await persons.export(address)

    records, noes, kept = with_store(ctx, work)
    max_age = timedelta(days=invocation(ctx).settings.imports.max_age_days)
    print_json(
        {
            "address": address.key,
            "accounts": [bundle(one, "", max_age).json() for one in records],
            "suppressions": [shape(one) for one in noes],
            "deliveries": list(kept.deliveries),
            "journal": list(kept.journal),
            "import_rows": list(kept.refused_rows),
        }
    )


@app.command()
def forget(ctx: typer.Context, address: Mailbox, *, by: By, json: Json = False) -> None:
    """Erase a person under every account. What they said stands on as a keyed hash that later imports meet."""
    done = with_store(ctx, lambda engine: Persons(engine).forget(address, act(by)))
    _print(address, done, json)


def _print(address: Address, done: Forgotten, json: bool) -> None:
    if json:
        print_json({"accounts": done.accounts, "noes": done.noes, "rows": done.rows})
        return
    print_line(f"{address} is erased under {done.accounts} accounts and in {done.rows} other rows")
    if done.noes:
        print_line(f"{done.noes} times the person had said no: that stands on, without the address")
