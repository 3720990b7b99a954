"""`relay credential`: SMTP logins; a password is shown once, or read from standard input; only its hash is kept."""

from __future__ import annotations

import secrets
import sys
from enum import StrEnum
from typing import Annotated

import typer

from policies.facts import Stream
from relay.adapters.store.credentials import PLATFORM, CredentialRecord, Credentials, Grant
from relay.cli.arguments import AnyReason, name
from relay.cli.invocation import By, Json
from relay.cli.output import Exit, Failure, print_json, print_line, print_note, print_table
from relay.cli.session import act, with_store
from relay.smtp.auth import Passwords
from relay.transaction import Refuse

app = typer.Typer(help="SMTP logins ACCOUNT/NAME, and the platform's own.")


class RefuseWay(StrEnum):
    """How a login hears of refused recipients."""

    AT_ONCE = "at-once"
    REPORT = "report"


MAX_PASSWORD = 255
"""Octets; SASL PLAIN carries no more (RFC 4616 §2)."""
SHORT_PASSWORD = 12

Platform = Annotated[bool, typer.Option("--platform", help="The platform's own: no ACCOUNT.")]
Names = Annotated[list[str], typer.Argument(metavar="[ACCOUNT] NAME", parser=name)]


@app.command()
def add(
    ctx: typer.Context,
    names: Names,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")] = False,
    list_: Annotated[
        str | None, typer.Option("--list", parser=name, metavar="LIST", help="The list of all it sends.")
    ] = None,
    stream: Annotated[Stream, typer.Option(help="What it may send; anything but marketing needs --reason.")] = (
        Stream.MARKETING
    ),
    reason: AnyReason = None,
    refuse: Annotated[
        RefuseWay | None,
        typer.Option(help="Refused recipients: 550 at once, or one report by mail. Default: report for personal."),
    ] = None,
    platform: Platform = False,
    *,
    by: By,
    json: Json = False,
) -> None:
    """A new login; its password is shown this once."""
    account, called = _owner_and_name(names, platform)
    grant = _grant(stream, reason, refuse)
    if platform and (list_ or grant != Grant()):
        raise Failure("a platform credential has no list, no stream and no way of refusal", Exit.USAGE)
    password = _typed() if stdin else secrets.token_urlsafe(24)
    hashed = _hashed(password)
    record = with_store(
        ctx, lambda engine: Credentials(engine).add(account, called, hashed, list_ or "", act(by), grant)
    )
    shown = None if stdin else password
    if json:
        print_json(_json(record) | ({"password": shown} if shown else {}))
        return
    print_line(f"login:    {record.login}")
    if shown:
        print_line(f"password: {shown}")
        print_note("The password is not kept and not shown again.")


@app.command("list")
def list_(
    ctx: typer.Context,
    account: Annotated[str | None, typer.Argument(metavar="[ACCOUNT]", parser=name)] = None,
    platform: Platform = False,
    json: Json = False,
) -> None:
    """The logins of an account, revoked ones too."""
    if platform == (account is not None):
        raise Failure("name an ACCOUNT, or --platform", Exit.USAGE)
    records = with_store(ctx, lambda engine: Credentials(engine).of(account or PLATFORM))
    if json:
        print_json([_json(record) for record in records])
        return
    rows = [
        (one.login, one.stream, one.reason or None, one.refuse, one.list_name or None, _created(one), _day(one))
        for one in records
    ]
    print_table(("login", "stream", "reason", "refuse", "list", "created", "revoked"), rows)


@app.command()
def revoke(ctx: typer.Context, names: Names, platform: Platform = False, *, by: By) -> None:
    """End a login: it is refused from the next AUTH on."""
    account, called = _owner_and_name(names, platform)
    with_store(ctx, lambda engine: Credentials(engine).revoke(account, called, act(by)))
    print_line(f"{f'{account}/{called}' if account else called} is revoked")


def _grant(stream: Stream, reason: str | None, refuse: RefuseWay | None) -> Grant:
    if stream is not Stream.MARKETING and not reason:
        raise Failure(f"--stream {stream} needs --reason: such mail needs no permission", Exit.USAGE)
    chosen: Refuse | None = None if refuse is None else "report" if refuse is RefuseWay.REPORT else "at-once"
    return Grant(stream, reason or "", chosen)


def _owner_and_name(names: list[str], platform: bool) -> tuple[str, str]:
    if platform and len(names) == 1:
        return PLATFORM, names[0]
    if not platform and len(names) == 2:
        return names[0], names[1]
    raise Failure("give ACCOUNT NAME, or --platform NAME", Exit.USAGE)


def _typed() -> str:
    """The first line of standard input, without its newline."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password or "\0" in password or len(password.encode()) > MAX_PASSWORD:
        raise Failure(f"standard input must hold a password of 1 to {MAX_PASSWORD} octets in one line", Exit.USAGE)
    if len(password) < SHORT_PASSWORD:
        print_note(f"a password of fewer than {SHORT_PASSWORD} characters is easily guessed")
    return password


def _hashed(password: str) -> str:
    passwords = Passwords()
    try:
        return passwords.hash(password.encode())
    finally:
        passwords.close()


def _created(record: CredentialRecord) -> str:
    return f"{record.created_at:%Y-%m-%d}"


def _day(record: CredentialRecord) -> str | None:
    return f"{record.revoked_at:%Y-%m-%d}" if record.revoked_at else None


def _json(record: CredentialRecord) -> dict[str, str | None]:
    return {
        "login": record.login,
        "account": record.account or None,
        "name": record.name,
        "stream": record.stream,
        "stream_reason": record.reason or None,
        "granted_by": record.granted_by or None,
        "refuse": record.refuse,
        "list": record.list_name or None,
        "created_at": record.created_at.isoformat(),
        "revoked_at": record.revoked_at.isoformat() if record.revoked_at else None,
    }
