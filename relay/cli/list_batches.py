"""`relay list batches|batch|release|quarantine`: imports as staff see and decide them (clauses 3.2, 6.2)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from config.schema import Settings
from policies.imports.batch import Counts
from policies.imports.row import SIGNAL_OF
from relay.adapters.store.batches import Batches, BatchRecord
from relay.cli.arguments import Account, Reason
from relay.cli.invocation import By, Json, invocation
from relay.cli.output import print_json, print_line, print_table
from relay.cli.session import act, with_store
from relay.inspecting import limits, terms

BatchId = Annotated[int, typer.Argument(metavar="BATCH", min=1)]
_TABLE = ("batch", "list", "rows", "accepted", "state", "verdict", "complaints", "bounces", "opt-outs", "begun")


def batches(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """An account's imports, and what came of them; single additions make one batch a day."""
    records = with_store(ctx, lambda engine: Batches(engine).of(account))
    if json:
        print_json([_shape(one, invocation(ctx).settings) for one in records])
        return
    print_table(_TABLE, [_row(one) for one in records])


def batch(ctx: typer.Context, account: Account, batch_id: BatchId, json: Json = False) -> None:
    """One import with the arithmetic of its verdict."""
    record = with_store(ctx, lambda engine: Batches(engine).show(account, batch_id))
    _show(record, invocation(ctx).settings, json)


def release(
    ctx: typer.Context, account: Account, batch_id: BatchId, reason: Reason, *, by: By, json: Json = False
) -> None:
    """Let in what was held for review or stopped; a big one begins its daily ramp now."""
    settings = invocation(ctx).settings
    entry = terms(settings.imports)
    record = with_store(ctx, lambda engine: Batches(engine).release(account, batch_id, reason, entry, act(by)))
    _show(record, settings, json)


def quarantine(
    ctx: typer.Context, account: Account, batch_id: BatchId, reason: Reason, *, by: By, json: Json = False
) -> None:
    """Stop an import: its addresses are refused from the next RCPT on (consent.quarantined)."""
    record = with_store(ctx, lambda engine: Batches(engine).quarantine(account, batch_id, reason, act(by)))
    _show(record, invocation(ctx).settings, json)


def _row(one: BatchRecord) -> tuple[str | int | None, ...]:
    came = (one.complaints, one.bounces, one.opt_outs)
    return (
        one.batch_id,
        one.list_name,
        one.rows,
        one.accepted,
        one.state.value,
        one.verdict or None,
        *came,
        f"{one.started_at:%Y-%m-%d %H:%M}",
    )


def _show(one: BatchRecord, settings: Settings, json: bool) -> None:
    shape = _shape(one, settings)
    if json:
        print_json(shape)
        return
    tables = ("reasons", "shares")
    rows = [(name.replace("_", " "), str(value)) for name, value in shape.items() if name not in tables]
    print_table(("field", "value"), [row for row in rows if row[1] not in ("None", "")])
    if one.reasons:
        print_table(("refused by", "rows"), Counter(one.reasons).most_common())
    for share in limits(settings.imports).score(_counts(one)).shares:
        print_line(str(share), "red" if share.over else "")


def _shape(one: BatchRecord, settings: Settings) -> dict[str, object]:
    shares = limits(settings.imports).score(_counts(one)).shares
    times = ("started_at", "finished_at", "ramp_from", "ramp_until", "decided_at")
    shape: dict[str, object] = {name: getattr(one, name) for name in BatchRecord.__slots__ if name not in times}
    shape |= {name: at.isoformat() if (at := getattr(one, name)) else None for name in times}
    del shape["signals"], shape["batch_id"]
    shape |= {"overlap": one.signals.get("overlap", 0), "shares": [str(share) for share in shares]}
    return {"batch": one.batch_id} | shape


def _counts(one: BatchRecord) -> Counts:
    signals = dict(one.signals)
    for reason, count in one.reasons.items():
        if reason in SIGNAL_OF:
            signals[SIGNAL_OF[reason]] = signals.get(SIGNAL_OF[reason], 0) + count
    return Counts(one.rows, one.accepted, signals)
