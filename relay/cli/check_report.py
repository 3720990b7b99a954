"""How `relay check` tells what it found: for people with colours on a terminal, for programs as JSON."""

from __future__ import annotations

from pathlib import Path

from relay.cli.output import print_line, print_table
from relay.differences import Differences, differences
from relay.dry_run import Found, Report

_STYLE = {"accepted": "green", "rejected": "red", "held": "yellow", "observed": "yellow"}
_MARKS = {"+": "green", "-": "red", "@": "dim", " ": ""}


def as_json(report: Report) -> dict[str, object]:
    """INTERFACE.md §1's members."""
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


def print_report(report: Report, every_rule: bool, diff: bool) -> None:
    """Verdict, recipients, rules, findings, changes, and the first copy beside what came."""
    said = f": {report.rule}: {report.why}" if report.rule else ""
    print_line(f"{report.verdict}{said}", f"bold {_STYLE[report.verdict]}")
    _recipients(report)
    _rules(report, every_rule)
    _findings(report)
    _changes(report)
    if diff and report.copies:
        recipient, octets = report.copies[0]
        _differences(recipient, differences(report.received, octets))


def print_copies(paths: list[Path]) -> None:
    for path in paths:
        print_line(f"copy written: {path} ({path.stat().st_size} octets)")


def _heading(text: str) -> None:
    print_line("")
    print_line(text, "bold")


def _recipients(report: Report) -> None:
    _heading("Recipients")
    for one in report.recipients:
        why = f"  {one.rule}: {one.why}" if one.rule else ""
        print_line(f"  {one.verdict:<9} {one.address}{why}", _STYLE[one.verdict])


def _rules(report: Report, every_rule: bool) -> None:
    """Rules that object, of each recipient and of the message; all of them on request."""
    shown = [one for one in report.judgements if every_rule or one.verdict != "accepted"]
    _heading("Rules")
    if shown:
        print_table(
            ("of", "rule", "verdict", "why"),
            [(one.subject or "the message", one.rule, one.verdict, one.why or None) for one in shown],
        )
    quiet = len(report.judgements) - len(shown)
    if quiet:
        print_line(f"  {quiet} {'verdicts' if quiet > 1 else 'verdict'} of {_rule_count(report)} rules accept")


def _rule_count(report: Report) -> int:
    accepted: set[str] = {one.rule for one in report.judgements if one.verdict == "accepted"}
    return len(accepted)


def _findings(report: Report) -> None:
    if not report.findings:
        return
    _heading("Found")
    for one in report.findings:
        print_line(f"  {_place(one)}  {one.rule}  {one.excerpt}", "yellow" if "does not count" in one.excerpt else "")


def _place(one: Found) -> str:
    line = f", line {one.line}" if one.line else ""
    return f"part {one.part}{line}" if one.part[:1].isdigit() else f"{one.part or 'header'}{line}"


def _changes(report: Report) -> None:
    if not report.changes:
        return
    _heading("Changed")
    for part, what in report.changes:
        print_line(f"  {f'part {part}' if part else 'header'}: {what}")


def _differences(recipient: str, found: Differences) -> None:
    _heading(f"The copy for {recipient} beside the message as it came")
    for section in found.sections:
        print_line(f"--- {section.title}", "bold")
        for line in section.lines:
            print_line(f"{line.mark} {line.text}" if line.mark != "@" else line.text, _MARKS[line.mark])
    parts = "part is" if found.unchanged == 1 else "parts are"
    print_line(f"{found.unchanged} {parts} unchanged, octet for octet", "dim")
