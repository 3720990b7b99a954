"""`relay explain`: all that is known of one refusal, deferral or delivery, and what to do about it (clause 3.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer

from policies.clauses import CLAUSES
from policies.guidance import GUIDANCE
from relay.adapters.store.journal_reading import Entry, JournalReader, Story
from relay.adapters.store.spool_state import SpoolState
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_table
from relay.cli.session import with_store

app = typer.Typer()

_REF = re.compile(r"(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])")

Explained = Mapping[str, object]


@app.command()
def explain(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="REF", help="A REF, REF.MAC, a link, or a whole reply line.")],
    json: Json = False,
) -> None:
    """All that is known of one refusal, hold or delivery: rule, clause, facts, reply as sent, what to do."""
    found = _REF.search(" ".join(words).upper())
    if found is None:
        raise Failure("there is no REF in that: 26 letters and digits, as they stand in the reply", Exit.USAGE)
    ref = found.group()
    story = with_store(ctx, lambda engine: JournalReader(engine).story(ref))
    if not story.entries and story.spool is None:
        raise Failure(f"nothing is known of {ref}")
    explained = _explained(ref, story, invocation(ctx).settings.platform.language)
    if json:
        print_json(explained)
    else:
        _print(explained, story)


def _explained(ref: str, story: Story, language: str) -> dict[str, object]:
    main = _main(story.entries)
    rule = str(main.get("rule") or "")
    guidance = GUIDANCE.get(rule)
    asks, mend = guidance.in_language(language) if guidance else (None, None)
    clause = main.get("clause")
    head = {name: main.get(name) for name in ("at", "event", "account", "list", "recipient", "reply", "why")}
    return {
        "ref": ref,
        **head,
        "rule": rule or None,
        "clause": clause,
        "title": next((one.title for one in CLAUSES if one.id == clause), None),
        "asks": asks,
        "what_to_do": mend,
        "events": [one.line for one in story.entries],
        "evidence": [one.evidence for one in story.entries if one.evidence],
        "spool": _spool(story.spool) if story.spool else None,
    }


def _main(entries: Sequence[Entry]) -> Mapping[str, object]:
    """The line that answered somebody: the first with a rule, else with a reply, else the first."""
    for member in ("rule", "reply"):
        for entry in entries:
            if entry.line.get(member):
                return entry.line
    return entries[0].line if entries else {}


def _spool(state: SpoolState) -> dict[str, object]:
    return {
        "purpose": state.purpose,
        "received_at": state.received_at.isoformat(),
        "expires_at": state.expires_at.isoformat(),
        "next_attempt_at": _iso(state.next_attempt_at),
        "final_at": _iso(state.final_at),
        "answer": state.answer or None,
        "copies": [
            {
                "recipient": one.recipient,
                "state": one.state,
                "attempts": one.attempts,
                "next_attempt_at": _iso(one.next_attempt_at),
                "smarthost": one.smarthost or None,
                "phase": one.phase or None,
                "reply": one.reply or None,
            }
            for one in state.copies
        ],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _print(explained: Explained, story: Story) -> None:
    clause = f"{explained['clause']}: {explained['title']}" if explained["clause"] else None
    rows = [
        (label, str(value))
        for label, value in (
            ("ref", explained["ref"]),
            ("at", explained["at"]),
            ("what", explained["event"]),
            ("account", explained["account"]),
            ("list", explained["list"]),
            ("recipient", explained["recipient"]),
            ("reply as sent", explained["reply"]),
            ("rule", explained["rule"]),
            ("clause", clause),
            ("why", explained["why"]),
            ("the rule asks", explained["asks"]),
            ("what to do", explained["what_to_do"]),
        )
        if value
    ]
    print_table(("field", "value"), rows)
    _print_evidence(story.entries)
    _print_events(story.entries)
    if story.spool is not None:
        _print_spool(story.spool)


def _print_evidence(entries: Sequence[Entry]) -> None:
    rows = [(path, text) for entry in entries for path, text in _leaves("", entry.evidence)]
    if rows:
        print_line("")
        print_table(("fact", ""), rows)


def _leaves(path: str, value: object) -> list[tuple[str, str]]:
    """Every known value with the way to it; what is empty is left out."""
    if isinstance(value, Mapping):
        return [leaf for name, one in value.items() for leaf in _leaves(f"{path}.{name}".lstrip("."), one)]
    if isinstance(value, list):
        return [leaf for number, one in enumerate(value, 1) for leaf in _leaves(f"{path} {number}", one)]
    return [] if value in (None, "") else [(path, str(value))]


def _print_events(entries: Sequence[Entry]) -> None:
    if len(entries) < 2:
        return
    print_line("")
    rows = [
        tuple(str(one.line.get(name) or "-") for name in ("at", "event", "recipient", "smarthost", "reply"))
        for one in entries
    ]
    print_table(("at", "event", "recipient", "smarthost", "reply"), rows)


def _print_spool(state: SpoolState) -> None:
    print_line("")
    if state.answer:
        print_line(f"the client was answered: {state.answer}")
    rows = [
        (one.recipient, one.state, one.attempts, _iso(one.next_attempt_at), one.smarthost or None, one.reply or None)
        for one in state.copies
    ]
    print_table(("recipient", "state", "attempts", "next attempt", "smarthost", "last words"), rows)
