"""`relay keys`: the token keys of every link we ever sent, and the DKIM keys; no backup holds them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from config.schema import Settings
from relay.adapters.dkim_keys import is_key_name, put_back
from relay.cli.invocation import Json, invocation
from relay.cli.output import Exit, Failure, print_json, print_line, print_note, print_table
from relay.cli.running import signal_reload
from relay.key_ring import KeyRing, fingerprint

app = typer.Typer(help="Token and DKIM keys.")

FORMAT = 1


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """The token keys by number and fingerprint; the newest signs, all are honoured for ever."""
    prints = KeyRing.fingerprints_in(_folder(invocation(ctx).settings))
    rows = [{"key": key, "fingerprint": one, "signs": key == max(prints)} for key, one in sorted(prints.items())]
    if json:
        print_json(rows)
    else:
        print_table(
            ("key", "fingerprint", "signs"),
            [(f"{key:03}", one, "yes" if key == max(prints) else "") for key, one in sorted(prints.items())],
        )


@app.command()
def export(ctx: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Write all token and DKIM keys to a new file that only you may read; keep it apart from the backups."""
    settings = invocation(ctx).settings
    ring = _ring(settings)
    dkim = {
        path.name: path.read_text("ascii")
        for path in sorted((settings.data_dir / "dkim").glob("*"))
        if is_key_name(path.name)
    }
    told = {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(),
        "token_keys": {f"{number:03}": key.hex() for number, key in ring.keys.items()},
        "dkim_keys": dkim,
    }
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            out.write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as failure:
        raise Failure(f"{file}: {failure.strerror}") from None
    print_line(f"{file}: {len(ring.keys)} token keys, {len(dkim)} DKIM keys")
    print_note("whoever has it can unsubscribe people and sign as you: keep it safe")


@app.command("import")
def import_(
    ctx: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="What keys export wrote.")]
) -> None:
    """Put back keys that are missing; nothing that is there is replaced."""
    settings = invocation(ctx).settings
    try:
        told = orjson.loads(file.read_bytes())
        keys = {int(number): bytes.fromhex(key) for number, key in told["token_keys"].items()}
        dkim = {str(name): str(pem) for name, pem in told["dkim_keys"].items() if is_key_name(name)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Failure(f"{file} is not what relay keys export writes") from None
    there = KeyRing.fingerprints_in(_folder(settings))
    if other := [number for number, key in keys.items() if there.get(number, fingerprint(key)) != fingerprint(key)]:
        raise Failure(f"key {other[0]:03} here is another key: move {_folder(settings)} away if it is of no use")
    for number, key in keys.items():
        KeyRing.add(_folder(settings), number, key)
    added = sum(put_back(settings.data_dir / "dkim", name, pem) for name, pem in dkim.items())
    print_line(f"{len(keys.keys() - there.keys())} token keys and {added} DKIM keys were put back")


@app.command()
def rotate(ctx: typer.Context, json: Json = False) -> None:
    """Make a new token key and let it sign from now on; links signed with the others work for ever."""
    settings = invocation(ctx).settings
    _ring(settings)
    try:
        number = KeyRing.rotate(_folder(settings))
    except ValueError as full:
        raise Failure(str(full)) from None
    except OSError as failure:
        raise Failure(f"{_folder(settings)}: {failure.strerror}", Exit.UNAVAILABLE) from None
    running = signal_reload(settings.data_dir)
    if json:
        print_json({"key": number, "signs": True, "reloaded": running})
    else:
        print_line(f"key {number:03} signs from now on")
        print_note("it is in no export yet: relay keys export FILE; other nodes need it too")


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "keys"


def _ring(settings: Settings) -> KeyRing:
    """The ring as it is; none is made here."""
    try:
        if KeyRing.fingerprints_in(_folder(settings)):
            return KeyRing.open(_folder(settings))
    except OSError as failure:
        raise Failure(f"{_folder(settings)}: {failure.strerror}", Exit.UNAVAILABLE) from None
    raise Failure(f"{_folder(settings)} holds no keys: the first start of relay serve makes one")
