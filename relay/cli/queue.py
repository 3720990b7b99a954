"""`relay queue`: what waits for the smarthost, as mailq shows it; tried now, or given up and reported."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated

import typer

from config.schema import Settings
from relay.adapters.store.mail_store import open_mail_store
from relay.adapters.store.queue import Key, Queue, Selection, Times, Waiting
from relay.adapters.store.queue import drop as drop_copies
from relay.cli.arguments import Reason, name
from relay.cli.invocation import By, Json, invocation, since
from relay.cli.output import Exit, Failure, print_json, print_line, print_note, print_table
from relay.cli.session import with_store

app = typer.Typer(help="Mail that waits for the smarthost.")

AGES = (("< 1 h", timedelta(hours=1)), ("< 4 h", timedelta(hours=4)), ("< 1 d", timedelta(days=1)))
OLDEST = ">= 1 d"

Refs = Annotated[list[str] | None, typer.Argument(metavar="[REF]…", help="Messages; default: by the options.")]
AccountName = Annotated[str | None, typer.Option("--account", parser=name, metavar="ACCOUNT", help="Only its mail.")]
Smarthost = Annotated[str, typer.Option("--smarthost", metavar="HOST:PORT", help="Last tried there.")]
Age = Annotated[
    datetime | None,
    typer.Option("--age", parser=since, metavar="TIME", help="At least so old: 10m, 2h, 3d.", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="Everything that waits.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    account: AccountName = None,
    smarthost: Smarthost = "",
    age: Age = None,
    summary: Annotated[bool, typer.Option("--summary", help="Counts by smarthost, age and last code.")] = False,
    json: Json = False,
) -> None:
    """What waits, oldest first."""
    copies = _waiting(ctx, Selection((), account or "", smarthost, age))
    if summary:
        _print_summary(copies, json)
    elif json:
        print_json([_message_json(list(group)) for _, group in groupby(copies, key=lambda one: one.key)])
    else:
        _print_list(copies)


@app.command()
def show(ctx: typer.Context, ref: Annotated[str, typer.Argument(metavar="REF")], json: Json = False) -> None:
    """One message with every copy that waits, and why."""
    copies = _waiting(ctx, Selection((_ref(ref),)))
    if not copies:
        raise Failure(f"nothing of {_ref(ref)} waits: relay explain {_ref(ref)} tells what became of it")
    if json:
        print_json(_message_json(copies))
        return
    first = copies[0]
    for label, value in (
        ("ref", first.ref),
        ("account", first.account or "the platform"),
        ("reverse-path", first.reverse_path or "<>"),
        ("received", f"{first.received_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("given up", f"{first.expires_at:%Y-%m-%d %H:%M:%S} UTC"),
    ):
        print_line(f"{label:13} {value}")
    columns = ("recipient", "state", "tries", "next", "smarthost", "said")
    print_table(columns, [(*_row(one)[2:],) for one in copies])


@app.command()
def retry(
    ctx: typer.Context,
    refs: Refs = None,
    account: AccountName = None,
    smarthost: Smarthost = "",
    age: Age = None,
    every: All = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Try copies now, parked ones and those set aside for a person too."""
    copies = _chosen(ctx, refs, account, smarthost, age, every)
    if not dry_run:
        now = datetime.now(UTC)
        done = with_store(ctx, lambda engine: Queue(engine).retry(copies, now))
        _tell("tried now", copies, done, json)
    else:
        _tell("would be tried now", copies, copies, json)


@app.command()
def drop(
    ctx: typer.Context,
    reason: Reason,
    refs: Refs = None,
    account: AccountName = None,
    smarthost: Smarthost = "",
    age: Age = None,
    every: All = False,
    dry_run: DryRun = False,
    json: Json = False,
    *,
    by: By,
) -> None:
    """Give copies up; the sender gets a report with the reason."""
    copies = _chosen(ctx, refs, account, smarthost, age, every)
    if dry_run:
        _tell("would be dropped", copies, copies, json)
        return
    done = asyncio.run(_drop(invocation(ctx).settings, copies, f"5.0.0 given up by {by}: {reason}"))
    _tell("dropped", copies, done, json)


