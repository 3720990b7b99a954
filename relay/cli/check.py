"""`relay check`: a dry run of one message."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from config.schema import Settings
from policies.address import Address, AddressFault
from policies.registry import build
from relay.adapters.clock import SystemClock
from relay.adapters.dkim_keys import KeyDirectory
from relay.adapters.store.address_books import StoreAddressBooks
from relay.adapters.store.mail_store import open_mail_store
from relay.app import Signers
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_table
from relay.dry_run import DryRun, Report
from relay.gather import Gather
from relay.reading import Reader
from relay.recipes import Recipes
from relay.tokens import KeyRing, Tokens

app = typer.Typer()
_EXIT = {"accepted": Exit.DONE, "rejected": Exit.REFUSED, "held": Exit.HELD}


@app.command()
def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The message, an .eml file.", exists=True, dir_okay=False)],
    account: Annotated[str, typer.Option("--account", help="Account that would send it.")],
    to: Annotated[list[str], typer.Option("--to", help="Recipient; may be given more than once.")],
    list_name: Annotated[str, typer.Option("--list", help="List it would be sent on.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Write the rewritten copies into this folder.")] = None,
    json: Json = False,
) -> None:
    """Judge and rewrite a message without sending or recording anything. Exit 0 accepted, 1 rejected, 3 held."""
    recipients = [_address(one) for text in to for one in text.split(",")]
    report = asyncio.run(judge(invocation(ctx).settings, file.read_bytes(), account, recipients, list_name))
    if out is not None:
        _write(out, report)
    if json:
        print_json(_shape(report))
    else:
        _print(report)
    raise typer.Exit(_EXIT[report.verdict])


async def judge(settings: Settings, raw: bytes, name: str, to: list[Address], list_name: str) -> Report:
    """One dry run on a store opened for it; Failure where account or list do not exist."""
    clock = SystemClock()
    tokens = Tokens(KeyRing.open(settings.data_dir / "keys"))
    doubt = timedelta(seconds=settings.delivery.in_doubt_after)
    store = open_mail_store(settings.store.url, clock, doubt, recognise=tokens.person)
    reader = Reader(settings.hostname, settings.platform.public_url)
    keys = KeyDirectory(settings.data_dir / "dkim")
    try:
        account = await store.directory.account_named(name)
        if account is None:
            raise Failure(f"no account is named {name}")
        if list_name and account.list_named(list_name) is None:
            raise Failure(f"{name} has no list {list_name}")
        signers = Signers(settings, keys)
        books = StoreAddressBooks(store.reader, clock)
        gather = Gather(store.directory, store.permissions, reader, books, signers.aligned)
        recipes = Recipes(settings, tokens, signers)
        return await DryRun(build(settings), gather, recipes, keys, clock).run(raw, account, to, list_name)
    finally:
        reader.close()
        await store.close()


def _address(text: str) -> Address:
    try:
        return Address.parse(text.strip())
    except AddressFault as fault:
        raise typer.BadParameter(f"{text.strip()}: {fault}") from None


def _write(folder: Path, report: Report) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for recipient, octets in report.copies:
        (folder / f"{recipient.replace('/', '_')}.eml").write_bytes(octets)


def _shape(report: Report) -> dict[str, object]:
    return {
        "verdict": report.verdict,
        "rule": report.rule or None,
        "why": report.why or None,
        "recipients": [
            {"address": one.address, "verdict": one.verdict, "rule": one.rule or None, "why": one.why or None}
            for one in report.recipients
        ],
        "findings": [
            {"rule": one.rule, "part": one.part, "line": one.line, "excerpt": one.excerpt} for one in report.findings
        ],
        "changes": [{"part": part, "what": what} for part, what in report.changes],
    }


def _print(report: Report) -> None:
    style = {"accepted": "green", "rejected": "red", "held": "yellow"}[report.verdict]
    print_line(f"{report.verdict}{f'  {report.rule}: {report.why}' if report.rule else ''}", style)
    print_table(
        ("recipient", "verdict", "rule", "why"),
        [(one.address, one.verdict, one.rule, one.why) for one in report.recipients],
    )
    if report.findings:
        print_table(
            ("rule", "part", "line", "found"),
            [(one.rule, one.part, one.line, one.excerpt) for one in report.findings],
        )
    if report.changes:
        print_table(("part", "what is changed"), [(part or "header", what) for part, what in report.changes])
