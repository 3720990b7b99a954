"""`relay check`: a dry run of one message."""

from __future__ import annotations

import asyncio
import sys
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
from relay.cli.check_report import as_json, print_copies, print_report
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json
from relay.dry_run import DryRun, Report
from relay.gather import Gather
from relay.key_ring import KeyRing
from relay.reading import Reader, TooCostly
from relay.recipes import Recipes
from relay.tokens import Tokens

app = typer.Typer()
_EXIT = {"accepted": Exit.DONE, "rejected": Exit.REFUSED, "held": Exit.HELD}


@app.command()
def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The message, an .eml file; - reads standard input.")],
    account: Annotated[str, typer.Option("--account", help="Account that would send it.")],
    to: Annotated[list[str], typer.Option("--to", help="Recipient; may be given more than once.")],
    list_name: Annotated[str, typer.Option("--list", help="List it would be sent on.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Write the rewritten copies into this folder.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="Show the rules that accept, too.")] = False,
    no_diff: Annotated[bool, typer.Option("--no-diff", help="Leave out the lines that would change.")] = False,
    json: Json = False,
) -> None:
    """Judge and rewrite a message without sending or recording anything. Exit 0 accepted, 1 rejected, 3 held."""
    recipients = _addresses(to)
    settings = invocation(ctx).settings
    octets = _message(file, settings.limits.max_size)
    try:
        report = asyncio.run(judge(settings, octets, account, recipients, list_name))
    except TooCostly as error:
        raise Failure(f"{error}; the relay would answer 451") from None
    written = _written(out, report) if out is not None else []
    if json:
        print_json(as_json(report))
    else:
        print_report(report, rules, not no_diff)
        print_copies(written)
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


def _addresses(texts: list[str]) -> list[Address]:
    """Each once, in order."""
    found: dict[Address, None] = {}
    for text in [one.strip() for given in texts for one in given.split(",") if one.strip()]:
        try:
            found[Address.parse(text)] = None
        except AddressFault as fault:
            raise Failure(f"--to {text}: {fault}", Exit.USAGE) from None
    if not found:
        raise Failure("--to names no recipient", Exit.USAGE)
    return list(found)


def _message(file: Path, limit: int) -> bytes:
    """The file's octets, no more than one over the limit: what is larger is refused whatever follows."""
    try:
        if str(file) == "-":
            octets = sys.stdin.buffer.read(limit + 1)
        else:
            with file.open("rb") as stream:
                octets = stream.read(limit + 1)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror or error}", Exit.USAGE) from None
    if not octets.strip():
        raise Failure(f"{file} is empty", Exit.USAGE)
    return octets


def _written(folder: Path, report: Report) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_copy(folder / f"{recipient.replace('/', '_')}.eml", octets) for recipient, octets in report.copies]
    except OSError as error:
        raise Failure(f"--out {folder}: {error.strerror or error}", Exit.USAGE) from None


def _copy(path: Path, octets: bytes) -> Path:
    path.write_bytes(octets)
    return path