async def _drop(settings: Settings, copies: Sequence[Waiting], said: str) -> list[Waiting]:
    # Here, not above: only this command writes mail.
    from relay.adapters.clock import SystemClock
    from relay.adapters.dkim_keys import KeyDirectory
    from relay.app import reports
    from relay.forwarding.deliveries import Deliveries
    from relay.journal import LineJournal

    clock, doubt = SystemClock(), timedelta(seconds=settings.delivery.in_doubt_after)
    store = open_mail_store(settings.store.url, clock, doubt, settings.data_dir)
    report = reports(settings, clock, KeyDirectory(settings.data_dir / "dkim"))
    journal, done = LineJournal(settings.hostname, (), store.journal), []
    try:
        for key, group in groupby(copies, key=lambda one: one.key):
            waiting = {one.ordinal: one for one in group}
            dropped = await drop_copies(store, key, list(waiting), said, report.due, Times(clock.now(), doubt))
            if dropped.message is None:
                continue
            name_ = next(iter(waiting.values())).account
            lines = Deliveries.of_queued(journal, clock, dropped.message, name_)
            for copy in dropped.copies:
                lines.not_done(copy.recipient, copy, said, clock.monotonic())
                done.append(waiting[copy.ordinal])
    finally:
        await store.close()
    return done


def _chosen(
    ctx: typer.Context, refs: list[str] | None, account: str | None, smarthost: str, age: datetime | None, every: bool
) -> list[Waiting]:
    if not (refs or account or smarthost or age or every):
        raise Failure("name messages by REF, or select by --account, --smarthost, --age, or say --all", Exit.USAGE)
    wanted = tuple(_ref(ref) for ref in refs or ())
    copies = _waiting(ctx, Selection(wanted, account or "", smarthost, age))
    missing = [ref for ref in wanted if ref not in {one.ref for one in copies}]
    if missing:
        raise Failure(f"nothing of {', '.join(missing)} waits")
    return copies


def _waiting(ctx: typer.Context, selection: Selection) -> list[Waiting]:
    return with_store(ctx, lambda engine: Queue(engine).waiting(selection))


def _ref(text: str) -> str:
    return text.strip().strip("[]")


def _tell(what: str, copies: Sequence[Waiting], done: Sequence[Waiting], json: bool) -> None:
    busy = sorted({one.ref for one in copies} - {one.ref for one in done})
    refs = list(dict.fromkeys(one.ref for one in done))
    if json:
        print_json({"copies": len(done), "refs": refs, "busy": busy})
        return
    print_line(f"{len(done)} copies of {len(refs)} messages: {what}")
    if busy:
        print_note(f"worked on at this moment, and left alone: {', '.join(busy)}")


def _print_list(copies: Sequence[Waiting]) -> None:
    columns = ("ref", "account", "recipient", "state", "tries", "next", "smarthost", "said")
    print_table(columns, [_row(one) for one in copies])
    messages = len({one.key for one in copies})
    print_line(f"{len(copies)} copies of {messages} messages wait")


def _row(one: Waiting) -> tuple[str | int | None, ...]:
    due = "now" if one.busy else f"{one.next_attempt_at:%m-%d %H:%M:%S}" if one.next_attempt_at else "never by itself"
    said = f"{one.code} {one.said}" if one.code else one.said
    who = one.account or ("the platform" if not one.account_id else None)
    return (one.ref, who, one.recipient, one.state, one.attempts, due, one.smarthost or None, said or None)


def _message_json(copies: Sequence[Waiting]) -> dict[str, object]:
    first = copies[0]
    return {
        "ref": first.ref,
        "account": first.account or None,
        "purpose": first.purpose,
        "reverse_path": first.reverse_path or None,
        "received_at": first.received_at.isoformat(),
        "expires_at": first.expires_at.isoformat(),
        "busy": first.busy,
        "copies": [_copy_json(one) for one in copies],
    }


def _copy_json(one: Waiting) -> dict[str, object]:
    return {
        "recipient": one.recipient,
        "state": one.state,
        "attempts": one.attempts,
        "in_doubt": one.in_doubt,
        "next_attempt_at": one.next_attempt_at.isoformat() if one.next_attempt_at else None,
        "smarthost": one.smarthost or None,
        "code": one.code or None,
        "said": one.said or None,
        "phase": one.phase or None,
    }


def _print_summary(copies: Sequence[Waiting], json: bool) -> None:
    now = datetime.now(UTC)
    keys = [(one.smarthost or "-", _age(now - one.received_at), str(one.code or "-")) for one in copies]
    counted = Counter(keys)
    messages: dict[tuple[str, str, str], set[Key]] = {}
    for key, one in zip(keys, copies, strict=True):
        messages.setdefault(key, set()).add(one.key)
    order = [name_ for name_, _ in AGES] + [OLDEST]
    rows = sorted(counted.items(), key=lambda row: (row[0][0], order.index(row[0][1]), row[0][2]))
    if json:
        names = ("smarthost", "age", "code")
        print_json(
            [dict(zip(names, key, strict=True)) | {"copies": n, "messages": len(messages[key])} for key, n in rows]
        )
        return
    print_table(
        ("smarthost", "age", "last code", "copies", "messages"), [(*key, n, len(messages[key])) for key, n in rows]
    )


def _age(old: timedelta) -> str:
    return next((name_ for name_, limit in AGES if old < limit), OLDEST)
