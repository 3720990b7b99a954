"""`relay log`: the journal, newest last; -f follows it."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from relay.adapters.store.engine import Engine
from relay.adapters.store.journal_reading import LATE, Cursor, Entry, JournalReader, Key, Search
from relay.cli.arguments import name
from relay.cli.invocation import Json, Since
from relay.cli.output import print_json_line
from relay.cli.session import with_store
from relay.journal import text_line

app = typer.Typer()

POLL = 0.25
"""Seconds between looks while following."""


@app.command()
def log(
    ctx: typer.Context,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what comes.")] = False,
    account: Annotated[str | None, typer.Option(parser=name, metavar="ACCOUNT")] = None,
    rule: Annotated[str, typer.Option(metavar="RULE", help="A rule id or its group.")] = "",
    event: Annotated[str, typer.Option(metavar="EVENT", help="Such as recipient.refused.")] = "",
    recipient: Annotated[str, typer.Option(metavar="ADDR")] = "",
    since: Since = None,
    ref: Annotated[str, typer.Option(metavar="REF")] = "",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the newest N.")] = None,
    json: Json = False,
) -> None:
    """What the relay answered and did, newest last."""
    search = Search(account or "", rule, event, recipient.strip().strip("<>"), since, ref.strip().strip("[]"), limit)

    async def work(engine: Engine) -> None:
        reader = JournalReader(engine)
        cursor = await reader.cursor(search, datetime.now(UTC)) if follow else None
        shown = await _print_all(reader, search, cursor, json)
        while cursor is not None:
            fresh, cursor = await reader.follow(search, Cursor(cursor.at, cursor.seen | shown))
            for entry in fresh:
                _print(entry, json)
            await asyncio.sleep(POLL)

    with_store(ctx, work)


async def _print_all(reader: JournalReader, search: Search, cursor: Cursor | None, json: bool) -> frozenset[Key]:
    """Print what there is; the rows among it that a follower would find again."""
    again = set()
    async for entry in reader.rows(search):
        _print(entry, json)
        if cursor is not None and entry.at >= cursor.at - LATE:
            again.add(entry.key)
    return frozenset(again)


def _print(entry: Entry, json: bool) -> None:
    if json:
        print_json_line(entry.line)
    else:
        # text_line has spelled out whatever a terminal would obey.
        print(text_line(entry.line, sys.stdout.isatty() and not os.environ.get("NO_COLOR")), flush=True)
